import { type DataSource, type Migration, MigrationExecutor, type QueryRunner } from "typeorm";
import { IncompatibleSchemaError } from "../errors";
import { type MigrationEvent, type SeenSchema, setContext } from "../schema/events";
import { rowsIfAny } from "../schema/rows";
import { forgetHalfReverted, historyTable, pendingAfter, readHistory } from "./history";
import { LEASE_TABLE } from "./lease";
import { acquireLock } from "./lock";
import { dryRun } from "./plan";
import { refuseMissingPrivileges } from "./privileges";
import { formatReport, type MigrationReport, summarize } from "./report";
import { undo } from "./revert";
import { withSilentLogger } from "./silentLogger";

export interface DeployOptions {
	/** Only records the migrations as run (or reverted), as TypeORM's `--fake` does. */
	readonly fake?: boolean;
	/** Seconds to wait for another run on the same database; 600 by default. */
	readonly lockTimeout?: number;
	/** Seconds for which a statement is tried again while another session holds its table; 60 by default. */
	readonly tableTimeout?: number;
}

export interface DeployResult {
	readonly migrations: Migration[];
	/** Undefined where there was nothing to do. */
	readonly report: MigrationReport | undefined;
}

const NOTHING: DeployResult = { migrations: [], report: undefined };

/**
 * Runs the pending migrations: one run at a time on a database, refused as a whole before anything is changed where
 * one of them can't be carried out, and told as a report through the logger. With nothing pending: one statement.
 */
export async function migrate(dataSource: DataSource, options: DeployOptions = {}): Promise<DeployResult> {
	return onOneSession(dataSource, options, async (queryRunner, executor) => {
		const look = () => lookForPending(queryRunner);
		if (!(await look()).pending.length) return nothing(dataSource, "No migrations are pending");
		return locked(dataSource, queryRunner, options, async () => {
			const { pending, records } = await look();
			if (!pending.length) return nothing(dataSource, "No migrations are pending: another run did them");
			await refuseMissingPrivileges(queryRunner, "run");
			const seen = options.fake ? undefined : await refuseIncompatible(queryRunner, pending);
			const work = async () => {
				await forgetHalfReverted(queryRunner, records);
				const run = await executor.executePendingMigrations();
				return options.fake ? pending : run;
			};
			return reported(dataSource, queryRunner, options, work, seen);
		});
	});
}

/** Reverts the last migration under the same guards; with the last one gone, TypeORM's own tables go too. */
export async function revert(dataSource: DataSource, options: DeployOptions = {}): Promise<DeployResult> {
	return onOneSession(dataSource, options, (queryRunner, executor) =>
		locked(dataSource, queryRunner, options, async () => {
			const executed = await executor.getExecutedMigrations();
			const last = [...executed].sort((one, other) => (other.id ?? 0) - (one.id ?? 0))[0];
			if (!last) {
				// A revert of the last one may have been interrupted when only these were left.
				await dropBookkeeping(dataSource, queryRunner);
				return nothing(dataSource, "No migrations were run on this database: nothing to revert");
			}
			await refuseMissingPrivileges(queryRunner, "revert");
			const result = await reported(dataSource, queryRunner, options, async () => {
				await undo(queryRunner, last, options);
				return [last];
			});
			if (executed.length === 1) await dropBookkeeping(dataSource, queryRunner);
			return result;
		}),
	);
}

/** One statement. */
async function lookForPending(queryRunner: QueryRunner) {
	const records = await readHistory(queryRunner).catch(async (error: unknown) => {
		// Without SELECT on the database the server does not say whether the table is there.
		await refuseMissingPrivileges(queryRunner, "run");
		throw error;
	});
	return { pending: pendingAfter(queryRunner.dataSource, records), records };
}

/** A migration of the host's may read what only its own statements would have made: that is no reason to refuse. */
async function refuseIncompatible(
	queryRunner: QueryRunner,
	pending: readonly Migration[],
): Promise<SeenSchema | undefined> {
	try {
		const { looked } = await dryRun(queryRunner, async () => {
			for (const { instance } of pending) await instance?.up(queryRunner);
		});
		return looked;
	} catch (error) {
		if (error instanceof IncompatibleSchemaError) throw error;
		return undefined;
	}
}

async function onOneSession(
	dataSource: DataSource,
	{ fake = false }: DeployOptions,
	work: (queryRunner: QueryRunner, executor: MigrationExecutor) => Promise<DeployResult>,
): Promise<DeployResult> {
	const queryRunner = dataSource.createQueryRunner();
	try {
		const executor = new MigrationExecutor(dataSource, queryRunner);
		executor.transaction = "none";
		executor.fake = fake;
		return await work(queryRunner, executor);
	} finally {
		await queryRunner.release();
	}
}

async function locked(
	dataSource: DataSource,
	queryRunner: QueryRunner,
	{ lockTimeout = 600 }: DeployOptions,
	work: () => Promise<DeployResult>,
): Promise<DeployResult> {
	const onWait = (message: string) => dataSource.logger.logMigration(message);
	const lock = await acquireLock(queryRunner, { timeout: lockTimeout, onWait });
	try {
		return await work();
	} finally {
		// With the session gone the lock is gone too, and the error of the work is the one to see.
		await lock.release().catch(() => undefined);
	}
}

async function reported(
	dataSource: DataSource,
	queryRunner: QueryRunner,
	{ tableTimeout = 60, fake = false }: DeployOptions,
	work: () => Promise<Migration[]>,
	seen: SeenSchema = { tables: new Map() },
): Promise<DeployResult> {
	const { logger } = dataSource;
	const events: MigrationEvent[] = [];
	const listener = (event: MigrationEvent) => {
		events.push(event);
		// Told before it happens, so that it was said even if the process ends in between.
		if (event.kind === "removing") logger.logMigration(`removing from ${event.table}: ${event.text}`);
	};
	setContext(queryRunner, { listener, tableTimeout: tableTimeout * 1000, seen: { ...seen, made: new Set() } });
	try {
		const migrations = await withSilentLogger(dataSource, work);
		const report = summarize(
			migrations.map((migration) => migration.name),
			events,
		);
		logger.logMigration(fake ? `only noted, not done: ${report.migrations.join(", ")}` : formatReport(report));
		return { migrations, report };
	} catch (error) {
		if (events.length) logger.logMigration(`until then:\n${formatReport(summarize([], events))}`);
		throw error;
	}
}

function nothing(dataSource: DataSource, message: string): DeployResult {
	dataSource.logger.logMigration(message);
	return NOTHING;
}

/** What TypeORM and this module note about migrations says nothing any more once the last one is reverted. */
async function dropBookkeeping(dataSource: DataSource, queryRunner: QueryRunner): Promise<void> {
	for (const table of [historyTable(dataSource), `\`${dataSource.metadataTableName}\``, LEASE_TABLE]) {
		const left = await rowsIfAny(queryRunner, `SELECT 1 FROM ${table} LIMIT 1`);
		if (!left.length) await queryRunner.query(`DROP TABLE IF EXISTS ${table}`);
	}
}
