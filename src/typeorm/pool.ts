import { setTimeout as sleep } from "node:timers/promises";
import type { Pool, PoolConnection, PoolOptions } from "mysql2";
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

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2_000;
/** Of one attempt, in milliseconds: a server that drops packets answers nothing at all. */
const LONGEST_ATTEMPT = 10_000;

/**
 * Opens a pool and its first connection, and asks what the server is: two statements. Failures that pass are tried
 * again until the settings' `connectTimeout` is over, others at once given up on.
 *
 * @param tell told once, when there is a server to wait for
 * @throws ConnectionError
 */
export async function openPool(
	mysql2: Mysql2,
	options: PoolOptions,
	settings: ResolvedSettings,
	tell: (line: string) => void,
): Promise<OpenPool> {
	const deadline = Date.now() + settings.connectTimeout * 1000;
	let isTold = false;
	for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
		const left = settings.connectTimeout ? Math.max(deadline - Date.now(), 1) : LONGEST_ATTEMPT;
		try {
			return await attempt(mysql2, { ...options, connectTimeout: Math.min(left, LONGEST_ATTEMPT) });
		} catch (error) {
			if (!isTransient(error) || Date.now() + pause > deadline) throw connectionFailure(error, settings);
			if (!isTold) {
				const code = (error as { code?: string }).code;
				tell(`${place(settings)} is not up yet (${code}): waiting up to ${settings.connectTimeout} s`);
			}
			isTold = true;
			await sleep(pause);
		}
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
