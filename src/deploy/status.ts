import type { DataSource } from "typeorm";
import { knownMigrations, readHistory } from "./history";
import { onQueryRunner } from "./run";

/** What became of one migration on a database. */
export interface MigrationStatus {
	readonly name: string;
	readonly state:
		| "applied"
		| "pending"
		/** Its revert was interrupted: `migrate` runs it again, `revert` goes on reverting it. */
		| "half reverted"
		/** It was run by another release. */
		| "unknown";
}

/** Each migration of the DataSource or of the database, in the order in which they run: one statement. */
export async function status(dataSource: DataSource): Promise<MigrationStatus[]> {
	return onQueryRunner(dataSource, async (queryRunner) => {
		const history = await readHistory(queryRunner);
		const known = knownMigrations(dataSource).map(({ name }) => name);
		const unknown = history.filter(({ name }) => !known.includes(name));
		return [
			...known.map((name): MigrationStatus => {
				const row = history.find((candidate) => candidate.name === name);
				if (!row) return { name, state: "pending" };
				return { name, state: row.isHalfReverted ? "half reverted" : "applied" };
			}),
			...unknown.map(({ name }): MigrationStatus => ({ name, state: "unknown" })),
		];
	});
}
