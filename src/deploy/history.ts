import { type DataSource, Migration, type MigrationInterface, type QueryRunner } from "typeorm";
import { rowsIfAny } from "../schema/rows";

/** Follows the name of a migration in TypeORM's table while it is reverted: it counts as pending from then on. */
export const HALF_REVERTED = " (half reverted)";

/** TypeORM's table of the migrations that were run, quoted. */
export function historyTable({ options }: DataSource): string {
	return `\`${options.migrationsTableName ?? "migrations"}\``;
}

/** The names in it, of which there are none before the first run: one statement, where TypeORM sends three. */
export async function readHistory(queryRunner: QueryRunner): Promise<string[]> {
	const rows = await rowsIfAny<{ name: string }>(
		queryRunner,
		`SELECT name FROM ${historyTable(queryRunner.dataSource)}`,
	);
	return rows.map((row) => row.name);
}

/** A migration's name in the records. */
export function nameOf(migration: MigrationInterface): string {
	return migration.name ?? migration.constructor.name;
}

/** The migrations without a record, in the order in which TypeORM runs them: that of the timestamps in their names. */
export function pendingAfter({ migrations }: DataSource, records: readonly string[]): Migration[] {
	const all = migrations.map((instance) => {
		const name = nameOf(instance);
		return new Migration(undefined, Number(name.slice(-13)), name, instance);
	});
	const pending = all.filter(({ name }) => !records.includes(name));
	return pending.sort((one, other) => one.timestamp - other.timestamp);
}

/** Before a run makes them again: the records of migrations whose revert was interrupted. */
export async function forgetHalfReverted(queryRunner: QueryRunner, records: readonly string[]): Promise<void> {
	if (!records.some((name) => name.endsWith(HALF_REVERTED))) return;
	await queryRunner.query(`DELETE FROM ${historyTable(queryRunner.dataSource)} WHERE name LIKE '%${HALF_REVERTED}'`);
}
