import type { Connection, ConnectionOptions } from "mysql2";
import type { DataSource } from "typeorm";
import { MigrationError } from "../errors";
import { abandon, internalsOf, networkError } from "../typeorm/internals";

/** A connection beside the pool's: its statements go on while one of the run is executed. */
export interface SideConnection {
	query<Result>(sql: string, values?: readonly unknown[]): Promise<Result>;
	/** Ends it at once. */
	close(): void;
}

/** What TypeORM's driver for MySQL and MariaDB keeps of mysql2. */
interface Driver {
	readonly mysql: { createConnection(options: ConnectionOptions): Connection };
	readonly pool?: { readonly config: { readonly connectionConfig: ConnectionOptions } };
}

/** What mysql2 computes from the options, and does not take as one. */
const COMPUTED = new Set(["maxPacketSize", "clientFlags", "pool", "isServer"]);

/** Milliseconds. */
const ANSWER_TIMEOUT = 20_000;

/** The options of a DataSource's pool, with which another connection is opened. */
export function connectionOptionsOf(dataSource: DataSource): ConnectionOptions {
	const { pool } = dataSource.driver as unknown as Driver;
	if (!pool)
		throw new MigrationError("migrating through a DataSource with replication is not supported; use one without");
	const { connectionConfig } = pool.config;
	// Password and key are no enumerable properties, so that nobody prints them.
	const names = Object.getOwnPropertyNames(connectionConfig).filter((name) => !COMPUTED.has(name));
	return Object.fromEntries(names.map((name) => [name, connectionConfig[name as keyof ConnectionOptions]]));
}

/** Opens a connection beside those of a DataSource's pool. */
export function openSideConnection(dataSource: DataSource): SideConnection {
	const { mysql } = dataSource.driver as unknown as Driver;
	const connection = mysql.createConnection(connectionOptionsOf(dataSource));
	// The statement in progress rejects with the failure.
	connection.on("error", () => undefined);
	return {
		query: async <Result>(sql: string, values: readonly unknown[] = []) => {
			const late = networkError("ETIMEDOUT", "no answer from the server");
			const timer = setTimeout(() => abandon(connection, late), ANSWER_TIMEOUT).unref();
			try {
				const [rows] = await connection.promise().query(sql, values as never);
				return rows as Result;
			} finally {
				clearTimeout(timer);
			}
		},
		// At once: a server that went silent would never close its side.
		close: () => internalsOf(connection).stream.destroy(),
	};
}
