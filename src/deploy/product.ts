import type { Migration, MigrationInterface } from "typeorm";

/** One check of a database, and its result. */
export interface CheckItem {
	readonly name: string;
	readonly ok: boolean;
	/** What was found, in one line where it is as it should be. */
	readonly details: readonly string[];
	/** What a run leaves alone on purpose, with the statement that mends it where there is one. */
	readonly warnings: readonly string[];
}

/** A question about rows. */
export interface RowCheck {
	readonly name: string;
	/** A SELECT; where its table is not there it has no rows. */
	readonly sql: string;
	/** What is wrong with the rows; empty where nothing is. */
	readonly problemsOf: (rows: readonly Record<string, unknown>[]) => readonly string[];
	/** The detail that is shown for rows without a problem. */
	readonly describe: (rows: readonly Record<string, unknown>[]) => string;
}

/** What is deployed. The functions of this folder know nothing else of it. */
export interface Product {
	/** The migrations that may be planned: they change the database through the functions of the schema's folder only. */
	readonly migrations: readonly (new () => MigrationInterface)[];
	readonly checks: readonly RowCheck[];
}

/** Whether a migration is the product's, so that it can be planned; any other is the application's. */
export function isPlannable({ instance }: Migration, { migrations }: Product): boolean {
	return migrations.some((known) => instance instanceof known);
}
