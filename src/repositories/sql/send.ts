import type { PoolConnection, QueryOptions } from "mysql2";
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
import { retrying } from "./retry";
import { type Prepared, prepare, type Statement, type Values } from "./statement";
import { translate } from "./translate";

/** A repository, or what it sends its statements through. */
export type Sender = { readonly manager: EntityManager } & Partial<Pick<Repository<object>, "queryRunner">>;

/** The session that statements have to run in, where there is one: that of a transaction, say. */
export function sessionOf(at: Sender): QueryRunner | undefined {
	return at.queryRunner ?? at.manager.queryRunner;
}

/**
 * Runs a statement in the session of the repository's manager, else in any of the pool's, where a deadlock makes it
 * run again. Its values are checked before anything is sent.
 *
 * TypeORM's own way builds the query, a query runner and a manager anew for each call: half as much again as the
 * server's answer takes. Here the driver's connection is used directly; what others see of a statement (the log, the
 * limit for slow ones, subscribers to queries) is as TypeORM's query runner shows it, with secrets left out of the log.
 */
export async function run<Result>(at: Sender, statement: Statement<Result>, values: Values = {}): Promise<Result> {
	const prepared = prepare(at.manager.dataSource, statement);
	const sent = prepared.parameters.map(({ name, check }) => check(values[name]));
	const answer = await retrying(sessionOf(at) === undefined, () => send(at, prepared, sent));
	return prepared.reader.whole(answer);
}

async function send(at: Sender, prepared: Prepared<unknown>, sent: unknown[]): Promise<unknown> {
	const { dataSource } = at.manager;
	const session = sessionOf(at);
	if (session?.isReleased) throw new QueryRunnerAlreadyReleasedError();
	if (dataSource.subscribers.length) return sendObserved(dataSource, session, prepared, sent);
	if (session) return query(dataSource, await session.connect(), prepared, sent, session);
	const connection: PoolConnection = await (dataSource.driver as MysqlDriver).obtainMasterConnection();
	try {
		return await query(dataSource, connection, prepared, sent);
	} finally {
		connection.release();
	}
}

/** Tells the host's subscribers, as TypeORM does. */
async function sendObserved(
	dataSource: DataSource,
	session: QueryRunner | undefined,
	prepared: Prepared<unknown>,
	sent: unknown[],
): Promise<unknown> {
	const runner = session ?? dataSource.createQueryRunner();
	const told = new BroadcasterResult();
	const start = Date.now();
	const tell = (answer: unknown, error?: unknown) =>
		runner.broadcaster.broadcastAfterQueryEvent(told, prepared.sql, sent, !error, Date.now() - start, answer, error);
	try {
		const connection = await runner.connect();
		await runner.broadcaster.broadcast("BeforeQuery", prepared.sql, sent);
		const answer = await query(dataSource, connection, prepared, sent, runner);
		tell(answer);
		return answer;
	} catch (error) {
		tell(undefined, error);
		throw error;
	} finally {
		await told.wait();
		if (!session) await runner.release();
	}
}

async function query(
	{ logger, options, driver }: DataSource,
	connection: PoolConnection,
	{ sql, metadata, parameters, reader }: Prepared<unknown>,
	values: unknown[],
	session?: QueryRunner,
): Promise<unknown> {
	const shown = parameters.some(({ isSecret }) => isSecret)
		? values.map((value, index) => (parameters[index]?.isSecret ? "[REDACTED]" : value))
		: values;
	logger.logQuery(sql, shown, session);
	const { maxQueryExecutionTime } = options;
	const { enableQueryTimeout } = (driver as MysqlDriver).options;
	const start = Date.now();
	try {
		const question = {
			sql,
			values,
			...(enableQueryTimeout && maxQueryExecutionTime && { timeout: maxQueryExecutionTime }),
		};
		if (reader.row && !session) return await askByRow(connection, question, reader.row);
		const answer = await ask(connection, question);
		return reader.row ? (answer as ObjectLiteral[]).map(reader.row) : answer;
	} catch (error) {
		const translated = translate(error, sql, metadata);
		logger.logQueryError(translated, sql, shown, session);
		throw translated;
	} finally {
		const took = Date.now() - start;
		if (maxQueryExecutionTime && took > maxQueryExecutionTime) logger.logQuerySlow(took, sql, shown, session);
	}
}

function ask(connection: PoolConnection, question: QueryOptions): Promise<unknown> {
	return new Promise((fulfil, reject) => {
		connection.query(question, (error, answer) => (error ? reject(error) : fulfil(answer)));
	});
}

/**
 * Reads each row while the server still sends the next ones, which hides what reading costs. Without a callback the
 * driver tells only the connection's listeners that it was lost or is closed, so this wants a connection to itself.
 */
function askByRow(
	connection: PoolConnection,
	question: QueryOptions,
	read: (row: ObjectLiteral) => unknown,
): Promise<unknown[]> {
	return new Promise((fulfil, reject) => {
		const answer: unknown[] = [];
		connection.once("error", reject);
		connection
			.query(question)
			.on("result", (row: ObjectLiteral) => void answer.push(read(row)))
			.on("error", reject)
			.on("end", () => {
				connection.removeListener("error", reject);
				fulfil(answer);
			});
	});
}
