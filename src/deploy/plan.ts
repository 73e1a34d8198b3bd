import type { DataSource, Migration, QueryRunner } from "typeorm";
import { LockTimeoutError } from "../errors";
import { emptyRecording, isTableCopyAllowed, type Recording, type Step, withContext } from "../schema/context";
import { withMigrationSession } from "../schema/session";
import { dryRun, recordingContext } from "./dryRun";
import { pendingAfter, prepareHistory, readHistory } from "./history";
import { acquireLock } from "./lock";
import { inspectPrivileges } from "./privileges";
import { isPlannable, type Product } from "./product";
import { type DeployOptions, onQueryRunner } from "./run";

/** What a run would do to this database. */
export interface MigrationPlan {
	/** Names of the pending migrations, in order. */
	readonly migrations: readonly string[];
	/** Those of them that are the application's own: they can't be planned, so their statements are not among these. */
	readonly unplanned: readonly string[];
	/** What a run would send, in order, without what it would only read and how it sets its session up. */
	readonly statements: readonly string[];
	/** Those of the statements that change a table or its rows, with what they do. */
	readonly steps: readonly Step[];
}

export type PlanOptions = Pick<DeployOptions, "allowTableCopy">;

/**
 * What a run of the pending migrations would execute on this very database, adoption included. Each ALTER
 * is tried on an empty copy of its table, which is removed again; nothing else is changed.
 *
 * @throws IncompatibleSchemaError where a run would refuse, ForeignHistoryError where the history is another program's
 */
export async function plan(
	dataSource: DataSource,
	product: Product,
	{ allowTableCopy = isTableCopyAllowed() }: PlanOptions = {},
): Promise<MigrationPlan> {
	return onQueryRunner(dataSource, async (queryRunner) => {
		const history = await readHistory(queryRunner);
		const pending = pendingAfter(dataSource, history);
		if (!pending.length) return { migrations: [], unplanned: [], statements: [], steps: [] };
		const { statements: notes } = await recordNotes(queryRunner, () => prepareHistory(queryRunner, history));
		const planned = { migrations: pending, product, direction: "up", allowTableCopy } as const;
		const { statements, steps } = await withMigrationSession(queryRunner, () =>
			withLockIfFree(queryRunner, (rehearses) => dryRun(queryRunner, { ...planned, rehearses })),
		);
		const unplanned = pending.filter((migration) => !isPlannable(migration, product));
		return {
			migrations: namesOf(pending),
			unplanned: namesOf(unplanned),
			statements: [...notes, ...statements],
			steps,
		};
	});
}

function namesOf(migrations: readonly Migration[]): string[] {
	return migrations.map(({ name }) => name);
}

/** Copies of tables are made and removed under the lock only: while another run holds it, nothing is tried. */
async function withLockIfFree<Result>(
	queryRunner: QueryRunner,
	work: (rehearses: boolean) => Promise<Result>,
): Promise<Result> {
	const { canRehearse } = await inspectPrivileges(queryRunner);
	if (!canRehearse) return work(false);
	const lock = await acquireLock(queryRunner, { timeout: 0, onProgress: () => undefined }).catch((error: unknown) => {
		if (error instanceof LockTimeoutError) return undefined;
		throw error;
	});
	try {
		return await work(lock !== undefined);
	} finally {
		await lock?.release().catch(() => undefined);
	}
}

async function recordNotes(queryRunner: QueryRunner, work: () => Promise<void>): Promise<Recording> {
	const recording = emptyRecording();
	await withContext(queryRunner, recordingContext(recording), work);
	return recording;
}
