import type { DataSource, Migration, QueryRunner } from "typeorm";
import { IncompatibleSchemaError, LockTimeoutError } from "../errors";
import { emptyRecording, isTableCopyAllowed, type Recording, type Step, withContext } from "../schema/context";
import { withMigrationSession } from "../schema/session";
import { removeAbandonedCopies } from "../schema/trial";
import { dryRun, recordingContext } from "./dryRun";
import { pendingAfter, prepareHistory, readHistory } from "./history";
import { acquireLock } from "./lock";
import { copiesNote, inspectPrivileges, lacks, type Privileges } from "./privileges";
import { isPlannable, type Product } from "./product";
import { type DeployOptions, onQueryRunner } from "./run";

/**
 * What a run would do to this database.
 *
 * @example
 * const { migrations, steps } = await plan(dataSource);
 * for (const { table, what, rows } of steps) console.log(`${table} (${rows ?? 0} rows): ${what.join(", ")}`);
 */
export interface MigrationPlan {
	/** Names of the pending migrations, in order. */
	readonly migrations: readonly string[];
	/** Those of them that are the application's own: they can't be planned, so their statements are not among these. */
	readonly unplanned: readonly string[];
	/** What a run would send, in order, without what it would only read and how it sets its session up. */
	readonly statements: readonly string[];
	/** Those of the statements that change a table or its rows, with what they do. */
	readonly steps: readonly Step[];
	/** Why a run would be refused all the same: privileges that the user lacks. */
	readonly refusals: readonly string[];
	/** What is worth knowing: what a run would leave alone, and what could not be tried. */
	readonly notes: readonly string[];
}

/** What the plan takes for granted. */
export type PlanOptions = Pick<DeployOptions, "allowTableCopy">;

/**
 * What a run of the pending migrations would execute on this very database, adoption included. Each ALTER is tried on an
 * empty copy of its table, which is removed again; nothing else is changed.
 *
 * @throws IncompatibleSchemaError with every reason for which a run would refuse the tables, ForeignHistoryError where the
 *   history is another program's
 */
export async function plan(
	dataSource: DataSource,
	product: Product,
	{ allowTableCopy = isTableCopyAllowed() }: PlanOptions = {},
): Promise<MigrationPlan> {
	return onQueryRunner(dataSource, async (queryRunner) => {
		const history = await readHistory(queryRunner);
		const pending = pendingAfter(dataSource, history);
		if (!pending.length) return NOTHING;
		const { statements: bookkeeping } = await recordBookkeeping(queryRunner, () =>
			prepareHistory(queryRunner, history),
		);
		const planned = { migrations: pending, product, direction: "up", allowTableCopy } as const;
		const privileges = await inspectPrivileges(queryRunner);
		const refusals = lacks(privileges);
		const { statements, steps, notes, isUntried } = await withMigrationSession(queryRunner, () =>
			withLockIfFree(queryRunner, privileges, (usesCopies) => dryRun(queryRunner, { ...planned, usesCopies })),
		).catch((error: unknown) => {
			if (!(error instanceof IncompatibleSchemaError)) throw error;
			throw new IncompatibleSchemaError([...refusals, ...error.problems]);
		});
		const unplanned = pending.filter((migration) => !isPlannable(migration, product));
		return {
			migrations: namesOf(pending),
			unplanned: namesOf(unplanned),
			statements: [...bookkeeping, ...statements],
			steps,
			refusals,
			notes: [...notes, ...(isUntried ? [copiesNote(privileges) ?? LOCKED] : [])],
		};
	});
}

const NOTHING: MigrationPlan = { migrations: [], unplanned: [], statements: [], steps: [], refusals: [], notes: [] };

const LOCKED = "no change was tried on an empty copy of its table, since another run works on this database";

function namesOf(migrations: readonly Migration[]): string[] {
	return migrations.map(({ name }) => name);
}

/** Copies of tables are made and removed under the lock only: while another run holds it, nothing is tried. */
async function withLockIfFree<Result>(
	queryRunner: QueryRunner,
	{ canCopy }: Privileges,
	work: (usesCopies: boolean) => Promise<Result>,
): Promise<Result> {
	if (!canCopy) return work(false);
	const lock = await acquireLock(queryRunner, { timeout: 0, onProgress: () => undefined }).catch((error: unknown) => {
		if (error instanceof LockTimeoutError) return undefined;
		throw error;
	});
	try {
		if (lock) await removeAbandonedCopies(queryRunner);
		return await work(lock !== undefined);
	} finally {
		await lock?.release().catch(() => undefined);
	}
}

async function recordBookkeeping(queryRunner: QueryRunner, work: () => Promise<void>): Promise<Recording> {
	const recording = emptyRecording();
	await withContext(queryRunner, recordingContext(recording), work);
	return recording;
}
