import type { DataSource, QueryRunner } from "typeorm";
import { emptyRecording, type Recording, type Step, withContext } from "../schema/context";
import { withMigrationSession } from "../schema/session";
import { dryRun, recordingContext } from "./dryRun";
import { pendingAfter, prepareHistory, readHistory, recordRun } from "./history";
import type { Product } from "./product";
import { onQueryRunner, stretchesOf } from "./run";

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
		const planned: Pick<Recording, "statements" | "steps"> = { statements: [], steps: [] };
		const unplanned: string[] = [];
		if (!pending.length) return { migrations: [], unplanned, ...planned };
		const add = ({ statements, steps }: typeof planned) => {
			planned.statements.push(...statements);
			planned.steps.push(...steps.map((step, index) => ({ ...step, number: planned.steps.length + index + 1 })));
		};
		add(await recordNotes(queryRunner, () => prepareHistory(queryRunner, history)));
		await withMigrationSession(queryRunner, async () => {
			for (const { isPlanned, migrations } of stretchesOf(pending, product)) {
				if (isPlanned) {
					add(await dryRun(queryRunner, migrations, "up"));
					continue;
				}
				unplanned.push(...migrations.map(({ name }) => name));
				for (const migration of migrations) {
					add(await recordNotes(queryRunner, () => recordRun(queryRunner, migration)));
				}
			}
		});
		return { migrations: pending.map(({ name }) => name), unplanned, ...planned };
	});
}

async function recordNotes(queryRunner: QueryRunner, work: () => Promise<void>): Promise<Recording> {
	const recording = emptyRecording();
	await withContext(queryRunner, recordingContext(recording), work);
	return recording;
}
