/**
 * Sets up a new session in one statement, whatever the server's defaults are: instants in UTC, as mysql2 is told to
 * write and read them; strict, so that nothing is stored cut or as an empty ENUM; quoting as mysql2 escapes values;
 * every statement committed unless a transaction was begun. ONLY_FULL_GROUP_BY stays out, since MariaDB refuses
 * grouped queries by it that MySQL takes.
 */
export const SESSION_STATEMENT =
	"SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci, time_zone = '+00:00', autocommit = 1, sql_mode = '" +
	[
		"STRICT_TRANS_TABLES",
		"STRICT_ALL_TABLES",
		"NO_ZERO_IN_DATE",
		"NO_ZERO_DATE",
		"ERROR_FOR_DIVISION_BY_ZERO",
		"NO_ENGINE_SUBSTITUTION",
	].join(",") +
	"'";
