/**
 * What statements depend on in an application's session, whose settings are its own. A zone whose clocks change has an
 * hour that comes twice and one that never comes; each value that a TIMESTAMP is set to or compared with is converted by the
 * zone. Without the checks of foreign keys, rows without a parent are stored, and deletions do not cascade.
 */
const NEEDED: readonly { readonly by: RegExp; readonly assignment: string }[] = [
	{ by: /\b(?:NOW|FROM_UNIXTIME)\(/, assignment: "time_zone='+00:00'" },
	{ by: /^(?:INSERT|DELETE)\b|\blast_accessed_by = /, assignment: "foreign_key_checks=1" },
];

/**
 * Sets for this one statement what it depends on. MariaDB runs the comment `M!` and takes the other for a comment; MySQL
 * (from 8.0.17) does it the other way round.
 */
export function withSessionVariables(sql: string): string {
	const assignments = NEEDED.filter(({ by }) => by.test(sql)).map(({ assignment }) => assignment);
	if (!assignments.length) return sql;
	const hints = assignments.map((assignment) => `SET_VAR(${assignment})`).join(" ");
	const hinted = sql.replace(/^\w+/, (verb) => `${verb} /*+ ${hints} */`);
	return `/*M! SET STATEMENT ${assignments.join(", ")} FOR */ ${hinted}`;
}
