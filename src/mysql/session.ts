/**
 * What sessions are set to, whatever the defaults of the server and of the account are. Of the servers' own lists of
 * session variables, these have each that changes what a statement means, whether it is executed, how long it may take, or
 * the words of an error that is read; both servers let any user set them:
 * https://dev.mysql.com/doc/refman/9.7/en/server-system-variables.html,
 * https://mariadb.com/kb/en/server-system-variables/,
 * https://galeracluster.com/library/documentation/mysql-wsrep-options.html. Values are written as SHOW VARIABLES does.
 */

/** As many rows as any answer has: what `sql_select_limit` is unless it is set. */
export const NO_LIMIT = "18446744073709551615";

type Variables = Readonly<Record<string, string>>;

/** Seconds that a statement waits for a row, and then fails with LOCK_WAIT_TIMEOUT. */
const ROW_LOCK_SECONDS = "10";
/** Seconds that a statement waits for a table that another session alters. */
const TABLE_LOCK_SECONDS = "30";

/** What strict sessions have, as far as every row that is already stored can be copied in it. */
const STRICT = "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";

/** Each session of the pool's. */
const SESSION_VARIABLES: Variables = {
	// mysql2 writes and reads instants in UTC, and escapes texts with backslashes. ONLY_FULL_GROUP_BY stays out, since
	// MariaDB refuses grouped queries by it that MySQL takes.
	time_zone: "+00:00",
	sql_mode: `${STRICT},NO_ZERO_IN_DATE,NO_ZERO_DATE`,
	// Every statement is committed unless a transaction was begun, and a COMMIT neither begins another nor disconnects.
	autocommit: "ON",
	completion_type: "NO_CHAIN",
	// Statements are executed as they are written, without a LIMIT of the server's or an IF EXISTS.
	sql_safe_updates: "OFF",
	sql_select_limit: NO_LIMIT,
	sql_big_selects: "ON",
	sql_auto_is_null: "OFF",
	sql_if_exists: "OFF",
	foreign_key_checks: "ON",
	unique_checks: "ON",
	check_constraint_checks: "ON",
	// Errors are read by these.
	lc_messages: "en_US",
	sql_quote_show_create: "ON",
	// What bounds a statement is what it waits for, not how long it works.
	max_execution_time: "0",
	max_statement_time: "0",
	net_read_timeout: "60",
	net_write_timeout: "60",
	innodb_lock_wait_timeout: ROW_LOCK_SECONDS,
	lock_wait_timeout: TABLE_LOCK_SECONDS,
};

/** A session that migrates, of whichever DataSource. */
export const MIGRATING_VARIABLES: Variables = {
	...SESSION_VARIABLES,
	// A statement that waits for a table makes every later query on it wait: it waits a second, and is sent again.
	lock_wait_timeout: "1",
	// Rows may hold zero dates that an older dashboard left.
	sql_mode: STRICT,
	// Without it any ALTER gives the first TIMESTAMP that must not be NULL a default and ON UPDATE of its own.
	explicit_defaults_for_timestamp: "ON",
	transaction_read_only: "OFF",
	tx_read_only: "OFF",
	// A CREATE TABLE IF NOT EXISTS only warns where the table is there.
	sql_notes: "ON",
	group_concat_max_len: "1048576",
	system_versioning_alter_history: "KEEP",
	wsrep_osu_method: "TOI",
	// What other nodes of a cluster committed is waited for.
	wsrep_sync_wait: "7",
};

/** The first version of the only server that has a variable, as the mark of a comment that no other server reads. */
const ONLY_SINCE: Variables = {
	max_execution_time: "/*!80000",
	max_statement_time: "/*M!100600",
	check_constraint_checks: "/*M!100600",
	sql_if_exists: "/*M!100801",
};

/** A variable's value as it is written in a statement. */
export function variableSql(value: string): string {
	return /^\d+(\.\d+)?$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`;
}

const assignments = Object.entries(SESSION_VARIABLES).map(([name, value]) => {
	const assignment = `, ${name} = ${variableSql(value)}`;
	const mark = ONLY_SINCE[name];
	return mark ? ` ${mark} ${assignment} */` : assignment;
});

/** To be sent in this order, before anything else, in each new session of the pool's. */
export const SESSION_STATEMENTS: readonly string[] = [
	`SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci${assignments.join("")}`,
	// The variable's name differs between versions of MariaDB.
	"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE",
];
