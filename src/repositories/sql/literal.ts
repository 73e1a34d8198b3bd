import { inspect } from "node:util";

const HIDDEN = "[REDACTED]";

/**
 * A value that writes itself into the statement, and that no log shows where it is a secret.
 *
 * The driver escapes with backslashes whatever the session's `sql_mode` is; where that holds NO_BACKSLASH_ESCAPES, a
 * quote in the text would end the literal. What is written here means the same in every mode: a quote is doubled, and a
 * text with a backslash is given as bytes.
 */
export class Literal {
	/** Calls it as the driver does; no property holds the value. */
	readonly toSqlString: () => string;

	constructor(
		value: string | Buffer,
		/** What a log shows. */
		readonly shown: string,
	) {
		this.toSqlString = () => sqlOf(value);
		Object.defineProperty(this, "toSqlString", { enumerable: false });
	}

	toString(): string {
		return this.shown;
	}

	toJSON(): string {
		return this.shown;
	}

	[inspect.custom](): string {
		return this.shown;
	}
}

const ESCAPED = /[\p{Cc}"'\\]/u;

/** What is handed to the driver for a checked value: the value itself wherever that is safe. */
export function toSent(value: unknown, isSecret: boolean): unknown {
	if (value === null) return null;
	if (isSecret) return new Literal(value as string | Buffer, HIDDEN);
	return typeof value === "string" && ESCAPED.test(value) ? new Literal(value, value) : value;
}

function sqlOf(value: string | Buffer): string {
	if (Buffer.isBuffer(value)) return `x'${value.toString("hex")}'`;
	if (!value.includes("\\")) return `'${value.replaceAll("'", "''")}'`;
	return `_utf8mb4 x'${Buffer.from(value).toString("hex")}'`;
}
