import type { DataSource, Migration } from "typeorm";
import { isTableCopyAllowed, withContext } from "../schema/context";
import { withoutMigrationSession } from "../schema/session";
import { abandonedCopies } from "../schema/trial";
import { type DryRun, dryRun } from "./dryRun";
import { type HistoryRow, pendingAfter, prepareHistory, readHistory, recordRun } from "./history";
import { copiesNote, type Privileges, refuseMissingPrivileges } from "./privileges";
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

const NOTHING_PENDING = "No migrations are pending";

/**
 * Runs the pending migrations: one run at a time on a database. Those of the product are refused as a whole before
 * anything is changed where one of them can't be carried out; those of the application run between them, in the order
 * of their timestamps, as they are. With nothing pending: two statements.
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
		const isDone = !pendingAfter(dataSource, await readHistory(queryRunner)).length;
		if (isDone && !(await abandonedCopies(queryRunner)).length) return upToDate(options, NOTHING_PENDING);
		return asOnlyRun(queryRunner, options, async (run) => {
			const history = await readHistory(queryRunner);
			const pending = pendingAfter(dataSource, history);
			if (!pending.length)
				return upToDate(options, isDone ? NOTHING_PENDING : `${NOTHING_PENDING}: another run did them`);
			const privileges = await refuseMissingPrivileges(queryRunner, "run");
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
						usesCopies: privileges.canCopy,
						allowTableCopy,
					});
			if (planned?.isUntried) noteUntried(run, privileges);
			await runAll(run, { product, history, migrations: ours, planned });
			return finish(run);
		});
	});
}

function noteUntried({ options }: Run, privileges: Privileges): void {
	const text = copiesNote(privileges);
	if (text) options.onEvent?.({ kind: "note", text });
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
