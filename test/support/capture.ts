import { format } from "mysql2";
import type { DataSource } from "typeorm";

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
			const text = typeof sql === "string" ? sql : (sql as { sql: string }).sql;
			statements.push(Array.isArray(parameters) ? format(text, parameters) : text);
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

/** Those among the statements that may change something. */
export function writes(statements: readonly string[]): string[] {
	return statements.filter((sql) => !/^\s*(SELECT|SHOW)\b/i.test(sql));
}
