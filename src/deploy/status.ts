import type { DataSource } from "typeorm";
import { knownMigrations, readAppliedAt, readHistory } from "./history";
import { onQueryRunner } from "./run";

/**
 * What became of one migration on a database.
 *
 * @example
 * for (const { name, state, appliedAt } of await status(dataSource)) console.log(name, state, appliedAt);
 */
export interface MigrationStatus {
	readonly name: string;
	readonly state:
		| "applied"
		| "pending"
		/** Its revert was interrupted: `migrate` runs it again, `revert` goes on reverting it. */
		| "half reverted"
		/** It was run by another release. */
		| "unknown";
	/** When it was run, where the history says so: a table that TypeORM made does not. */
	readonly appliedAt?: Date;
}

/** Each migration of the DataSource or of the database, in the order in which they run: two statements. */
export async function status(dataSource: DataSource): Promise<MigrationStatus[]> {
	return onQueryRunner(dataSource, async (queryRunner) => {
		const history = await readHistory(queryRunner);
		const known = knownMigrations(dataSource).map(({ name }) => name);
		const unknown = history.filter(({ name }) => !known.includes(name));
		const times = await readAppliedAt(queryRunner);
		const statusOf = (name: string, state: MigrationStatus["state"]): MigrationStatus => {
			const appliedAt = times.get(name);
			return appliedAt ? { name, state, appliedAt } : { name, state };
		};
		return [
			...known.map((name) => {
				const row = history.find((candidate) => candidate.name === name);
				if (!row) return statusOf(name, "pending");
				return statusOf(name, row.isHalfReverted ? "half reverted" : "applied");
			}),
			...unknown.map(({ name }) => statusOf(name, "unknown")),
		];
	});
}
