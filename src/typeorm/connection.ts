import { authPlugins, type Connection, type ConnectionOptions, createConnection, type RowDataPacket } from "mysql2";
import type { ResolvedSettings } from "../settings/settings";
import { abandon, internalsOf, networkError, WITHOUT_FILES } from "./internals";

/** A connection beside TypeORM's pool. */
export interface SingleConnection {
	/** @throws what the driver throws, and an error with the code ETIMEDOUT where no answer comes in time */
	query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
	/** Ends the session, without waiting for the server. */
	end(): void;
}

/**
 * Opens one connection of its own: one attempt, no statement, and no TypeORM.
 *
 * @param timeout milliseconds for the connection, and for each statement
 * @throws what the driver throws
 */
export function openConnection(settings: ResolvedSettings, timeout: number): Promise<SingleConnection> {
	const { host, port, socketPath, username, password, database, tls } = settings;
	const options: ConnectionOptions = {
		...(socketPath === undefined ? { host, port } : { socketPath }),
		user: username,
		...(password === undefined ? {} : { password }),
		database,
		...(tls ? { ssl: tls } : {}),
		...pinned(settings),
		charset: "UTF8MB4_UNICODE_CI",
		timezone: "Z",
		connectTimeout: timeout,
		...WITHOUT_FILES,
	};
	return new Promise((fulfil, reject) => {
		const connection = createConnection(options);
		connection.once("error", reject);
		connection.once("connect", () => {
			connection.off("error", reject);
			// What breaks later fails the statement that waits, and the next one.
			connection.on("error", () => undefined);
			fulfil(single(connection, timeout));
		});
	});
}

/** With a pinned key no server is asked for one: MySQL's two plugins encrypt the password with it. */
export function pinned({ serverKey }: Pick<ResolvedSettings, "serverKey">): Pick<ConnectionOptions, "authPlugins"> {
	if (!serverKey) return {};
	const options = { serverPublicKey: serverKey };
	return {
		authPlugins: {
			caching_sha2_password: authPlugins.caching_sha2_password(options),
			sha256_password: authPlugins.sha256_password(options),
		},
	};
}

function single(connection: Connection, timeout: number): SingleConnection {
	return {
		query: (sql, values = []) =>
			new Promise((fulfil, reject) => {
				const late = networkError("ETIMEDOUT", "no answer from the server");
				const timer = setTimeout(() => abandon(connection, late), timeout);
				connection.query<RowDataPacket[]>(sql, [...values], (error, rows) => {
					clearTimeout(timer);
					if (error) reject(error);
					else fulfil(rows);
				});
			}),
		end() {
			connection.end();
			internalsOf(connection).stream.destroySoon();
		},
	};
}
