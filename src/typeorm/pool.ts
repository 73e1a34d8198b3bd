import type { Pool, PoolConnection, PoolOptions } from "mysql2";
import { retry } from "../mysql/retry";
import { identify, SERVER_QUERY, type Server } from "../mysql/server";
import { SESSION_STATEMENT } from "../mysql/session";
import type { ResolvedSettings } from "../settings/settings";
import { connectionFailure, isTransient, place } from "./connectionFailure";

/** The driver's own module, as TypeORM loaded it. */
export interface Mysql2 {
	createPool(options: PoolOptions): Pool;
}

export interface OpenPool {
	readonly pool: Pool;
	readonly server: Server;
	/** Settled once the session of a new connection is set up; nothing for one that was set up before. */
	readonly setUp: (connection: PoolConnection) => Promise<void> | undefined;
}

/** Of one attempt, in milliseconds; the last one begins when the time is over. */
const SHORTEST_ATTEMPT = 1_000;
/** Of one attempt, in milliseconds: a server that drops packets answers nothing at all. */
const LONGEST_ATTEMPT = 10_000;

/**
 * Opens a pool and its first connection, and asks what the server is: two statements. Failures that pass are tried
 * again until the settings' `connectTimeout` is over, others at once given up on.
 *
 * @param log called once, when there is a server to wait for
 * @throws ConnectionError
 */
export async function openPool(
	mysql2: Mysql2,
	options: PoolOptions,
	settings: ResolvedSettings,
	log: (line: string) => void,
): Promise<OpenPool> {
	const timeout = settings.connectTimeout * 1000;
	const deadline = performance.now() + timeout;
	const connect = () => {
		const left = timeout ? deadline - performance.now() : LONGEST_ATTEMPT;
		const connectTimeout = Math.min(Math.max(left, SHORTEST_ATTEMPT), LONGEST_ATTEMPT);
		return attempt(mysql2, { ...options, connectTimeout });
	};
	try {
		return await retry(connect, {
			timeout,
			isTransient,
			onRetry: (error, failed) => {
				if (failed > 1) return;
				const { code } = error as { code?: string };
				log(`${place(settings)} is not up yet (${code}): waiting up to ${settings.connectTimeout} s`);
			},
		});
	} catch (error) {
		throw connectionFailure(error, settings);
	}
}

async function attempt(mysql2: Mysql2, options: PoolOptions): Promise<OpenPool> {
	const pool = mysql2.createPool(options);
	const pending = setUpSessions(pool);
	try {
		const connection = await firstConnection(pool);
		await pending.get(connection);
		const server = await ask(connection);
		connection.release();
		return { pool, server, setUp: (used) => pending.get(used) };
	} catch (error) {
		await new Promise<void>((done) => pool.end(() => done()));
		throw error;
	}
}

/**
 * Sends the session's statement as the first on each new connection. Where it fails the connection fails as if the
 * network had: what was sent behind it is not executed in a session with other settings.
 */
function setUpSessions(pool: Pool): WeakMap<PoolConnection, Promise<void>> {
	const pending = new WeakMap<PoolConnection, Promise<void>>();
	pool.on("connection", (connection: PoolConnection) => {
		const done = new Promise<void>((fulfil, reject) => {
			connection.query(SESSION_STATEMENT, (error) => {
				if (!error) {
					pending.delete(connection);
					fulfil();
					return;
				}
				connection.on("error", () => undefined);
				(connection as unknown as { stream: { destroy(error: Error): void } }).stream.destroy(error);
				reject(error);
			});
		});
		// Who takes the connection sees the failure; nobody may be there to see it yet.
		done.catch(() => undefined);
		pending.set(connection, done);
	});
	return pending;
}

function firstConnection(pool: Pool): Promise<PoolConnection> {
	return new Promise((fulfil, reject) => {
		pool.getConnection((error, connection) => (error ? reject(error) : fulfil(connection)));
	});
}

async function ask(connection: PoolConnection): Promise<Server> {
	const [rows] = await connection.promise().query(SERVER_QUERY);
	const [row] = rows as { version: string; comment: string }[];
	return identify({ version: row?.version ?? "", comment: row?.comment ?? "" });
}
