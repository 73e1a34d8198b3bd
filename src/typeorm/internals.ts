import type { Socket } from "node:net";
import type { Connection, ConnectionOptions, Pool, PoolConnection, PoolOptions } from "mysql2";

/** The driver's own module, as TypeORM loaded it. */
export interface Mysql2 {
	createPool(options: PoolOptions): Pool;
	createConnection(options: ConnectionOptions): Connection;
}

/**
 * What is used of mysql2's connections that its types do not have. A test holds that each of them is there, so that an
 * upgrade of mysql2 fails in the tests.
 */
export interface ConnectionInternals {
	readonly stream: Socket;
	/** The statement that is being answered. */
	readonly _command: unknown;
	/** When it went back to the pool, in milliseconds since 1970. */
	readonly lastActiveTime: number;
}

/** The same of its pools. */
export interface PoolInternals {
	/** Each connection gets a copy with the properties' attributes. */
	readonly config: { readonly connectionConfig: { connectTimeout: number; password: unknown; ssl: unknown } };
}

export function internalsOf(connection: Connection | PoolConnection): ConnectionInternals {
	return connection as unknown as ConnectionInternals;
}

export function poolInternalsOf(pool: Pool): PoolInternals {
	return pool as unknown as PoolInternals;
}

/** Keeps password and key out of what prints a pool or a connection, as each query runner, manager and event has one. */
export function hideCredentials(pool: Pool): void {
	const { connectionConfig } = poolInternalsOf(pool).config;
	for (const name of ["password", "ssl"]) Object.defineProperty(connectionConfig, name, { enumerable: false });
}

/**
 * Ends a connection at once and sends nothing to a server that may be silent: the statement in progress fails with the
 * error, and the pool removes the connection.
 */
export function abandon(connection: Connection | PoolConnection, error: Error): void {
	internalsOf(connection).stream.destroy(error);
}

/** A failure of the network, in the form in which the driver reports its own. */
export function networkError(code: "PROTOCOL_CONNECTION_LOST" | "ETIMEDOUT", message: string): Error {
	return Object.assign(new Error(message), { code, fatal: true });
}

/** Options of a connection over which no server reads a file: it may ask for any, in answer to any statement. */
export const WITHOUT_FILES = {
	flags: ["-LOCAL_FILES"],
	infileStreamFactory: (path: string): never => {
		throw new Error(`The server asked for the file ${path} of this machine, which it does not get`);
	},
};
