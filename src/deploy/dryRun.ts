import type { Migration, QueryRunner } from "typeorm";
import { IncompatibleSchemaError, MigrationError } from "../errors";
import { messageOf } from "../mysql/errorNumbers";
import { emptyRecording, type MigrationContext, type Recording, withContext } from "../schema/context";
import { retryIncompatible } from "../schema/converge";
import { removeCopies } from "../schema/trial";
import { recordRun } from "./history";
import { isPlannable, type Product } from "./product";

/** What some migrations would do, as recorded. */
export type DryRun = Pick<Recording, "statements" | "steps" | "losses" | "algorithms" | "notes" | "isUntried">;

/** The migrations of a dry run, in the order in which they would run. */
export interface Planned {
	readonly migrations: readonly Migration[];
	/** Those that are not the product's are not called: they may write otherwise than through the schema's folder. */
	readonly product: Product;
	readonly direction: "up" | "down";
	/** Whether each ALTER is tried on an empty copy of its table; only under the lock, and with the privileges for it. */
	readonly usesCopies?: boolean;
	readonly allowTableCopy?: boolean;
	readonly allowDataLoss?: boolean;
}

/**
 * Goes through migrations, and records every statement that writes in place of sending it. Whatever fails is a reason not
 * to run them.
 *
 * @throws IncompatibleSchemaError with the reasons of all of them, where several dry runs in a row found some
 */
export function dryRun(queryRunner: QueryRunner, planned: Planned): Promise<DryRun> {
	return retryIncompatible(() => dryRunOnce(queryRunner, planned));
}

async function dryRunOnce(queryRunner: QueryRunner, planned: Planned): Promise<DryRun> {
	const recording = emptyRecording();
	try {
		for (const migration of planned.migrations) await recordMigration(queryRunner, migration, planned, recording);
	} finally {
		// What can't be removed now is removed by the next run; the first error is the one to throw.
		await removeCopies(queryRunner, recording).catch(() => undefined);
	}
	// Nobody waits for the copy of a table that is dropped as part of the same decision.
	const refusedCopies = recording.refusedCopies.filter(({ table }) => recording.tables.get(table) !== null);
	const problems = [...new Set([...recording.problems, ...refusedCopies.map(({ problem }) => problem)])];
	if (problems.length)
		throw new IncompatibleSchemaError([...problems, ...(planned.allowDataLoss ? [] : lossesOf(recording))]);
	return recording;
}

/** A refused revert lists what it would delete, too: otherwise the next attempt would be refused for that. */
function lossesOf({ losses }: Recording): string[] {
	const how = "after a backup, allow it by --allow-data-loss or WORKSPACES_ALLOW_DATA_LOSS=yes";
	return losses.map((loss) => `reverting would delete ${loss}; ${how}`);
}

async function recordMigration(
	queryRunner: QueryRunner,
	migration: Migration,
	{ product, direction, usesCopies = false, allowTableCopy = false }: Planned,
	recording: Recording,
): Promise<void> {
	const context = { ...recordingContext(recording), usesCopies, allowTableCopy, mendsByCopy: allowTableCopy };
	try {
		await withContext(queryRunner, context, async () => {
			if (isPlannable(migration, product)) await migration.instance?.[direction](queryRunner);
			if (direction === "up") await recordRun(queryRunner, migration);
		});
	} catch (error) {
		// It may have failed for what an earlier one found.
		if (!recording.problems.length) throw new MigrationError(reasonOf(migration.name, error), { cause: error });
	}
}

function reasonOf(name: string, error: unknown): string {
	const reason = messageOf(error);
	return `nothing was changed: the dry run of ${name} failed: ${reason}`;
}

/** Records what is executed and what is noted, emits nothing, and waits for nothing. */
export function recordingContext(recording: Recording): MigrationContext {
	return {
		mode: "dryRun",
		recording,
		onEvent: ({ kind, table, text }) => {
			if (kind === "note") recording.notes.add(`${table}: ${text}`);
		},
		onProgress: () => undefined,
		beforeStatement: async () => undefined,
		tableTimeout: 0,
		usesCopies: false,
		isOnCluster: false,
		allowTableCopy: false,
		mendsByCopy: false,
		allowDataLoss: false,
		steps: recording.steps.length,
	};
}
