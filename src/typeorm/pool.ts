import type { Pool, PoolConnection, PoolOptions } from "mysql2";
import { TooManyConnectionsError } from "../errors";
import { isOutOfConnections, serverFailure } from "../mysql/failure";
import { withoutSecrets } from "../mysql/redact";
import { retry } from "../mysql/retry";
import { identify, SERVER_QUERY, type ServerIdentity, type ServerRow } from "../mysql/server";
import { SESSION_STATEMENTS } from "../mysql/session";
import type { ResolvedSettings } from "../settings/settings";
import { connectionFailure, isTransient, place } from "./connectionFailure";
import { abandon, hideCredentials, internalsOf, type Mysql2, networkError, poolInternalsOf } from "./internals";
import { startLiveness } from "./liveness";

export interface OpenPool {
	readonly pool: Pool;
	readonly server: ServerIdentity;
	/**
	 * A connection that answers, with its session set up. To be released.
	 *
	 * @throws TooManyConnectionsError when none became free within the settings' `acquireTimeout`, else ConnectionError
	 */
	acquire(): Promise<PoolConnection>;
	/** Closes all connections as soon as the statements end that still run; a server that is silent is not waited for. */
	close(): Promise<void>;
}

/** Milliseconds in which a connection must be opened, and then its session set up. */
const LONGEST_ATTEMPT = 10_000;
/** The same where less time is left. */
const SHORTEST_ATTEMPT = 1_000;
/** Milliseconds after which an idle connection must answer before it is used, and in which it must. */
const IDLE = 5_000;
const PING_TIMEOUT = 2_000;
/** Milliseconds of silence after which TCP asks for the other side; the system's own default is two hours. */
const KEEP_ALIVE_DELAY = 10_000;

/**
 * Opens a pool and its first connection, sets its session up, and asks what the server is. Transient failures are tried
 * again until the settings' `connectTimeout` is over.
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
		return attempt(
			mysql2,
			{ ...options, connectTimeout: attemptTimeout(left), keepAliveInitialDelay: KEEP_ALIVE_DELAY },
			settings,
		);
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
		throw connectionFailure(error, settings, settings.connectTimeout);
	}
}

function attemptTimeout(left: number): number {
	return Math.min(Math.max(left, SHORTEST_ATTEMPT), LONGEST_ATTEMPT);
}

async function attempt(mysql2: Mysql2, options: PoolOptions, settings: ResolvedSettings): Promise<OpenPool> {
	const { connectTimeout = LONGEST_ATTEMPT } = options;
	const deadline = performance.now() + connectTimeout;
	const pool = mysql2.createPool(options);
	hideCredentials(pool);
	const sessions = manageSessions(pool, mysql2, options, settings);
	try {
		const connection = await take(pool, settings, connectTimeout);
		await sessions.setUp(connection, deadline - performance.now());
		const server = await identifyServer(connection, deadline - performance.now());
		connection.release();
		poolInternalsOf(pool).config.connectionConfig.connectTimeout = attemptTimeout(settings.acquireTimeout * 1000);
		return { pool, server, acquire: sessions.acquire, close: sessions.close };
	} catch (error) {
		void sessions.close();
		throw error;
	}
}

/** Knows of each connection of the pool whether its session is set up, and whether it is in use. */
function manageSessions(pool: Pool, mysql2: Mysql2, connection: PoolOptions, settings: ResolvedSettings) {
	const ready = new WeakSet<PoolConnection>();
	const open = new Set<PoolConnection>();
	const idle = new Set<PoolConnection>();
	/** Idle connections go the same way through the network as one on which no answer came. */
	const giveUpIdle = () => {
		for (const unused of idle) abandon(unused, networkError("PROTOCOL_CONNECTION_LOST", "Connection lost while idle"));
	};
	const answerTimeout = settings.answerTimeout * 1000;
	const liveness = startLiveness({ mysql2, connection, answerTimeout, onLost: giveUpIdle });
	pool.on("acquire", (taken: PoolConnection) => idle.delete(taken));
	pool.on("release", (released: PoolConnection) => idle.add(released));
	pool.on("connection", (opened: PoolConnection) => {
		open.add(opened);
		liveness.watch(opened);
		// Without a listener, an error that no statement waits for would end the process.
		opened.on("error", () => undefined);
		internalsOf(opened).stream.once("close", () => {
			open.delete(opened);
			idle.delete(opened);
		});
	});
	const setUp = async (session: PoolConnection, timeout: number) => {
		for (const sql of SESSION_STATEMENTS) await send(session, sql, timeout);
		ready.add(session);
	};
	const takeReady = async (timeout: number) => {
		const taken = await take(pool, settings, timeout);
		if (!ready.has(taken)) await setUp(taken, LONGEST_ATTEMPT);
		return taken;
	};
	const acquire = async (timeout: number) => {
		const taken = await takeReady(timeout);
		if (Date.now() - internalsOf(taken).lastActiveTime <= IDLE || (await answers(taken))) return taken;
		giveUpIdle();
		return takeReady(timeout);
	};
	return {
		setUp,
		acquire: () => acquireWithin(settings, acquire),
		async close() {
			await new Promise<void>((done) => pool.end(() => done()));
			liveness.stop();
			// The end of each session is sent; a server that is silent would never close its side.
			for (const connection of open) internalsOf(connection).stream.destroySoon();
		},
	};
}

/** Tries again while the server admits no further connection: another call may release one meanwhile. */
function acquireWithin(
	settings: ResolvedSettings,
	acquire: (timeout: number) => Promise<PoolConnection>,
): Promise<PoolConnection> {
	const timeout = settings.acquireTimeout * 1000;
	const deadline = performance.now() + timeout;
	const options = { timeout, isTransient: isOutOfConnections, longestPause: 500 };
	return retry(() => acquire(Math.max(deadline - performance.now(), 0)), options).catch((error: unknown) => {
		if (error instanceof TooManyConnectionsError) throw error;
		// Nothing was sent yet, so a connection that was lost meanwhile is one that there never was.
		const isFull = isOutOfConnections(error);
		throw (isFull && serverFailure(withoutSecrets(error))) || connectionFailure(error, settings);
	});
}

/** The next connection that is free, or a new one. */
function take(pool: Pool, { acquireTimeout, poolSize }: ResolvedSettings, timeout: number): Promise<PoolConnection> {
	return new Promise((fulfil, reject) => {
		let timer: NodeJS.Timeout | undefined;
		let isLate = false;
		const giveUp = () => {
			isLate = true;
			reject(
				new TooManyConnectionsError(
					`No connection became free within ${acquireTimeout} s, since all ${poolSize} are in use: ` +
						"end transactions and release query runners sooner, or raise DB_POOL_SIZE",
				),
			);
		};
		const onEnqueue = () => {
			timer = setTimeout(giveUp, timeout);
		};
		pool.once("enqueue", onEnqueue);
		pool.getConnection((error, connection) => {
			clearTimeout(timer);
			if (isLate) connection?.release();
			else if (error) reject(error);
			else fulfil(connection);
		});
		pool.off("enqueue", onEnqueue);
	});
}

/** Sends a statement that must be answered within so many milliseconds; where it fails, its connection is given up. */
async function send(connection: PoolConnection, sql: string, timeout: number): Promise<unknown> {
	const late = networkError("ETIMEDOUT", `no answer within ${Math.ceil(timeout / 1000)} s`);
	const timer = setTimeout(() => abandon(connection, late), timeout);
	try {
		const [rows] = await connection.promise().query(sql);
		return rows;
	} catch (error) {
		abandon(connection, error as Error);
		throw error;
	} finally {
		clearTimeout(timer);
	}
}

async function identifyServer(connection: PoolConnection, timeout: number): Promise<ServerIdentity> {
	const [row] = (await send(connection, SERVER_QUERY, timeout)) as [ServerRow];
	return identify(row);
}

/** Whether a connection that was idle still works; given up where it does not. */
function answers(connection: PoolConnection): Promise<boolean> {
	return new Promise((done) => {
		const late = networkError("ETIMEDOUT", "no answer to a ping");
		const timer = setTimeout(() => abandon(connection, late), PING_TIMEOUT);
		connection.ping((error) => {
			clearTimeout(timer);
			if (error) abandon(connection, error);
			done(!error);
		});
	});
}
