/**
 * The numbers of the servers' errors that this package acts on, by the servers' own names without `ER_`.
 *
 * Sources: https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html and
 * https://mariadb.com/kb/en/mariadb-error-code-reference/; numbers of one server only are marked.
 */
export const ERROR = {
	/** MariaDB: the storage engine's own number for an AUTO_INCREMENT column that has no further value. */
	AUTOINC_OUT_OF_RANGE: 167,
	CANT_CREATE_TABLE: 1005,
	CHECKREAD: 1020,
	ERROR_ON_RENAME: 1025,
	OUT_OF_SORTMEMORY: 1038,
	CON_COUNT_ERROR: 1040,
	DBACCESS_DENIED_ERROR: 1044,
	ACCESS_DENIED_ERROR: 1045,
	NO_DB_ERROR: 1046,
	/** The answer of a node of a Galera cluster that is not ready. */
	UNKNOWN_COM_ERROR: 1047,
	BAD_NULL_ERROR: 1048,
	BAD_DB_ERROR: 1049,
	TABLE_EXISTS_ERROR: 1050,
	BAD_TABLE_ERROR: 1051,
	NON_UNIQ_ERROR: 1052,
	SERVER_SHUTDOWN: 1053,
	BAD_FIELD_ERROR: 1054,
	WRONG_FIELD_WITH_GROUP: 1055,
	DUP_FIELDNAME: 1060,
	DUP_KEYNAME: 1061,
	DUP_ENTRY: 1062,
	INVALID_DEFAULT: 1067,
	MULTIPLE_PRI_KEY: 1068,
	KEY_COLUMN_DOES_NOT_EXIST: 1072,
	WRONG_AUTO_KEY: 1075,
	CANT_DROP_FIELD_OR_KEY: 1091,
	BLOB_CANT_HAVE_DEFAULT: 1101,
	TOO_BIG_SELECT: 1104,
	UNKNOWN_TABLE: 1109,
	FIELD_SPECIFIED_TWICE: 1110,
	HOST_NOT_PRIVILEGED: 1130,
	TABLEACCESS_DENIED_ERROR: 1142,
	COLUMNACCESS_DENIED_ERROR: 1143,
	NO_SUCH_TABLE: 1146,
	NONEXISTING_TABLE_GRANT: 1147,
	ABORTING_CONNECTION: 1152,
	NET_PACKET_TOO_LARGE: 1153,
	NET_READ_ERROR: 1158,
	NET_READ_INTERRUPTED: 1159,
	NET_ERROR_ON_WRITE: 1160,
	NET_WRITE_INTERRUPTED: 1161,
	BLOB_KEY_WITHOUT_LENGTH: 1170,
	KEY_DOES_NOT_EXIST: 1176,
	UNKNOWN_SYSTEM_VARIABLE: 1193,
	TOO_MANY_USER_CONNECTIONS: 1203,
	LOCK_WAIT_TIMEOUT: 1205,
	LOCK_DEADLOCK: 1213,
	CANNOT_ADD_FOREIGN: 1215,
	NO_REFERENCED_ROW: 1216,
	ROW_IS_REFERENCED: 1217,
	WRONG_USAGE: 1221,
	USER_LIMIT_REACHED: 1226,
	SPECIFIC_ACCESS_DENIED_ERROR: 1227,
	NOT_SUPPORTED_YET: 1235,
	WARN_DATA_OUT_OF_RANGE: 1264,
	WARN_DATA_TRUNCATED: 1265,
	OPTION_PREVENTS_STATEMENT: 1290,
	SP_DOES_NOT_EXIST: 1305,
	NO_DEFAULT_FOR_FIELD: 1364,
	TRUNCATED_WRONG_VALUE_FOR_FIELD: 1366,
	PROCACCESS_DENIED_ERROR: 1370,
	DATA_TOO_LONG: 1406,
	BINLOG_CREATE_ROUTINE_NEED_SUPER: 1419,
	ROW_IS_REFERENCED_2: 1451,
	NO_REFERENCED_ROW_2: 1452,
	/** A deadlock about the next value of an AUTO_INCREMENT column. */
	AUTOINC_READ_FAILED: 1467,
	PARTITION_MGMT_ON_NONPARTITIONED: 1505,
	DROP_INDEX_FK: 1553,
	FOREIGN_DUPLICATE_KEY: 1557,
	SIGNAL_EXCEPTION: 1644,
	ACCESS_DENIED_NO_PASSWORD_ERROR: 1698,
	TRUNCATE_ILLEGAL_FK: 1701,
	FK_NO_INDEX_PARENT: 1822,
	FK_CANNOT_OPEN_PARENT: 1824,
	FK_INCORRECT_OPTION: 1825,
	FK_DUP_NAME: 1826,
	FK_COLUMN_CANNOT_DROP: 1828,
	FK_COLUMN_CANNOT_DROP_CHILD: 1829,
	FK_COLUMN_NOT_NULL: 1830,
	FK_COLUMN_CANNOT_CHANGE: 1832,
	FK_COLUMN_CANNOT_CHANGE_CHILD: 1833,
	FK_CANNOT_DELETE_PARENT: 1834,
	CANT_EXECUTE_IN_READ_ONLY_TRANSACTION: 1792,
	READ_ONLY_MODE: 1836,
	ALTER_OPERATION_NOT_SUPPORTED: 1845,
	ALTER_OPERATION_NOT_SUPPORTED_REASON: 1846,
	DUP_UNKNOWN_IN_INDEX: 1859,
	/** MariaDB: a function that a generated column or default cannot use. */
	GENERATED_COLUMN_FUNCTION_IS_NOT_ALLOWED_MARIADB: 1901,
	/** MariaDB: a key on a generated column that is not stored. */
	KEY_BASED_ON_GENERATED_VIRTUAL_COLUMN: 1904,
	/** MariaDB: a value given for a generated column. */
	WARNING_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN: 1906,
	/** MariaDB. */
	CONNECTION_KILLED: 1927,
	/** MySQL. */
	SERVER_OFFLINE_MODE: 3032,
	/** MySQL. */
	GENERATED_COLUMN_FUNCTION_IS_NOT_ALLOWED: 3102,
	/** MySQL. */
	NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN: 3105,
	/** MySQL. */
	UNSUPPORTED_ACTION_ON_GENERATED_COLUMN: 3106,
	/** MySQL. */
	GENERATED_COLUMN_NON_PRIOR: 3107,
	/** MySQL. */
	DEPENDENT_BY_GENERATED_COLUMN: 3108,
	/** MySQL. */
	INVALID_JSON_TEXT: 3140,
	/** MySQL. */
	JSON_DOCUMENT_TOO_DEEP: 3157,
	/** Both: `require_secure_transport`. */
	SECURE_TRANSPORT_REQUIRED: 3159,
	/** MySQL. */
	SESSION_WAS_KILLED: 3169,
	/** MySQL. */
	FK_CANNOT_DROP_PARENT: 3730,
	/** MySQL. */
	FK_INCOMPATIBLE_COLUMNS: 3780,
	/** MySQL. */
	CHECK_CONSTRAINT_VIOLATED: 3819,
	/** MySQL. */
	CHECK_CONSTRAINT_DUP_NAME: 3822,
	/** MariaDB: a CHECK failed, that on a JSON column included. */
	CONSTRAINT_FAILED: 4025,
	/** MySQL: `wait_timeout` ended the session. */
	CLIENT_INTERACTION_TIMEOUT: 4031,
	/** MySQL: columns were added and dropped instantly as often as a table takes it, until it is built anew. */
	INNODB_MAX_ROW_VERSION: 4092,
} as const;

/** The server's number of an error, or of the first of its causes that has one; 0 where there is none. */
export function errorNumber(error: unknown): number {
	if (!(error instanceof Error)) return 0;
	const { errno } = error as { errno?: unknown };
	// The system's own numbers are below zero.
	return typeof errno === "number" && errno > 0 ? errno : errorNumber(error.cause);
}

/** What an error says, in whatever form it was thrown. */
export function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** Whether the server failed with one of these numbers. */
export function hasNumber(error: unknown, ...numbers: readonly number[]): boolean {
	return numbers.includes(errorNumber(error));
}
