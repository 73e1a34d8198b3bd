import { format } from "mysql2";
import { type DataSource, MigrationExecutor, type QueryRunner } from "typeorm";
import { IncompatibleSchemaError } from "../errors";
import { ERROR, hasNumber } from "../mysql/errorNumbers";
import { retry } from "../mysql/retry";
import { LOOKS_BEFORE_REFUSAL, PAUSE_BEFORE_LOOK } from "../schema/converge";
import { type SeenSchema, setContext } from "../schema/events";
import { forgetHalfReverted, readHistory } from "./history";
import { withSilentLogger } from "./silentLogger";

/** What a run would send to this database, in order, without what it would only read. */
export interface MigrationPlan {
	/** Names of the pending migrations. */
	readonly migrations: readonly string[];
	readonly statements: readonly string[];
}

/**
 * The SQL that a run of the pending migrations would execute on this very database, adoption included. Changes nothing.
 *
 * @throws IncompatibleSchemaError where a run would refuse.
 */
export async function plan(dataSource: DataSource): Promise<MigrationPlan> {
	const queryRunner = dataSource.createQueryRunner();
	try {
		const { result, statements } = await dryRun(queryRunner, async () => {
			await forgetHalfReverted(queryRunner, await readHistory(queryRunner));
			const executor = new MigrationExecutor(dataSource, queryRunner);
			executor.transaction = "none";
			return withSilentLogger(dataSource, () => executor.executePendingMigrations());
		});
		return { migrations: result.map((migration) => migration.name), statements };
	} finally {
		await queryRunner.release();
	}
}

export interface DryRun<Result> {
	readonly result: Result;
	readonly statements: readonly string[];
	/** What it saw of the tables, for a run that follows at once. */
	readonly looked: SeenSchema;
}

/**
 * Does the work with every statement that writes only taken down; refused only where several rehearsals in a row find
 * the database incompatible.
 */
export async function dryRun<Result>(queryRunner: QueryRunner, work: () => Promise<Result>): Promise<DryRun<Result>> {
	return retry(() => dryRunOnce(queryRunner, work), {
		isTransient: (error) => error instanceof IncompatibleSchemaError,
		attempts: LOOKS_BEFORE_REFUSAL,
		firstPause: PAUSE_BEFORE_LOOK,
	});
}

async function dryRunOnce<Result>(queryRunner: QueryRunner, work: () => Promise<Result>): Promise<DryRun<Result>> {
	const statements: string[] = [];
	const restore = record(queryRunner, statements);
	const problems: string[] = [];
	const seen: SeenSchema = { tables: new Map(), assumed: new Map() };
	setContext(queryRunner, { planned: true, listener: () => undefined, seen, problems });
	try {
		const result = await work();
		refuse(problems);
		const { assumed: _, ...looked } = seen;
		return { result, statements, looked };
	} catch (error) {
		// A later migration may have failed for what an earlier one found.
		refuse(problems);
		throw error;
	} finally {
		setContext(queryRunner, {});
		restore();
	}
}

function refuse(problems: readonly string[]): void {
	if (problems.length) throw new IncompatibleSchemaError([...new Set(problems)]);
}

type Execute = (sql: string, parameters?: unknown[], structured?: boolean) => Promise<unknown>;

function record(queryRunner: QueryRunner, statements: string[]): () => void {
	const execute = queryRunner.query;
	const recorder = async (sql: string, parameters?: unknown[], structured = false) => {
		if (isRead(sql)) return read(execute.bind(queryRunner) as Execute, sql, parameters, structured);
		statements.push(parameters?.length ? format(sql, parameters as never) : sql);
		const raw = { affectedRows: 0, insertId: 0, warningStatus: 0 };
		return structured ? { raw, records: [], affected: 0 } : raw;
	};
	queryRunner.query = recorder as QueryRunner["query"];
	return () => {
		queryRunner.query = execute;
	};
}

function isRead(sql: string): boolean {
	return /^\s*(SELECT|SHOW)\b/i.test(sql);
}

/** A table that a planned statement would have made has no rows yet. */
async function read(execute: Execute, sql: string, parameters?: unknown[], structured?: boolean): Promise<unknown> {
	try {
		return await execute(sql, parameters, structured);
	} catch (error) {
		if (!hasNumber(error, ERROR.NO_SUCH_TABLE)) throw error;
		return structured ? { raw: [], records: [] } : [];
	}
}
