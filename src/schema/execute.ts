import { format } from "mysql2";
import type { QueryRunner } from "typeorm";
import { MigrationError, TableInUseError } from "../errors";
import { hasNumber, messageOf } from "../mysql/errorNumbers";
import { retry } from "../mysql/retry";
import { ALREADY_MADE, isUnsupported, LOCKED, NEXT, textOf } from "./alter";
import { blockers } from "./blockers";
import { doneText } from "./clause";
import { contextOf, emit, type MigrationContext, type Recording, type Step } from "./context";
import { quote } from "./ddl";
import { withMigrationSession } from "./session";
import type { Alteration, Change } from "./statements";
import { keyOf, refuseCopy, tryAlteration, tryRowsChange } from "./trial";

const WITHOUT_KEY_CHECKS = "SET SESSION foreign_key_checks = 0";
const WITH_KEY_CHECKS = "SET SESSION foreign_key_checks = 1";

/** Milliseconds between two reports of who holds the table that a statement waits for. */
const REPORT_EVERY = 10_000;

/**
 * Carries out one change, or records it in a dry run: the one place where a migration changes a table. A statement that
 * finds the table in use waits a second for it, and is sent again until the table timeout has passed.
 *
 * @returns false where the change turned out to be made already
 * @throws TableInUseError with who is in the way, MigrationError with the step that failed
 */
export async function execute(queryRunner: QueryRunner, change: Change): Promise<boolean> {
	const context = contextOf(queryRunner);
	const { recording } = context;
	if (recording) {
		if (change.kind === "create") recording.untried.add(change.table);
		if (change.kind === "rows") await tryRowsChange(queryRunner, change, recording);
		const tried = change.kind === "alter" ? await tryAlteration(queryRunner, change, recording) : change;
		if (tried.kind === "alter") await refuseCopy(queryRunner, tried, recording);
		record(recording, change, stepOf(tried, ++context.steps));
		return true;
	}
	const step = stepOf(withAlgorithm(context, change), ++context.steps, context.total);
	return withMigrationSession(queryRunner, async () => {
		context.onProgress({ kind: "step", ...step });
		const start = performance.now();
		const isMade = await carryOut(queryRunner, withAlgorithm(context, change));
		context.onProgress({ kind: "stepDone", ...step, milliseconds: Math.round(performance.now() - start) });
		return isMade;
	});
}

/**
 * Does the work while no other session writes or reads the tables: what it counts is still so when it removes it. The
 * lock is waited for like a table that is in use; each of the tables has to be there.
 */
export async function withTablesLocked<Result>(
	queryRunner: QueryRunner,
	tables: readonly [string, ...string[]],
	work: () => Promise<Result>,
): Promise<Result> {
	const { recording, isOnCluster } = contextOf(queryRunner);
	if (recording || isOnCluster) return work();
	return withMigrationSession(queryRunner, async () => {
		const list = tables.map((table) => `${quote(table)} WRITE`).join(", ");
		await sendWhenFree(queryRunner, tables[0], `LOCK TABLES ${list}`);
		try {
			return await work();
		} finally {
			// The connection may be gone, and the lock with it; the first error is the one to throw.
			await queryRunner.query("UNLOCK TABLES").catch(() => undefined);
		}
	});
}

/** Writes a note of the package's own, which is no step, or records it in a dry run. */
export async function write(queryRunner: QueryRunner, sql: string, parameters: unknown[] = []): Promise<void> {
	const { recording, beforeStatement } = contextOf(queryRunner);
	if (recording) {
		recording.statements.push(format(sql, parameters as never));
		return;
	}
	await beforeStatement();
	await queryRunner.query(sql, parameters);
}

/** The algorithm that a dry run found. */
function withAlgorithm({ algorithms }: MigrationContext, change: Change): Change {
	return change.kind === "alter"
		? { ...change, algorithm: algorithms?.get(keyOf(change)) ?? change.algorithm }
		: change;
}

function stepOf(change: Change, number: number, total?: number): Step {
	const { table, what, rows } = change;
	const algorithm = change.kind === "alter" ? { algorithm: change.algorithm } : {};
	return {
		number,
		...(total === undefined ? {} : { total }),
		table,
		what,
		sql: textOf(change),
		...(rows === undefined ? {} : { rows }),
		...algorithm,
	};
}

function record({ statements, steps, tables }: Recording, change: Change, step: Step): void {
	const skipsChecks = change.kind === "alter" && change.skipForeignKeyChecks;
	statements.push(...(skipsChecks ? [WITHOUT_KEY_CHECKS, step.sql, WITH_KEY_CHECKS] : [step.sql]));
	steps.push(step);
	if (change.kind === "drop") tables.set(change.table, null);
}

async function carryOut(queryRunner: QueryRunner, change: Change): Promise<boolean> {
	try {
		if (change.kind === "create") return await create(queryRunner, change);
		if (change.kind === "alter") return await alterWithoutChecks(queryRunner, change);
		await sendWhenFree(queryRunner, change.table, change.sql);
		return true;
	} catch (error) {
		if (hasNumber(error, ...ALREADY_MADE)) return false;
		throw failure(change, error);
	}
}

/** CREATE TABLE IF NOT EXISTS only warns where somebody else was faster. */
async function create(queryRunner: QueryRunner, change: Change): Promise<boolean> {
	const result = await sendWhenFree(queryRunner, change.table, textOf(change));
	if (!(result as { warningStatus?: number } | undefined)?.warningStatus) return true;
	const warnings = (await queryRunner.query("SHOW WARNINGS")) as { Code: number }[];
	return !warnings.some((warning) => ALREADY_MADE.includes(warning.Code));
}

async function alterWithoutChecks(queryRunner: QueryRunner, change: Alteration): Promise<boolean> {
	if (!change.skipForeignKeyChecks) return alter(queryRunner, change);
	await queryRunner.query(WITHOUT_KEY_CHECKS);
	try {
		return await alter(queryRunner, change);
	} finally {
		// The connection may be gone, and the setting with it; the first error is the one to throw.
		await queryRunner.query(WITH_KEY_CHECKS).catch(() => undefined);
	}
}

async function alter(queryRunner: QueryRunner, change: Alteration): Promise<boolean> {
	for (let algorithm = change.algorithm; ; ) {
		try {
			await sendWhenFree(queryRunner, change.table, textOf(change, algorithm));
			if (algorithm === "COPY") {
				emit(queryRunner, "note", change.table, `copied while writers waited: ${change.what.map(doneText).join(", ")}`);
			}
			return true;
		} catch (error) {
			const next = isUnsupported(error) ? NEXT[algorithm] : undefined;
			if (!next || (next === "COPY" && !contextOf(queryRunner).allowTableCopy)) throw error;
			algorithm = next;
		}
	}
}

/** Sends a statement again while it finds the table in use. */
export async function sendWhenFree(queryRunner: QueryRunner, table: string, sql: string): Promise<unknown> {
	const { tableTimeout, beforeStatement, onProgress } = contextOf(queryRunner);
	const start = performance.now();
	let reportedAt = Number.NEGATIVE_INFINITY;
	const send = async () => {
		await beforeStatement();
		try {
			return await queryRunner.query(sql);
		} catch (error) {
			const waited = performance.now() - start;
			if (hasNumber(error, ...LOCKED) && waited - reportedAt > REPORT_EVERY && waited < tableTimeout) {
				reportedAt = waited;
				const who = await blockers(queryRunner, table);
				onProgress({
					kind: "waiting",
					for: "table",
					table,
					who,
					seconds: Math.round(waited / 1000),
					timeout: Math.round(tableTimeout / 1000),
				});
			}
			throw error;
		}
	};
	try {
		return await retry(send, { timeout: tableTimeout, isTransient: (error) => hasNumber(error, ...LOCKED) });
	} catch (error) {
		if (!hasNumber(error, ...LOCKED)) throw error;
		throw new TableInUseError(table, await blockers(queryRunner, table), { cause: error });
	}
}

function failure(change: Change, error: unknown): unknown {
	if (error instanceof MigrationError) return error;
	const reason = messageOf(error);
	const what = change.what.join(", ") || textOf(change);
	return new MigrationError(`${change.table}: step "${what}" failed: ${reason}`, { cause: error });
}
