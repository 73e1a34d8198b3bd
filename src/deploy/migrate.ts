import type { DataSource, QueryRunner } from "typeorm";
import { withContext } from "../schema/context";
import { withoutMigrationSession } from "../schema/session";
import { dryRun } from "./dryRun";
import { type HistoryRow, pendingAfter, prepareHistory, readHistory, recordRun } from "./history";
import { refuseMissingPrivileges } from "./privileges";
import type { Product } from "./product";
import {
	asOnlyRun,
	type DeployOptions,
	type DeployResult,
	executingContext,
	finish,
	onQueryRunner,
	type Run,
	type Stretch,
	stretchesOf,
	upToDate,
} from "./run";

/**
 * Runs the pending migrations: one run at a time on a database. Those of the product are refused as a whole before
 * anything is changed where one of them can't be carried out; those of the application run between them, in the order
 * of their timestamps, as they are. With nothing pending: one statement.
 *
 * @throws IncompatibleSchemaError, MissingPrivilegesError, ForeignHistoryError, LockTimeoutError before anything is
 *   changed; TableInUseError, LockLostError, InterruptedError and MigrationError with what is to be run again
 */
export async function migrate(
	dataSource: DataSource,
	product: Product,
	options: DeployOptions = {},
): Promise<DeployResult> {
	return onQueryRunner(dataSource, async (queryRunner) => {
		if (!pendingAfter(dataSource, await readFirst(queryRunner)).length) {
			return upToDate(options, "No migrations are pending");
		}
		return asOnlyRun(queryRunner, options, async (run) => {
			const history = await readHistory(queryRunner);
			const pending = pendingAfter(dataSource, history);
			if (!pending.length) return upToDate(options, "No migrations are pending: another run did them");
			await refuseMissingPrivileges(queryRunner, "run");
			for (const stretch of stretchesOf(pending, product)) await runStretch(run, stretch, history);
			return finish(run);
		});
	});
}

/** Without SELECT on the database the server does not say whether the table is there. */
async function readFirst(queryRunner: QueryRunner): Promise<HistoryRow[]> {
	try {
		return await readHistory(queryRunner);
	} catch (error) {
		await refuseMissingPrivileges(queryRunner, "run");
		throw error;
	}
}

async function runStretch(run: Run, stretch: Stretch, history: readonly HistoryRow[]): Promise<void> {
	const { queryRunner, options, done } = run;
	const { isPlanned, migrations } = stretch;
	const planned = isPlanned && !options.fake ? await dryRun(queryRunner, migrations, "up") : undefined;
	await withContext(queryRunner, executingContext(run, planned?.steps.length), async () => {
		if (!done.length) await prepareHistory(queryRunner, history);
		for (const migration of migrations) {
			const up = async () => migration.instance?.up(queryRunner);
			if (!options.fake) await (isPlanned ? up() : withoutMigrationSession(queryRunner, up));
			await recordRun(queryRunner, migration);
			done.push(migration);
		}
	});
}
