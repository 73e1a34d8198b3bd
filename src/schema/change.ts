/** How a statement treats a table that is in use; each is named in the statement, so that the server verifies it. */
export type Algorithm =
	/** Not an ALTER TABLE. */
	| "NONE"
	/** Metadata only. */
	| "INSTANT"
	/** In place, while readers and writers go on. */
	| "INPLACE"
	/** Copies the table while writers wait: only where a revert has no other way. */
	| "COPY";

/** One statement that brings a table nearer to its shape. */
export interface Change {
	readonly table: string;
	/** What it does, for the report; empty where another statement completes it. */
	readonly what: string;
	/** Without the algorithm. */
	readonly sql: string;
	readonly algorithm: Algorithm;
	/** Runs with foreign_key_checks=0, without which adding a foreign key copies the table. */
	readonly skipForeignKeyChecks?: boolean;
}

/** A look at the rows that has to find nothing before a change may run. */
export interface Guard {
	/** Counts the rows in the way, as `found`. */
	readonly sql: string;
	/** Follows the number of rows. */
	readonly problem: string;
}

export interface Difference {
	readonly changes: readonly Change[];
	readonly guards: readonly Guard[];
	/** Why the table can't be brought to its shape without losing something. */
	readonly problems: readonly string[];
	/** What was found and left alone. */
	readonly notes: readonly string[];
}
