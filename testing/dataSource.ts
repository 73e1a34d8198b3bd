import { format, type QueryOptions } from "mysql2";
import { DataSource, getMetadataArgsStorage, type Logger } from "typeorm";
import { createDataSource, type DataSourceSettings, type WorkspacesDataSource } from "../src";
import { DashboardUser, entities } from "../src/entities";
import { migrations } from "../src/migrations";
import { createTestDatabase, type TestDatabase } from "./database";

/** The names of this package's tables, a table after those that it refers to. */
export const TABLES: readonly string[] = entities.flatMap((entity) => {
	const { name } = getMetadataArgsStorage().tables.find(({ target }) => target === entity) ?? {};
	return name && entity !== DashboardUser ? [name] : [];
});

/** The settings that lead to a test's database; every line that would be printed goes to `lines`. */
export function settingsOf(database: TestDatabase, lines: string[] = []): DataSourceSettings {
	const { host, port, username, password, name } = database;
	return { host, port, username, password, database: name, connectTimeout: 0, log: (line) => lines.push(line) };
}

/** The module's own DataSource on a test's database, connected. */
export function openDataSource(
	database: TestDatabase,
	settings: DataSourceSettings = {},
): Promise<WorkspacesDataSource> {
	return createDataSource({ ...settingsOf(database), ...settings }).initialize();
}

/** Connects, works, and disconnects whatever happens. */
export async function withDataSource<Result>(
	database: TestDatabase,
	settings: DataSourceSettings,
	work: (dataSource: WorkspacesDataSource) => Promise<Result>,
): Promise<Result> {
	const dataSource = await openDataSource(database, settings);
	try {
		return await work(dataSource);
	} finally {
		await dataSource.destroy();
	}
}

/** An application's own plain TypeORM DataSource with this module's entities and migrations in it. */
export async function openPlainDataSource(database: TestDatabase): Promise<DataSource> {
	const [{ version }] = (await database.rows("SELECT VERSION() AS version")) as [{ version: string }];
	const dataSource = new DataSource({
		type: /mariadb/i.test(version) ? "mariadb" : "mysql",
		url: database.url,
		timezone: "Z",
		entities,
		migrations,
		migrationsTransactionMode: "none",
		logger: silentLogger,
	});
	return dataSource.initialize();
}

const nothing = () => undefined;

const silentLogger: Logger = {
	logQuery: nothing,
	logQueryError: nothing,
	logQuerySlow: nothing,
	logSchemaBuild: nothing,
	logMigration: nothing,
	log: nothing,
};

/** Gives a test a database of its own and a DataSource on it, drops both, and returns what the test made of them. */
export async function withDatabase<Result>(
	work: (database: TestDatabase, dataSource: DataSource) => Promise<Result>,
	options?: Parameters<typeof createTestDatabase>[0],
): Promise<Result> {
	const database = await createTestDatabase(options);
	try {
		const dataSource = await openDataSource(database);
		try {
			return await work(database, dataSource);
		} finally {
			await dataSource.destroy();
		}
	} finally {
		await database.drop();
	}
}

interface PoolConnection {
	query(sql: unknown, parameters?: unknown, ...rest: unknown[]): unknown;
}

/** The statements that a DataSource's connections send to the server while `work` runs, parameters filled in. */
export async function statementsOf(dataSource: DataSource, work: () => Promise<unknown>): Promise<string[]> {
	const statements: string[] = [];
	const restored: (() => void)[] = [];
	const listen = (connection: PoolConnection) => {
		const { query } = connection;
		if (Object.hasOwn(connection, "query")) return;
		connection.query = function record(sql, parameters, ...rest) {
			const { sql: text, values = parameters } = (typeof sql === "string" ? { sql } : sql) as QueryOptions;
			statements.push(Array.isArray(values) ? format(text, values) : text);
			return query.call(this, sql, parameters, ...rest);
		};
		restored.push(() => Reflect.deleteProperty(connection, "query"));
	};
	const { pool } = dataSource.driver as unknown as {
		pool: { on(event: "acquire", listener: typeof listen): void; off(event: "acquire", listener: typeof listen): void };
	};
	pool.on("acquire", listen);
	try {
		await work();
	} finally {
		pool.off("acquire", listen);
		for (const restore of restored) restore();
	}
	return statements;
}

/** Those among the statements that may change something, without those that set a session up. */
export function writes(statements: readonly string[]): string[] {
	return statements.filter((sql) => !/^\s*(SELECT|SHOW)\b|^SET SESSION .*lock_wait_timeout/i.test(sql));
}
