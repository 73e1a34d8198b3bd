import type { DataSource, Migration, QueryRunner } from "typeorm";
import { emptyRecording, type Recording, type Step, withContext } from "../schema/context";
import { withMigrationSession } from "../schema/session";
import { dryRun, recordingContext } from "./dryRun";
import { pendingAfter, prepareHistory, readHistory } from "./history";
import type { Product } from "./product";
import { isPlannable, onQueryRunner } from "./run";

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

/**
 * What a run of the pending migrations would execute on this very database, adoption included. Changes nothing.
 *
 * @throws IncompatibleSchemaError where a run would refuse, ForeignHistoryError where the history is another program's
 */
export async function plan(dataSource: DataSource, product: Product): Promise<MigrationPlan> {
	return onQueryRunner(dataSource, async (queryRunner) => {
		const history = await readHistory(queryRunner);
		const pending = pendingAfter(dataSource, history);
		if (!pending.length) return { migrations: [], unplanned: [], statements: [], steps: [] };
		const { statements: notes } = await recordNotes(queryRunner, () => prepareHistory(queryRunner, history));
		const { statements, steps } = await withMigrationSession(queryRunner, () =>
			dryRun(queryRunner, { migrations: pending, product, direction: "up" }),
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

async function recordNotes(queryRunner: QueryRunner, work: () => Promise<void>): Promise<Recording> {
	const recording = emptyRecording();
	await withContext(queryRunner, recordingContext(recording), work);
	return recording;
}
