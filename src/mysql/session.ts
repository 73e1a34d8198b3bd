/**
 * What every session of the package is set to, whatever the defaults of the server and of the account are. The list was
 * made from the servers' own lists of session variables, of which it has each that changes what a statement means,
 * whether it is executed, or how long it may take:
 * https://dev.mysql.com/doc/refman/9.7/en/server-system-variables.html and
 * https://mariadb.com/kb/en/server-system-variables/. Both servers let any user set these. `/*!80000` is read by MySQL
 * alone and `/*M!` by MariaDB alone, from the version on that follows.
 */

/** Seconds that a statement waits for a row, and then fails with LOCK_WAIT_TIMEOUT. */
export const ROW_LOCK_SECONDS = 10;
/** Seconds that a statement waits for a table that another session alters. */
export const TABLE_LOCK_SECONDS = 30;

/** ONLY_FULL_GROUP_BY stays out, since MariaDB refuses grouped queries by it that MySQL takes. */
const SQL_MODE = [
	"STRICT_TRANS_TABLES",
	"STRICT_ALL_TABLES",
	"NO_ZERO_IN_DATE",
	"NO_ZERO_DATE",
	"ERROR_FOR_DIVISION_BY_ZERO",
	"NO_ENGINE_SUBSTITUTION",
].join();

const ASSIGNMENTS = [
	// mysql2 writes texts in UTF-8, escapes them with backslashes, and writes and reads instants in UTC.
	"NAMES utf8mb4 COLLATE utf8mb4_unicode_ci",
	"time_zone = '+00:00'",
	`sql_mode = '${SQL_MODE}'`,
	// Every statement is committed unless a transaction was begun, and a COMMIT neither begins another nor disconnects.
	"autocommit = 1",
	"completion_type = 0",
	// Statements are executed as they are written: no refusal without a key, no LIMIT of the server's.
	"sql_safe_updates = 0",
	"sql_select_limit = 18446744073709551615",
	"sql_big_selects = 1",
	"sql_auto_is_null = 0",
	"/*M!100801 sql_if_exists = 0, */ foreign_key_checks = 1",
	"/*M!100600 check_constraint_checks = 1, */ unique_checks = 1",
	// Error messages are read for the names of columns and keys.
	"lc_messages = 'en_US'",
	// A statement is not cut short for its duration, but for what it waits for.
	"/*!80000 max_execution_time = 0, */ /*M!100600 max_statement_time = 0, */ net_read_timeout = 60",
	"net_write_timeout = 60",
	`innodb_lock_wait_timeout = ${ROW_LOCK_SECONDS}`,
	`lock_wait_timeout = ${TABLE_LOCK_SECONDS}`,
];

/** To be sent in this order, before anything else, in each new session. */
export const SESSION_STATEMENTS: readonly string[] = [
	`SET ${ASSIGNMENTS.join(", ")}`,
	// A variable's name would differ between versions of MariaDB.
	"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE",
];

/** What a session that migrates needs besides: names and warnings as they are read, and no cached statistics. */
const MIGRATING_ASSIGNMENTS = [
	"/*!80000 sql_notes = 1, information_schema_stats_expiry = 0, */ /*M!101106 note_verbosity = 'basic', */ " +
		"/*M!100600 alter_algorithm = 'DEFAULT', */ sql_quote_show_create = 1",
	"group_concat_max_len = 1048576",
	"default_storage_engine = InnoDB",
];

/**
 * The same for a session that migrates, whoever opened it. Where an application's own pool opened it, the session must
 * not go back there: it would keep these settings.
 */
export const MIGRATING_SESSION_STATEMENTS: readonly string[] = [
	...SESSION_STATEMENTS,
	`SET ${MIGRATING_ASSIGNMENTS.join(", ")}`,
];
