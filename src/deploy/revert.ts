import type { Migration, QueryRunner } from "typeorm";
import { DataLossError, MigrationError } from "../errors";
import { HALF_REVERTED, historyTable, nameOf } from "./history";

/**
 * Reverts a migration, or only deletes its record (`fake`). The record is marked first: where the revert is
 * interrupted, the next run makes the migration again, and the next revert goes on with it.
 *
 * @throws MigrationError when the migration is not in the code.
 */
export async function undo(
	queryRunner: QueryRunner,
	{ id, name: recorded }: Migration,
	{ fake = false }: { readonly fake?: boolean },
): Promise<void> {
	const table = historyTable(queryRunner.dataSource);
	const name = recorded.replace(HALF_REVERTED, "");
	const rename = (to: string) => queryRunner.query(`UPDATE ${table} SET name = ? WHERE id = ?`, [to, id]);
	const { migrations } = queryRunner.dataSource;
	const migration = migrations.find((candidate) => nameOf(candidate) === name);
	if (!migration) {
		throw new MigrationError(`${name}, which ran last, is not in this release: revert it with the one that ran it`);
	}
	if (!fake) {
		await rename(name + HALF_REVERTED);
		try {
			await migration.down(queryRunner);
		} catch (error) {
			if (error instanceof DataLossError) await rename(recorded);
			throw error;
		}
	}
	await queryRunner.query(`DELETE FROM ${table} WHERE id = ?`, [id]);
}
