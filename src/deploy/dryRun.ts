import type { Migration, QueryRunner } from "typeorm";
import { IncompatibleSchemaError, MigrationError } from "../errors";
import { emptyRecording, type MigrationContext, type Recording, withContext } from "../schema/context";
import { unlessSettled } from "../schema/converge";
import { recordRun } from "./history";

/** What some migrations would do, as recorded. */
export type DryRun = Pick<Recording, "statements" | "steps" | "losses">;

/**
 * Goes through migrations with every statement that writes recorded and not sent. Only for migrations that write
 * through the functions of the schema's folder. Whatever goes wrong is a reason not to run them.
 *
 * @throws IncompatibleSchemaError with the reasons of all of them, where several dry runs in a row found some
 */
export function dryRun(
	queryRunner: QueryRunner,
	migrations: readonly Migration[],
	direction: "up" | "down",
): Promise<DryRun> {
	return unlessSettled(() => dryRunOnce(queryRunner, migrations, direction));
}

async function dryRunOnce(
	queryRunner: QueryRunner,
	migrations: readonly Migration[],
	direction: "up" | "down",
): Promise<DryRun> {
	const recording = emptyRecording();
	for (const migration of migrations) {
		const { name, instance } = migration;
		try {
			await withContext(queryRunner, recordingContext(recording), async () => {
				await instance?.[direction](queryRunner);
				if (direction === "up") await recordRun(queryRunner, migration);
			});
		} catch (error) {
			// It may have failed for what an earlier one found.
			if (!recording.problems.length) throw new MigrationError(reasonOf(name, error), { cause: error });
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
