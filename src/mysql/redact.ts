import { ERROR } from "./errorNumbers";

/**
 * Keeps values out of what is logged or thrown. A statement is shown with its literals replaced, a message of the
 * server's without what it quotes: both may hold a key, an IV or a hash.
 */

const HIDDEN = "'…'";
const HIDDEN_NUMBER = "…";

/** Statements whose literals are part of the schema: types, defaults, comments. */
const SCHEMA_STATEMENT = /^\s*(?:CREATE|ALTER|DROP|RENAME|TRUNCATE)\s+(?:TABLE|(?:UNIQUE\s+)?INDEX|DATABASE)\b/i;

/**
 * What begins a comment, a quoted name or a string, and whole numbers and words. A comment that begins with `!` holds
 * code.
 */
const TOKENS = /\/\*M?!\d*|\/\*|--(?=\s|$)|#|[`'"]|\d[\w.]*|[A-Za-z_$@\u0080-\uffff][\w$@\u0080-\uffff]*/g;

const LONGEST = 2_000;

/**
 * A statement without the strings, numbers and comments in it, and no longer than 2,000 characters. Strings are read as
 * in a session where a backslash escapes.
 */
export function redactSql(sql: string): string {
	const shown = SCHEMA_STATEMENT.test(sql) ? sql : withoutLiterals(sql);
	return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown;
}

/** In linear time, and no further than is shown. */
function withoutLiterals(sql: string): string {
	let shown = "";
	let end = 0;
	const tokens = new RegExp(TOKENS);
	for (let match = tokens.exec(sql); match && shown.length <= LONGEST; match = tokens.exec(sql)) {
		const [token] = match;
		shown += sql.slice(end, match.index);
		end = endOf(sql, token, tokens.lastIndex);
		tokens.lastIndex = end;
		shown += shownInstead(token) ?? sql.slice(match.index, end);
	}
	return shown + sql.slice(end);
}

/** The end of the comment, name or string that a token begins: of the statement where it is not closed. */
function endOf(sql: string, token: string, after: number): number {
	if (token === "/*") return behind(sql, "*/", after);
	if (token === "#" || token === "--") return behind(sql, "\n", after, 0);
	if (!/^[`'"]$/.test(token)) return after;
	const marks = token === "`" ? /`/g : new RegExp(`[\\\\${token}]`, "g");
	marks.lastIndex = after;
	for (let mark = marks.exec(sql); mark; mark = marks.exec(sql)) {
		const isEscape = mark[0] === "\\" || sql[marks.lastIndex] === token;
		if (!isEscape) return marks.lastIndex;
		marks.lastIndex++;
	}
	return sql.length;
}

function behind(sql: string, mark: string, after: number, length = mark.length): number {
	const found = sql.indexOf(mark, after);
	return found === -1 ? sql.length : found + length;
}

function shownInstead(token: string): string | undefined {
	if (token === "'" || token === '"') return HIDDEN;
	if (token === "/*" || token === "#" || token === "--") return " ";
	return /^\d/.test(token) ? HIDDEN_NUMBER : undefined;
}

/** Errors that quote nothing but names of users, databases, tables, columns and keys. */
const NAMES_ONLY: ReadonlySet<number> = new Set([
	ERROR.CANT_CREATE_TABLE,
	ERROR.ERROR_ON_RENAME,
	ERROR.DBACCESS_DENIED_ERROR,
	ERROR.ACCESS_DENIED_ERROR,
	ERROR.NO_DB_ERROR,
	ERROR.BAD_NULL_ERROR,
	ERROR.BAD_DB_ERROR,
	ERROR.TABLE_EXISTS_ERROR,
	ERROR.BAD_TABLE_ERROR,
	ERROR.NON_UNIQ_ERROR,
	ERROR.BAD_FIELD_ERROR,
	ERROR.WRONG_FIELD_WITH_GROUP,
	ERROR.DUP_FIELDNAME,
	ERROR.DUP_KEYNAME,
	ERROR.INVALID_DEFAULT,
	ERROR.MULTIPLE_PRI_KEY,
	ERROR.KEY_COLUMN_DOES_NOT_EXIST,
	ERROR.WRONG_AUTO_KEY,
	ERROR.CANT_DROP_FIELD_OR_KEY,
	ERROR.BLOB_CANT_HAVE_DEFAULT,
	ERROR.UNKNOWN_TABLE,
	ERROR.FIELD_SPECIFIED_TWICE,
	ERROR.HOST_NOT_PRIVILEGED,
	ERROR.TABLEACCESS_DENIED_ERROR,
	ERROR.COLUMNACCESS_DENIED_ERROR,
	ERROR.NO_SUCH_TABLE,
	ERROR.NONEXISTING_TABLE_GRANT,
	ERROR.BLOB_KEY_WITHOUT_LENGTH,
	ERROR.KEY_DOES_NOT_EXIST,
	ERROR.UNKNOWN_SYSTEM_VARIABLE,
	ERROR.CANNOT_ADD_FOREIGN,
	ERROR.NO_REFERENCED_ROW,
	ERROR.ROW_IS_REFERENCED,
	ERROR.WRONG_USAGE,
	ERROR.USER_LIMIT_REACHED,
	ERROR.SPECIFIC_ACCESS_DENIED_ERROR,
	ERROR.NOT_SUPPORTED_YET,
	ERROR.WARN_DATA_OUT_OF_RANGE,
	ERROR.WARN_DATA_TRUNCATED,
	ERROR.OPTION_PREVENTS_STATEMENT,
	ERROR.SP_DOES_NOT_EXIST,
	ERROR.NO_DEFAULT_FOR_FIELD,
	ERROR.PROCACCESS_DENIED_ERROR,
	ERROR.DATA_TOO_LONG,
	ERROR.BINLOG_CREATE_ROUTINE_NEED_SUPER,
	ERROR.ROW_IS_REFERENCED_2,
	ERROR.NO_REFERENCED_ROW_2,
	ERROR.PARTITION_MGMT_ON_NONPARTITIONED,
	ERROR.DROP_INDEX_FK,
	ERROR.FOREIGN_DUPLICATE_KEY,
	ERROR.ACCESS_DENIED_NO_PASSWORD_ERROR,
	ERROR.TRUNCATE_ILLEGAL_FK,
	ERROR.FK_NO_INDEX_PARENT,
	ERROR.FK_CANNOT_OPEN_PARENT,
	ERROR.FK_INCORRECT_OPTION,
	ERROR.FK_DUP_NAME,
	ERROR.FK_COLUMN_CANNOT_DROP,
	ERROR.FK_COLUMN_CANNOT_DROP_CHILD,
	ERROR.FK_COLUMN_NOT_NULL,
	ERROR.FK_COLUMN_CANNOT_CHANGE,
	ERROR.FK_COLUMN_CANNOT_CHANGE_CHILD,
	ERROR.FK_CANNOT_DELETE_PARENT,
	ERROR.ALTER_OPERATION_NOT_SUPPORTED,
	ERROR.ALTER_OPERATION_NOT_SUPPORTED_REASON,
	ERROR.GENERATED_COLUMN_FUNCTION_IS_NOT_ALLOWED_MARIADB,
	ERROR.KEY_BASED_ON_GENERATED_VIRTUAL_COLUMN,
	ERROR.WARNING_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN,
	ERROR.GENERATED_COLUMN_FUNCTION_IS_NOT_ALLOWED,
	ERROR.NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN,
	ERROR.UNSUPPORTED_ACTION_ON_GENERATED_COLUMN,
	ERROR.GENERATED_COLUMN_NON_PRIOR,
	ERROR.DEPENDENT_BY_GENERATED_COLUMN,
	ERROR.INVALID_JSON_TEXT,
	ERROR.FK_CANNOT_DROP_PARENT,
	ERROR.FK_INCOMPATIBLE_COLUMNS,
	ERROR.CHECK_CONSTRAINT_VIOLATED,
	ERROR.CHECK_CONSTRAINT_DUP_NAME,
	ERROR.CONSTRAINT_FAILED,
	ERROR.CLIENT_INTERACTION_TIMEOUT,
]);

/** What the server puts after a value that it quotes. */
const TAIL =
	/(?: for key '[^']*'| for column (?:'[^']*'|[`\w.$-]+)(?: at row \d+)?| for function \w+| at row \d+| at line \d+)$/;

/** A server's message in one line, without the values in it. */
export function redactMessage(message: string, errno: number | undefined): string {
	const line = message.replaceAll(/\s+/g, " ").trim();
	if (errno === undefined || NAMES_ONLY.has(errno)) return line;
	// A trigger's or a routine's own words.
	if (errno === ERROR.SIGNAL_EXCEPTION) return `SIGNAL ${HIDDEN}`;
	const tail = TAIL.exec(line)?.[0] ?? "";
	const head = line.slice(0, line.length - tail.length);
	// A value may hold quotes itself, so nothing behind the first one is known to be outside of it.
	return head.replace(/['"].*$/, HIDDEN) + tail;
}

/** The state of a SIGNAL, whatever number the statement gives it. */
const SIGNALED = "45000";

interface DriverError extends Error {
	errno?: number;
	sqlState?: string;
	sql?: string;
	sqlMessage?: string;
}

/** Takes the values out of an error of mysql2, in place; number, code and SQL state stay. */
export function withoutSecrets(error: unknown): unknown {
	if (!(error instanceof Error)) return error;
	const known = error as DriverError;
	// The network's errors have a number too, but no SQL state: they quote addresses only.
	const isServers = known.sqlState !== undefined || typeof known.sqlMessage === "string";
	const ofServer = known.sqlState === SIGNALED ? ERROR.SIGNAL_EXCEPTION : (known.errno ?? 0);
	const errno = isServers ? ofServer : undefined;
	const message = redactMessage(known.message, errno);
	if (known.stack) known.stack = `${known.name}: ${message}${frames(known.stack)}`;
	known.message = message;
	if (known.sqlMessage !== undefined) known.sqlMessage = redactMessage(known.sqlMessage, errno);
	if (known.sql !== undefined) known.sql = redactSql(known.sql);
	return known;
}

function frames(stack: string): string {
	const start = stack.search(/\n\s+at /);
	return start === -1 ? "" : stack.slice(start);
}
