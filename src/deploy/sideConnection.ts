import type { Connection, ConnectionOptions } from "mysql2";
import type { DataSource } from "typeorm";
import { MigrationError } from "../errors";

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

/** Opens a connection with the options of a DataSource's pool. */
export function openSideConnection(dataSource: DataSource): SideConnection {
	const { mysql, pool } = dataSource.driver as unknown as Driver;
	if (!pool)
		throw new MigrationError("migrating through a DataSource with replication is not supported; use one without");
	const entries = Object.entries(pool.config.connectionConfig).filter(([name]) => !COMPUTED.has(name));
	const connection = mysql.createConnection(Object.fromEntries(entries) as ConnectionOptions);
	// A failure is seen by the statement that meets it.
	connection.on("error", () => undefined);
	return {
		query: async <Result>(sql: string, values: readonly unknown[] = []) => {
			const [rows] = await connection.promise().query(sql, values as never);
			return rows as Result;
		},
		close: () => connection.destroy(),
	};
}
