import type { Query } from "mysql2";
import { QueryFailedError, type QueryResult, type ReplicationMode } from "typeorm";
import { MysqlQueryRunner } from "typeorm/driver/mysql/MysqlQueryRunner.js";
import type { WorkspacesDriver } from "./driver";
import { RefusedOperationError } from "./errors";
import { redactSql, withoutSecrets } from "./redact";

/** TypeORM's query runner, whose errors hold no values, and which never empties or drops a database. */
export class WorkspacesQueryRunner extends MysqlQueryRunner {
	declare driver: WorkspacesDriver;

	constructor(driver: WorkspacesDriver, mode: ReplicationMode) {
		super(driver, mode);
	}

	override query(sql: string, parameters: unknown[] | undefined, useStructuredResult: true): Promise<QueryResult>;
	override query<Result = unknown>(sql: string, parameters?: unknown[], useStructuredResult?: false): Promise<Result>;
	override async query(sql: string, parameters?: unknown[], useStructuredResult = false): Promise<unknown> {
		try {
			return await super.query(sql, parameters, useStructuredResult as true);
		} catch (error) {
			throw withoutValues(error);
		}
	}

	override async stream(
		sql: string,
		parameters?: unknown[],
		onEnd?: () => void,
		onError?: (error: Error) => void,
	): ReturnType<MysqlQueryRunner["stream"]> {
		const connection = await this.connect();
		this.dataSource.logger.logQuery(sql, parameters, this);
		const query: Query = connection.query(sql, parameters);
		// First, so that every later listener, that of the stream included, gets an error without values.
		query.on("error", withoutSecrets);
		if (onEnd) query.on("end", onEnd);
		if (onError) query.on("error", onError);
		return query.stream() as Awaited<ReturnType<MysqlQueryRunner["stream"]>>;
	}

	/** The driver knows it: no statement. */
	override async getVersion(): Promise<string> {
		return this.driver.server?.version ?? super.getVersion();
	}

	override async clearDatabase(): Promise<never> {
		throw refused("clearDatabase");
	}

	override async dropDatabase(): Promise<never> {
		throw refused("dropDatabase");
	}
}

/** The way out is the same for all that would take the host's tables along. */
export function refused(operation: string): RefusedOperationError {
	return new RefusedOperationError(
		`${operation} is refused: the database also holds the host's tables. ` +
			"Change the module's tables through migrations (migration:run, migration:revert)",
	);
}

function withoutValues(error: unknown): unknown {
	if (!(error instanceof QueryFailedError)) return withoutSecrets(error);
	const clean = new QueryFailedError(redactSql(error.query), undefined, withoutSecrets(error.driverError) as Error);
	if (error.stack) clean.stack = error.stack.replace(/^[\s\S]*?(?=\n\s+at )/, `QueryFailedError: ${clean.message}`);
	return clean;
}
