import type { Clause } from "./clause";

/** A question about rows whose answer must be none before a clause is carried out. */
export interface Guard {
	/** Counts the rows in the way, as `found`. */
	readonly sql: string;
	/** Follows the number of rows. */
	readonly problem: string;
}

/** What separates a table from its shape. */
export interface Difference {
	readonly clauses: readonly Clause[];
	readonly guards: readonly Guard[];
	/** Why the table can't be brought to its shape without losing something. */
	readonly problems: readonly string[];
	/** What was found and is left alone. */
	readonly notes: readonly string[];
}
