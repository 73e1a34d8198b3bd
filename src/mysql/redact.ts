/**
 * Keeps values out of what is logged or thrown. A statement is shown with its literals replaced, a message of the
 * server's with what it quotes: both may hold a key, an IV or a hash.
 */

const HIDDEN = "'…'";

/** Comments, quoted names, then literals; one that is not closed goes to the end. `/*!` and `/*M!` hold code. */
const TOKENS =
	/\/\*(?!M?!)[\s\S]*?(?:\*\/|$)|--(?=\s|$)[^\n]*|#[^\n]*|`(?:[^`]|``)*(?:`|$)|\b[xXbB]?'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|"(?:[^"\\]|\\[\s\S]|"")*(?:"|$)|\b0[xXbB][0-9a-fA-F]+\b/g;

/** Statements whose literals are part of the schema: types, defaults, comments. */
const SCHEMA_STATEMENT = /^\s*(?:CREATE|ALTER|DROP|RENAME|TRUNCATE)\s+(?:TABLE|(?:UNIQUE\s+)?INDEX|DATABASE)\b/i;

const LONGEST = 2_000;

/** A statement without the values in it, and no longer than 2,000 characters. */
export function redactSql(sql: string): string {
	const shown = SCHEMA_STATEMENT.test(sql) ? sql : sql.replaceAll(TOKENS, hide);
	return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown;
}

function hide(token: string): string {
	if (token.startsWith("`")) return token;
	return /^(?:\/\*|--|#)/.test(token) ? " " : HIDDEN;
}

/** Errors that quote nothing but names of users, databases, tables, columns and keys. */
const NAMES_ONLY = new Set([
	1005, 1025, 1044, 1045, 1046, 1048, 1049, 1050, 1051, 1052, 1054, 1055, 1060, 1061, 1067, 1068, 1072, 1075, 1091,
	1101, 1109, 1110, 1130, 1142, 1143, 1146, 1147, 1170, 1176, 1193, 1215, 1216, 1217, 1221, 1227, 1235, 1264, 1265,
	1305, 1364, 1370, 1406, 1419, 1451, 1452, 1505, 1553, 1557, 1698, 1701, 1822, 1824, 1825, 1826, 1828, 1829, 1830,
	1832, 1833, 1834, 1845, 1846, 1901, 1904, 1906, 3102, 3105, 3106, 3107, 3108, 3140, 3730, 3780, 3819, 3822, 4025,
	4031,
]);

/** What the server puts after a value that it quotes. */
const TAIL =
	/(?: for key '[^']*'| for column (?:'[^']*'|[`\w.$-]+)(?: at row \d+)?| for function \w+| at row \d+| at line \d+)$/;

/** A server's message without the values in it, in one line. */
export function redactMessage(message: string, errno: number | undefined): string {
	const line = message.replaceAll(/\s+/g, " ").trim();
	if (errno === undefined || NAMES_ONLY.has(errno)) return line;
	const tail = TAIL.exec(line)?.[0] ?? "";
	const head = line.slice(0, line.length - tail.length);
	// A value may hold quotes itself, so nothing behind the first one is known to be outside of it.
	return head.replace(/['"].*$/, HIDDEN) + tail;
}

interface DriverError extends Error {
	errno?: number;
	code?: string;
	sql?: string;
	sqlMessage?: string;
}

/** Takes the values out of an error of mysql2, in place; number, code and SQL state stay. */
export function withoutSecrets(error: unknown): unknown {
	if (!(error instanceof Error)) return error;
	const known = error as DriverError;
	// The network's errors have a number too, but no SQL state: they quote addresses only.
	const errno = "sqlState" in error || typeof known.sqlMessage === "string" ? (known.errno ?? 0) : undefined;
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
