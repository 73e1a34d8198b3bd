import type { Migration, QueryRunner } from "typeorm";
import { IncompatibleSchemaError, MigrationError } from "../errors";
import { emptyRecording, type MigrationContext, type Recording, withContext } from "../schema/context";
import { unlessSettled } from "../schema/converge";
import { recordRun } from "./history";
import type { Product } from "./product";
import { isPlannable } from "./run";

/** What some migrations would do, as recorded. */
export type DryRun = Pick<Recording, "statements" | "steps" | "losses">;

/** The migrations of a dry run, in the order in which they would run. */
export interface Planned {
	readonly migrations: readonly Migration[];
	/** Those that are not the product's are not called: they may write otherwise than through the schema's folder. */
	readonly product: Product;
	readonly direction: "up" | "down";
}

/**
 * Goes through migrations with every statement that writes recorded and not sent. Whatever goes wrong is a reason not
 * to run them.
 *
 * @throws IncompatibleSchemaError with the reasons of all of them, where several dry runs in a row found some
 */
export function dryRun(queryRunner: QueryRunner, planned: Planned): Promise<DryRun> {
	return unlessSettled(() => dryRunOnce(queryRunner, planned));
}

async function dryRunOnce(queryRunner: QueryRunner, { migrations, product, direction }: Planned): Promise<DryRun> {
	const recording = emptyRecording();
	for (const migration of migrations) {
		try {
			await withContext(queryRunner, recordingContext(recording), async () => {
				if (isPlannable(migration, product)) await migration.instance?.[direction](queryRunner);
				if (direction === "up") await recordRun(queryRunner, migration);
			});
		} catch (error) {
			// It may have failed for what an earlier one found.
			if (!recording.problems.length) throw new MigrationError(reasonOf(migration.name, error), { cause: error });
		}
	}
	const problems = [...new Set(recording.problems)];
	if (problems.length) throw new IncompatibleSchemaError(problems);
	return recording;
}

function reasonOf(name: string, error: unknown): string {
	const reason = error instanceof Error ? error.message : String(error);
	return `nothing was changed: the dry run of ${name} failed: ${reason}`;
}

/** Records what is executed; nothing is emitted, and nobody waits. */
export function recordingContext(recording: Recording): MigrationContext {
	return {
		mode: "dryRun",
		recording,
		onEvent: () => undefined,
		onProgress: () => undefined,
		beforeStatement: async () => undefined,
		tableTimeout: 0,
		allowDataLoss: false,
		steps: recording.steps.length,
	};
}
