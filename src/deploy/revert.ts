import type { DataSource } from "typeorm";
import { DataLossError, RefusedOperationError } from "../errors";
import { isDataLossAllowed, isTableCopyAllowed, withContext } from "../schema/context";
import { quote } from "../schema/ddl";
import { rowsIfAny } from "../schema/rows";
import { withoutMigrationSession } from "../schema/session";
import { type DryRun, dryRun } from "./dryRun";
import {
	type HistoryRow,
	historyTable,
	markHalfReverted,
	migrationOf,
	readHistory,
	recordRevert,
	unmarkHalfReverted,
} from "./history";
import { type Privileges, refuseMissingPrivileges } from "./privileges";
import { isPlannable, type Product } from "./product";
import {
	asOnlyRun,
	type DeployOptions,
	type DeployResult,
	executingContext,
	finish,
	onQueryRunner,
	type Run,
	upToDate,
} from "./run";

/** How far to go back, and how. */
export interface RevertOptions extends DeployOptions {
	/** Reverts every migration that ran after this one; the last one by default. */
	readonly to?: string | undefined;
	/** Reverts all of them. */
	readonly all?: boolean | undefined;
}

/**
 * Reverts migrations, the last one first, under the guards of a run. Several are one decision: everything that
 * prevents one of them is found before the first is reverted. With none left, the tables in which TypeORM and this
 * package keep their notes go too.
 *
 * @throws DataLossError, IncompatibleSchemaError, MissingPrivilegesError, ForeignHistoryError, RefusedOperationError,
 *   LockTimeoutError before anything is changed; TableInUseError, LockLostError, InterruptedError and MigrationError with
 *   what is to be run again
 */
export async function revert(
	dataSource: DataSource,
	product: Product,
	options: RevertOptions = {},
): Promise<DeployResult> {
	return onQueryRunner(dataSource, (queryRunner) =>
		asOnlyRun(queryRunner, options, async (run) => {
			const history = await readHistory(queryRunner);
			const rows = chooseRows(history, options);
			if (rows.length) {
				const privileges = await refuseMissingPrivileges(queryRunner, "revert");
				const planned = options.fake ? undefined : await refuseLosses(run, rows, product, privileges);
				await withContext(queryRunner, executingContext(run, planned), () => revertAll(run, rows, product));
			}
			// A revert of the last one may have been interrupted when only these were left.
			if (rows.length === history.length) await dropBookkeeping(run);
			if (history.length === 0) {
				return upToDate(options, "No migrations were run on this database");
			}
			return rows.length ? finish(run) : upToDate(options, `${options.to} is the last migration that was run`);
		}),
	);
}

/** The rows that are reverted, in that order. */
function chooseRows(history: readonly HistoryRow[], { to, all = false }: RevertOptions): HistoryRow[] {
	const rows = [...history].reverse();
	if (all) return rows;
	if (to === undefined) return rows.slice(0, 1);
	const index = rows.findIndex((row) => row.name === to);
	if (index === -1) throw new RefusedOperationError(`${to} was not run on this database: status lists what was`);
	return rows.slice(0, index);
}

/** A dry run of all that are the product's, before the first is reverted. */
async function refuseLosses(
	{ queryRunner, options }: Run,
	rows: readonly HistoryRow[],
	product: Product,
	{ canCopy }: Privileges,
): Promise<DryRun> {
	const { dataSource } = queryRunner;
	const { allowTableCopy = isTableCopyAllowed(), allowDataLoss = isDataLossAllowed() } = options;
	const migrations = rows.map((row) => migrationOf(dataSource, row));
	const planned = await dryRun(queryRunner, {
		migrations,
		product,
		direction: "down",
		usesCopies: canCopy,
		allowTableCopy,
		allowDataLoss,
	});
	if (planned.losses.length && !allowDataLoss) throw new DataLossError(planned.losses);
	return planned;
}

async function revertAll(run: Run, rows: readonly HistoryRow[], product: Product): Promise<void> {
	const { queryRunner, options, done } = run;
	for (const row of rows) {
		const migration = migrationOf(queryRunner.dataSource, row);
		if (!options.fake) {
			await markHalfReverted(queryRunner, row);
			const down = async () => migration.instance?.down(queryRunner);
			try {
				await (isPlannable(migration, product) ? down() : withoutMigrationSession(queryRunner, down));
			} catch (error) {
				// Refused before anything was changed, for rows that came after the dry run.
				if (error instanceof DataLossError && !row.isHalfReverted) await unmarkHalfReverted(queryRunner, row);
				throw error;
			}
		}
		await recordRevert(queryRunner, row);
		done.push(migration);
	}
}

/** Drops the tables in which TypeORM and this package keep their notes, once the last migration is reverted. */
async function dropBookkeeping({ queryRunner }: Run): Promise<void> {
	const { dataSource } = queryRunner;
	const isEmpty = async (table: string) => !(await rowsIfAny(queryRunner, `SELECT 1 FROM ${table} LIMIT 1`)).length;
	for (const table of [historyTable(dataSource), quote(dataSource.metadataTableName)]) {
		if (await isEmpty(table)) await queryRunner.query(`DROP TABLE IF EXISTS ${table}`);
	}
}
