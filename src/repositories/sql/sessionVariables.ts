/**
 * What statements depend on in an application's session, whose settings are its own. A zone whose clocks change has an
 * hour that comes twice and one that never comes, and what a TIMESTAMP is given or compared with goes through it. Without
 * the checks of foreign keys a row is stored whose parent does not exist, and what was to be deleted with a row stays.
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
