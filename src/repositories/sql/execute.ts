import type { PoolConnection, Query, QueryError, QueryResult, ResultSetHeader } from "mysql2";
import {
	type DataSource,
	type EntityManager,
	type ObjectLiteral,
	type QueryRunner,
	QueryRunnerAlreadyReleasedError,
	type Repository,
} from "typeorm";
import type { MysqlDriver } from "typeorm/driver/mysql/MysqlDriver.js";
import { BroadcasterResult } from "typeorm/subscriber/BroadcasterResult.js";
import { RefusedOperationError } from "../../errors";
import { ERROR, hasNumber } from "../../mysql/errorNumbers";
import { toSent } from "./literal";
import { retrying } from "./retry";
import { type Prepared, prepare, type Statement } from "./statement";
import { translate } from "./translate";

/** What statements are sent through: a repository, or anything else with a manager. */
export type Executor = { readonly manager: EntityManager } & Partial<Pick<Repository<object>, "queryRunner">>;

/** The session that statements have to run in, where there is one: that of a transaction, say. */
export function sessionOf(executor: Executor): QueryRunner | undefined {
	return executor.queryRunner ?? executor.manager.queryRunner;
}

type Values<Parameters> = keyof Parameters extends never ? [] : [values: Parameters];

/**
 * Executes a statement in the session of the repository's manager, else in any of the pool's, where a deadlock makes it
 * run again. Its values are checked before anything is sent.
 */
export function execute<Result, Parameters>(
	executor: Executor,
	statement: Statement<Result, Parameters>,
	...[values]: Values<NoInfer<Parameters>>
): Promise<Result> {
	return executeWith(executor, statement, values ?? {});
}

/** The same for a caller whose own parameters say that values and statement belong together. */
export async function executeWith<Result>(
	executor: Executor,
	statement: Statement<Result, never>,
	values: object,
): Promise<Result> {
	const { dataSource } = executor.manager;
	const prepared = prepare(dataSource, statement);
	const given = values as Readonly<Record<string, unknown>>;
	const sent = prepared.parameters.map(({ name, check, isSecret }) => toSent(check(given[name]), isSecret));
	const session = sessionOf(executor);
	if (session) return prepared.read(await send(session, prepared, sent, answerWhole));
	return prepared.read(await retrying(() => sendInPool(dataSource, prepared, sent)));
}

async function sendInPool(dataSource: DataSource, prepared: Prepared<unknown>, sent: unknown[]): Promise<unknown> {
	const runner = dataSource.createQueryRunner();
	try {
		const answer = await send(runner, prepared, sent, answerByRow);
		if (isUncommitted(answer)) {
			await runner.query("ROLLBACK");
			throw new RefusedOperationError(
				"The sessions of this DataSource do not commit what they write: set autocommit to 1 and completion_type to " +
					"NO_CHAIN, or do this in a transaction",
			);
		}
		return answer;
	} finally {
		await runner.release();
	}
}

/** In an answer's status: the session is in a transaction. MySQL's mark of autocommit is on also where it is off. */
const SERVER_STATUS_IN_TRANS = 1;

/** Whether something was written that nobody commits: no transaction was begun here. */
function isUncommitted(answer: unknown): boolean {
	const { serverStatus = 0 } = answer as Partial<ResultSetHeader>;
	return (serverStatus & SERVER_STATUS_IN_TRANS) !== 0;
}

/**
 * As the query runner's own `query`, which hands loggers and subscribers the driver's error as it is: with the whole
 * statement in it, keys and hashes included.
 */
async function send(runner: QueryRunner, prepared: Prepared<unknown>, sent: unknown[], answer: typeof answerByRow) {
	const { sql, entityName, metadata } = prepared;
	const { logger, options, driver, subscribers } = runner.dataSource;
	const { maxQueryExecutionTime } = options;
	const connection: PoolConnection = await connectionOf(runner);
	logger.logQuery(sql, sent, runner);
	const isObserved = subscribers.length > 0;
	const events = new BroadcasterResult();
	if (isObserved) await runner.broadcaster.broadcast("BeforeQuery", sql, sent);
	const start = Date.now();
	const emit = (answer: unknown, error?: Error) => {
		const took = Date.now() - start;
		if (error) logger.logQueryError(error, sql, sent, runner);
		if (maxQueryExecutionTime && took > maxQueryExecutionTime) logger.logQuerySlow(took, sql, sent, runner);
		if (isObserved) runner.broadcaster.broadcastAfterQueryEvent(events, sql, sent, !error, took, answer, error);
	};
	try {
		const { enableQueryTimeout } = (driver as MysqlDriver).options;
		const timeout = (enableQueryTimeout && maxQueryExecutionTime) || undefined;
		const result = await answer(connection, { sql, values: sent, timeout }, prepared);
		emit(result);
		return result;
	} catch (error) {
		// The server closes the connection after this answer, which does not say so.
		if (hasNumber(error, ERROR.NET_PACKET_TOO_LARGE)) connection.destroy();
		const translated = translate(error, { sql, entityName, metadata });
		emit(undefined, translated);
		throw translated;
	} finally {
		if (isObserved) await events.wait();
	}
}

function connectionOf(runner: QueryRunner): Promise<PoolConnection> {
	if (runner.isReleased) throw new QueryRunnerAlreadyReleasedError();
	return runner.connect();
}

interface Question {
	readonly sql: string;
	readonly values: unknown[];
	/** Milliseconds, or undefined. */
	readonly timeout: number | undefined;
}

async function answerWhole(connection: PoolConnection, question: Question, { readRow }: Prepared<unknown>) {
	const answer = await answerOf(connection, question);
	return readRow ? (answer as ObjectLiteral[]).map(readRow) : answer;
}

function answerOf(connection: PoolConnection, question: Question): Promise<unknown> {
	return new Promise((fulfil, reject) => {
		ask(connection, question, (error, answer) => (error ? reject(error) : fulfil(answer)));
	});
}

type Done = (error: QueryError | null, answer: QueryResult) => void;

function ask(connection: PoolConnection, { sql, values, timeout }: Question, done?: Done): Query {
	// For options in an object the driver takes 6 µs more.
	return timeout ? connection.query({ sql, timeout }, values, done) : connection.query(sql, values, done);
}

/**
 * Reads each row while the server still sends the next ones, which hides what reading costs: a quarter of the time of a
 * page of 1,000. A statement without a callback learns from its connection that this was lost, so it has it alone.
 */
function answerByRow(connection: PoolConnection, question: Question, { readRow }: Prepared<unknown>): Promise<unknown> {
	if (!readRow) return answerOf(connection, question);
	return new Promise((fulfil, reject) => {
		const rows: unknown[] = [];
		connection.once("error", reject);
		ask(connection, question)
			.on("result", (row: ObjectLiteral) => void rows.push(readRow(row)))
			.on("error", reject)
			.on("end", () => {
				connection.off("error", reject);
				fulfil(rows);
			});
	});
}
