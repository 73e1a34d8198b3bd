import { type Connection, type ConnectionOptions, createConnection, type RowDataPacket } from "mysql2";
import type { ResolvedSettings } from "../settings/settings";

/** A connection beside TypeORM's pool. */
export interface SingleConnection {
	/** @throws what the driver throws */
	query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
	/** Says goodbye to the server. */
	end(): Promise<void>;
	/** Ends at once, whatever is going on. */
	destroy(): void;
}

/**
 * Opens one connection of its own: one attempt, no statement, and no TypeORM.
 *
 * @param connectTimeout milliseconds
 * @throws what the driver throws
 */
export function openConnection(settings: ResolvedSettings, connectTimeout: number): Promise<SingleConnection> {
	const { host, port, socketPath, username, password, database, tls } = settings;
	const options: ConnectionOptions = {
		...(socketPath === undefined ? { host, port } : { socketPath }),
		user: username,
		...(password === undefined ? {} : { password }),
		database,
		...(tls ? { ssl: tls } : {}),
		charset: "UTF8MB4_UNICODE_CI",
		timezone: "Z",
		connectTimeout,
	};
	return new Promise((fulfil, reject) => {
		const connection = createConnection(options);
		connection.once("error", reject);
		connection.once("connect", () => {
			connection.off("error", reject);
			// What breaks later fails the statement that waits, and the next one.
			connection.on("error", () => undefined);
			fulfil(single(connection));
		});
	});
}

function single(connection: Connection): SingleConnection {
	return {
		query: (sql, values = []) =>
			new Promise((fulfil, reject) => {
				connection.query<RowDataPacket[]>(sql, [...values], (error, rows) => (error ? reject(error) : fulfil(rows)));
			}),
		end: () => new Promise((fulfil) => connection.end(() => fulfil())),
		destroy: () => connection.destroy(),
	};
}
