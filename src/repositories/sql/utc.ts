/** What depends on the session's time zone: an instant that is written, or compared with one that is stored. */
const CLOCK = /\b(?:NOW|FROM_UNIXTIME)\(/;

/**
 * Makes a statement run in UTC whatever the session's zone is, where that matters: a zone whose clocks change has an hour
 * that comes twice and one that never comes, and what a TIMESTAMP is given goes through it. MariaDB runs the comment
 * `M!` and takes the other for a comment; MySQL (from 8.0.17) does it the other way round.
 */
export function inUtc(sql: string): string {
	if (!CLOCK.test(sql)) return sql;
	const hinted = sql.replace(/^\w+/, (verb) => `${verb} /*+ SET_VAR(time_zone='+00:00') */`);
	return `/*M! SET STATEMENT time_zone='+00:00' FOR */ ${hinted}`;
}
