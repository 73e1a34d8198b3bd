import type { DataSource, Migration, QueryRunner } from "typeorm";
import { InterruptedError } from "../errors";
import { openAbandoned } from "../schema/closed";
import { isDataLossAllowed, isTableCopyAllowed, type MigrationContext, type MigrationEvent } from "../schema/context";
import { withMigrationSession } from "../schema/session";
import { removeAbandonedCopies } from "../schema/trial";
import type { DeployLock } from "./deployLock";
import type { DryRun } from "./dryRun";
import { withLiveSession } from "./liveSession";
import { acquireLock } from "./lock";
import { RunWatch, sessionOf } from "./progress";
import { type DeployEvent, type MigrationReport, summarize } from "./report";

/** How a run or a revert goes about it. */
export interface DeployOptions {
	/** Only records the migrations as run (or reverted), as TypeORM's `--fake` does. */
	readonly fake?: boolean | undefined;
	/** Seconds to wait for another run on the same database; 600 by default. */
	readonly lockTimeout?: number | undefined;
	/** Seconds for which a statement is tried again while another session holds its table; 60 by default. */
	readonly tableTimeout?: number | undefined;
	/** Called with each event as it happens. What it throws ends the run. */
	readonly onEvent?: ((event: DeployEvent) => void) | undefined;
	/** Ends the run once it is aborted: the step in progress is ended on the server, which rolls it back as a whole. */
	readonly signal?: AbortSignal | undefined;
	/** Whether a table may be copied while writers wait; by default what WORKSPACES_ALLOW_TABLE_COPY says. */
	readonly allowTableCopy?: boolean | undefined;
	/** Whether reverts may delete data; by default what WORKSPACES_ALLOW_DATA_LOSS says. */
	readonly allowDataLoss?: boolean | undefined;
}

/**
 * What a run or a revert did.
 *
 * @example
 * const { migrations, report } = await db.migrate();
 * console.log(migrations.map(({ name }) => name), report?.tables.length);
 */
export interface DeployResult {
	/** Those that were run or reverted, in that order. */
	readonly migrations: Migration[];
	/** Undefined where there was nothing to do. */
	readonly report: MigrationReport | undefined;
}

/** One run or revert under the lock, and what it did so far. */
export interface Run {
	readonly queryRunner: QueryRunner;
	readonly options: DeployOptions;
	readonly lock: DeployLock;
	readonly events: MigrationEvent[];
	readonly done: Migration[];
	/** How many steps are done, of those that were counted. */
	steps: { readonly done: number; readonly total: number | undefined };
}

/** Does the work on one session of the DataSource's. */
export async function onQueryRunner<Result>(
	dataSource: DataSource,
	work: (queryRunner: QueryRunner) => Promise<Result>,
): Promise<Result> {
	const queryRunner = dataSource.createQueryRunner();
	try {
		return await withLiveSession(queryRunner, () => work(queryRunner));
	} finally {
		await queryRunner.release();
	}
}

/**
 * Does the work as the only run on the database, in a session that is set up for it. Where the work fails, what was
 * done until then is emitted as a report.
 */
export async function asOnlyRun(
	queryRunner: QueryRunner,
	given: DeployOptions,
	work: (run: Run) => Promise<DeployResult>,
): Promise<DeployResult> {
	return withMigrationSession(queryRunner, async () => {
		const { lockTimeout = 600, signal } = given;
		const watch = new RunWatch(await sessionOf(queryRunner), (event) => emit(given, event));
		const onEvent = (event: DeployEvent) => {
			watch.follow(event);
			emit(given, event);
		};
		const options: DeployOptions = { ...given, onEvent };
		const interrupt = () => watch.interrupt();
		signal?.addEventListener("abort", interrupt, { once: true });
		try {
			const lock = await acquireLock(queryRunner, { timeout: lockTimeout, onProgress: onEvent, signal });
			const run: Run = { queryRunner, options, lock, events: [], done: [], steps: { done: 0, total: undefined } };
			return await underLock(run, work, () => watch.settled());
		} finally {
			signal?.removeEventListener("abort", interrupt);
			watch.close();
		}
	});
}

async function underLock(
	run: Run,
	work: (run: Run) => Promise<DeployResult>,
	settled: () => Promise<void>,
): Promise<DeployResult> {
	const { lock, options, done, events } = run;
	try {
		await removeAbandonedCopies(run.queryRunner);
		if (lock.isOnCluster) await openAbandoned(run.queryRunner);
		return await work(run);
	} catch (error) {
		if (done.length || events.length) emitReport(run, false);
		// The statement was ended on the server, or what followed from that failed.
		if (options.signal?.aborted && !(error instanceof InterruptedError)) throw interrupted(run, error);
		throw error;
	} finally {
		await settled();
		// With the session gone the lock is gone too; the error of the work is the one to throw.
		await lock.release().catch(() => undefined);
	}
}

function interrupted({ steps, done }: Run, cause?: unknown): InterruptedError {
	const migrations = `${done.length} migration${done.length === 1 ? "" : "s"}`;
	const step =
		steps.total === undefined ? `${migrations} and step ${steps.done}` : `step ${steps.done} of ${steps.total}`;
	const where = steps.done || done.length ? `after ${step}` : "before the first step";
	return new InterruptedError(`interrupted ${where}; run it again`, { cause });
}

/** What migrations find in their query runner while this run executes them. */
export function executingContext(run: Run, planned?: DryRun): MigrationContext {
	const { options, lock, events } = run;
	const { tableTimeout = 60, allowDataLoss = isDataLossAllowed(), signal } = options;
	const { allowTableCopy = isTableCopyAllowed() } = options;
	run.steps = { done: 0, total: planned?.steps.length };
	return {
		mode: "execute",
		onEvent: (event) => {
			events.push(event);
			if (event.kind === "removing") emit(options, { kind: "removing", table: event.table, row: event.text });
		},
		onProgress: (event) => {
			if (event.kind === "stepDone") run.steps = { done: event.number, total: event.total };
			emit(options, event);
		},
		beforeStatement: async () => {
			if (signal?.aborted) throw interrupted(run);
			await lock.ensureHeld();
		},
		tableTimeout: tableTimeout * 1000,
		usesCopies: false,
		isOnCluster: lock.isOnCluster,
		allowTableCopy,
		mendsByCopy: allowTableCopy,
		allowDataLoss,
		...(planned && { total: planned.steps.length, algorithms: planned.algorithms }),
		steps: 0,
	};
}

/** Ends a run that did something. */
export function finish(run: Run): DeployResult {
	return { migrations: run.done, report: emitReport(run, true) };
}

function emitReport({ options, events, done }: Run, isComplete: boolean): MigrationReport {
	const names = done.map(({ name }) => name);
	const report = summarize(names, events);
	emit(options, { kind: "report", isComplete, isFake: options.fake ?? false, report });
	return report;
}

export function upToDate(options: DeployOptions, message: string): DeployResult {
	emit(options, { kind: "upToDate", message });
	return { migrations: [], report: undefined };
}

function emit({ onEvent }: DeployOptions, event: DeployEvent): void {
	onEvent?.(event);
}
