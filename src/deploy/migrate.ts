import type { DataSource, Migration, QueryRunner } from "typeorm";
import { isTableCopyAllowed, withContext } from "../schema/context";
import { withoutMigrationSession } from "../schema/session";
import { type DryRun, dryRun } from "./dryRun";
import { type HistoryRow, pendingAfter, prepareHistory, readHistory, recordRun } from "./history";
import { refuseMissingPrivileges } from "./privileges";
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
			const { canCopy } = await refuseMissingPrivileges(queryRunner, "run");
			const first = pending.findIndex((migration) => isPlannable(migration, product));
			const ours = first === -1 ? [] : pending.slice(first);
			// The application's that come first may make what ours refer to.
			await runAll(run, { product, history, migrations: pending.slice(0, pending.length - ours.length) });
			const { fake, allowTableCopy = isTableCopyAllowed() } = options;
			const planned = fake
				? undefined
				: await dryRun(queryRunner, {
						migrations: ours,
						product,
						direction: "up",
						usesCopies: canCopy,
						allowTableCopy,
					});
			await runAll(run, { product, history, migrations: ours, planned });
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

interface Batch {
	readonly product: Product;
	readonly history: readonly HistoryRow[];
	readonly migrations: readonly Migration[];
	/** What a dry run of them found. */
	readonly planned?: DryRun | undefined;
}

async function runAll(run: Run, { product, history, migrations, planned }: Batch): Promise<void> {
	const { queryRunner, options, done } = run;
	await withContext(queryRunner, executingContext(run, planned), async () => {
		for (const migration of migrations) {
			if (!done.length) await prepareHistory(queryRunner, history);
			const up = async () => migration.instance?.up(queryRunner);
			if (!options.fake) await (isPlannable(migration, product) ? up() : withoutMigrationSession(queryRunner, up));
			await recordRun(queryRunner, migration);
			done.push(migration);
		}
	});
}
