import type { Clause } from "./clause";

/** A question about the rows whose answer has to be none before a clause may be carried out. */
export interface Guard {
	/** Counts the rows in the way, as `found`. */
	readonly sql: string;
	/** Follows the number of rows. */
	readonly problem: string;
}

/** What separates a table from the shape that it is to have. */
export interface Difference {
	readonly clauses: readonly Clause[];
	readonly guards: readonly Guard[];
	/** Why the table can't be brought to its shape without losing something. */
	readonly problems: readonly string[];
	/** What was found and is left alone. */
	readonly notes: readonly string[];
}
