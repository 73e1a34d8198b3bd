import { randomUUID } from "node:crypto";
import type { DataSource, QueryRunner } from "typeorm";
import { LockLostError, LockTimeoutError } from "../errors";
import { CLUSTER_QUERY, type ClusterRow, isClusterNode } from "../mysql/cluster";
import { ERROR, errorNumber, hasNumber } from "../mysql/errorNumbers";
import { type RetryOptions, retry } from "../mysql/retry";
import { type DeployLock, type NamedLock, refuseInterrupted } from "./deployLock";
import { openSideConnection, type SideConnection } from "./sideConnection";

export const LEASE_TABLE = "dployr_migration_lease";

/** Seconds without a beat of the holder's after which others take the lease over. */
const LEASE_SECONDS = 30;
/** Seconds between two beats. */
const BEAT_SECONDS = 5;
/** Seconds without a beat that succeeded after which the holder makes sure before its next statement. */
const DOUBT_SECONDS = 2 * BEAT_SECONDS;
/** Milliseconds that a run which waits pauses at most between two reads of the row. */
const LONGEST_PAUSE = 1_000;
/** Seconds between two reports of who holds the lease. */
const REPORT_EVERY = 30;

/** Whether this server is a node of a Galera cluster: one statement. */
export async function isGaleraNode(queryRunner: QueryRunner): Promise<boolean> {
	const [row] = (await queryRunner.query(CLUSTER_QUERY)) as ClusterRow[];
	return isClusterNode(row?.Value);
}

/**
 * Takes the lease on migrating, which holds on every node of a cluster: a row that two nodes cannot both change, since
 * the cluster certifies each write. Its holder counts the row's beat up from a connection of its own, also while a long
 * statement runs; one who waits takes the row over once the beat has stood still for 30 s. No clock of one machine is
 * compared with another's. The table is there only while somebody migrates.
 *
 * @throws LockTimeoutError when the timeout has passed
 */
export async function acquireLease(dataSource: DataSource, lock: NamedLock): Promise<DeployLock> {
	const connection = openLeaseConnection(dataSource);
	try {
		const holder = randomUUID();
		await takeLease(connection, { ...lock, holder, dataSource });
		return keepLease(connection, lock, holder);
	} catch (error) {
		connection.close();
		throw error;
	}
}

/** Opens a connection beside the pool's, and another one where that was lost: its holder goes on with its beats. */
function openLeaseConnection(dataSource: DataSource): SideConnection {
	let opened: Promise<SideConnection> | undefined;
	const close = () => void opened?.then((connection) => connection.close()).catch(() => undefined);
	return {
		async query<Result>(sql: string, values?: readonly unknown[]) {
			opened ??= openSetUp(dataSource, 0);
			try {
				return await (await opened).query<Result>(sql, values);
			} catch (error) {
				if (!errorNumber(error)) {
					close();
					opened = undefined;
				}
				throw error;
			}
		},
		close,
	};
}

/**
 * A schema change must reach all nodes, whatever the node is set to: one that is alone with a table leaves the cluster at
 * the first row. A server without a cluster may not know the variables.
 */
async function openSetUp(dataSource: DataSource, syncWait: number): Promise<SideConnection> {
	const connection = openSideConnection(dataSource);
	try {
		const known = await connection.query<unknown[]>("SHOW SESSION VARIABLES LIKE 'wsrep_sync_wait'");
		const cluster = known.length ? `, wsrep_OSU_method = 'TOI', wsrep_sync_wait = ${syncWait}` : "";
		await connection.query(`SET SESSION autocommit = 1${cluster}`);
		return connection;
	} catch (error) {
		connection.close();
		throw error;
	}
}

interface LeaseRow {
	readonly holder: string;
	readonly node: string;
	readonly beat: number;
}

/** Another run that came first, and whose row was not read yet. */
const UNKNOWN: LeaseRow = { holder: "", node: "?", beat: 0 };

interface Wait extends NamedLock {
	readonly holder: string;
	readonly dataSource: DataSource;
}

/** Takes the row as soon as it is free, and reports meanwhile whose it is. */
async function takeLease(connection: SideConnection, wait: Wait): Promise<void> {
	const { database, timeout, onProgress } = wait;
	const start = performance.now();
	let reportedAt = Number.NEGATIVE_INFINITY;
	const tryTake = leaseTaker(connection, wait);
	const take = async () => {
		refuseInterrupted(wait);
		const other = await tryTake();
		if (!other) return;
		const who = `a run on node ${other.node} of the cluster, whose lease ends ${LEASE_SECONDS} s after its last beat`;
		const now = performance.now();
		if (now - reportedAt > REPORT_EVERY * 1000 && now - start < timeout * 1000) {
			reportedAt = now;
			const seconds = Math.round((now - start) / 1000);
			onProgress({ kind: "waiting", for: "lock", who, seconds, timeout });
		}
		throw new LockTimeoutError(database, who, timeout);
	};
	const isTransient = (error: unknown) => error instanceof LockTimeoutError;
	const pauses = { firstPause: LONGEST_PAUSE, longestPause: LONGEST_PAUSE };
	await retry(take, { isTransient, timeout: timeout * 1000, ...pauses });
}

/** Tries to take the row, and returns whose it is otherwise. It remembers since when the beat has stood still. */
function leaseTaker(connection: SideConnection, wait: Wait): () => Promise<LeaseRow | undefined> {
	const { name, holder } = wait;
	let last: LeaseRow | undefined;
	let lastAt = performance.now();
	return async () => {
		const found = await readLease(connection, name);
		// A write whose answer did not come.
		if (found?.holder === holder) return undefined;
		const now = performance.now();
		if (!isSame(found, last)) lastAt = now;
		last = found;
		const isFree = !found || (now - lastAt > LEASE_SECONDS * 1000 && isSame(found, await readFromAll(wait)));
		if (isFree && (await writeLease(connection, { name, holder, found }))) return undefined;
		return found ?? UNKNOWN;
	};
}

function isSame(one: LeaseRow | undefined, other: LeaseRow | undefined): boolean {
	return one?.holder === other?.holder && one?.beat === other?.beat;
}

/**
 * The row with all that was committed on any node by now. It is undefined where that can't be found out: while a schema
 * change holds up the nodes, this one sees no beat, although the holder counts.
 */
async function readFromAll({ dataSource, name }: Wait): Promise<LeaseRow | undefined> {
	const connection = await openSetUp(dataSource, 7).catch(() => undefined);
	try {
		return connection && (await readLease(connection, name));
	} catch {
		return undefined;
	} finally {
		connection?.close();
	}
}

async function readLease(connection: SideConnection, name: string): Promise<LeaseRow | undefined> {
	const sql = `SELECT holder, node, beat FROM ${LEASE_TABLE} WHERE name = ?`;
	try {
		// Even a SELECT is a deadlock's victim where another run gives the lease back, and drops the table.
		const isTransient = (error: unknown) => hasNumber(error, ERROR.LOCK_DEADLOCK);
		const [row] = await retry(() => connection.query<LeaseRow[]>(sql, [name]), { isTransient, attempts: 10 });
		return row;
	} catch (error) {
		if (!hasNumber(error, ERROR.NO_SUCH_TABLE)) throw error;
		await connection.query(
			`CREATE TABLE IF NOT EXISTS ${LEASE_TABLE} (name VARCHAR(64) NOT NULL PRIMARY KEY, holder CHAR(36) NOT NULL, ` +
				"node VARCHAR(255) NOT NULL, beat BIGINT NOT NULL) ENGINE=InnoDB",
		);
		return undefined;
	}
}

/** Whether the row is this holder's now: of several that write at once, the cluster lets one commit. */
async function writeLease(
	connection: SideConnection,
	{ name, holder, found }: { name: string; holder: string; found: LeaseRow | undefined },
): Promise<boolean> {
	try {
		const { affectedRows } = found
			? await connection.query<{ affectedRows: number }>(
					`UPDATE ${LEASE_TABLE} SET holder = ?, node = @@hostname, beat = beat + 1 WHERE name = ? AND holder = ? AND beat = ?`,
					[holder, name, found.holder, found.beat],
				)
			: await connection.query<{ affectedRows: number }>(
					`INSERT INTO ${LEASE_TABLE} (name, holder, node, beat) VALUES (?, ?, @@hostname, 1)`,
					[name, holder],
				);
		return affectedRows === 1;
	} catch (error) {
		// A write that lost against another node's is a deadlock or a duplicate here; without an answer the next read shows it.
		if (!errorNumber(error) || hasNumber(error, ERROR.LOCK_DEADLOCK, ERROR.DUP_ENTRY, ERROR.NO_SUCH_TABLE))
			return false;
		throw error;
	}
}

/** What keeps others from taking the lease over. */
interface Beats {
	/** Whether another run has it. */
	isLost(): boolean;
	/** Milliseconds since the last beat that succeeded. */
	age(): number;
	/** Sends a beat, unless one is under way, again after failures and within the bound. */
	beat(bound: Pick<RetryOptions, "attempts" | "timeout">): Promise<void>;
	stop(): void;
}

function startBeats(connection: SideConnection, name: string, holder: string): Beats {
	let lastAt = performance.now();
	let isLost = false;
	let inFlight: Promise<void> | undefined;
	const send = async () => {
		const { affectedRows } = await connection.query<{ affectedRows: number }>(
			`UPDATE ${LEASE_TABLE} SET beat = beat + 1 WHERE name = ? AND holder = ?`,
			[name, holder],
		);
		isLost ||= affectedRows !== 1;
		lastAt = performance.now();
	};
	const sendOne = () => {
		inFlight ??= send().finally(() => {
			inFlight = undefined;
		});
		return inFlight;
	};
	// A beat that fails is made good by the next one, or found missing by `ensureHeld`.
	const timer = setInterval(() => void sendOne().catch(() => undefined), BEAT_SECONDS * 1000);
	return {
		isLost: () => isLost,
		age: () => performance.now() - lastAt,
		beat: (bound) => retry(sendOne, { isTransient: () => !isLost, ...bound }),
		stop: () => clearInterval(timer),
	};
}

function keepLease(connection: SideConnection, { name }: NamedLock, holder: string): DeployLock {
	const { isLost, age, beat, stop } = startBeats(connection, name, holder);
	return {
		isOnCluster: true,
		async ensureHeld() {
			// Another schema change may hold the cluster up for a while.
			if (!isLost() && age() > DOUBT_SECONDS * 1000) await beat({ timeout: LEASE_SECONDS * 1000 });
			if (isLost())
				throw new LockLostError("another run took over the lease on migrating: this one stops; run it again");
		},
		async release() {
			stop();
			try {
				await beat({ attempts: 2 });
				if (isLost()) return;
				// Others who wait make it again. A user who may not drop it leaves it without the row.
				await connection
					.query(`DROP TABLE IF EXISTS ${LEASE_TABLE}`)
					.catch(() => connection.query(`DELETE FROM ${LEASE_TABLE} WHERE name = ? AND holder = ?`, [name, holder]));
			} finally {
				connection.close();
			}
		},
	};
}
