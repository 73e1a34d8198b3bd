import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { DataSource, QueryRunner } from "typeorm";
import { LockLostError, LockTimeoutError } from "../errors";
import { ERROR, hasNumber } from "../mysql/errorNumbers";
import { type DeployLock, type NamedLock, refuseInterrupted } from "./deployLock";
import { openSideConnection, type SideConnection } from "./sideConnection";

export const LEASE_TABLE = "dployr_migration_lease";

/** Seconds without a beat of the holder's after which others take the lease over. */
const LEASE_SECONDS = 30;
/** Seconds between two beats. */
const BEAT_SECONDS = 5;
/** Seconds without a beat that succeeded after which the holder makes sure before its next statement. */
const DOUBT_SECONDS = 2 * BEAT_SECONDS;
/** Milliseconds between two looks of one who waits. */
const LOOK_AGAIN = 500;
/** Seconds after which it is said again who holds the lease. */
const SAY_AGAIN = 30;

/** Whether this server is a node of a Galera cluster: one statement. */
export async function isGaleraNode(queryRunner: QueryRunner): Promise<boolean> {
	const rows = (await queryRunner.query("SHOW GLOBAL STATUS LIKE 'wsrep_cluster_size'")) as { Value: string }[];
	return Number(rows[0]?.Value ?? 0) > 0;
}

/**
 * Takes the lease on migrating, which holds on every node of a cluster: a row that two nodes cannot both change, since
 * the cluster certifies each write. Its holder counts the row's beat up from a connection of its own, also while a long
 * statement runs; one who waits takes the row over once the beat has stood still for 30 s. No clock of one machine is
 * compared with another's.
 *
 * @throws LockTimeoutError when the timeout has passed
 */
export async function acquireLease(dataSource: DataSource, lock: NamedLock): Promise<DeployLock> {
	const connection = openSideConnection(dataSource);
	try {
		await readAfterOthers(connection);
		const holder = randomUUID();
		await takeLease(connection, lock, holder);
		return keepLease(connection, lock, holder);
	} catch (error) {
		connection.close();
		throw error;
	}
}

/** What other nodes committed is waited for; a server without a cluster may not know the variable. */
async function readAfterOthers(connection: SideConnection): Promise<void> {
	const known = await connection.query<unknown[]>("SHOW SESSION VARIABLES LIKE 'wsrep_sync_wait'");
	await connection.query(`SET SESSION autocommit = 1${known.length ? ", wsrep_sync_wait = 7" : ""}`);
}

interface LeaseRow {
	readonly holder: string;
	readonly node: string;
	readonly beat: number;
}

async function takeLease(connection: SideConnection, lock: NamedLock, holder: string): Promise<void> {
	const { name, timeout, onProgress } = lock;
	const start = performance.now();
	let saidAt = Number.NEGATIVE_INFINITY;
	let last: LeaseRow | undefined;
	let lastAt = start;
	for (;;) {
		const found = await readLease(connection, name);
		const now = performance.now();
		if (!found || found.holder !== last?.holder || found.beat !== last.beat) lastAt = now;
		last = found;
		const isDead = now - lastAt > LEASE_SECONDS * 1000;
		if ((!found || isDead) && (await writeLease(connection, { name, holder, found }))) return;
		const seconds = Math.round((now - start) / 1000);
		const who = `a run on node ${found?.node ?? "?"} of the cluster, which ends ${LEASE_SECONDS} s after its last beat`;
		if (now - start > timeout * 1000) throw new LockTimeoutError(lock.database, who, timeout);
		if (now - saidAt > SAY_AGAIN * 1000) {
			saidAt = now;
			onProgress({ kind: "waiting", for: "lock", who, seconds, timeout });
		}
		await sleep(LOOK_AGAIN);
		refuseInterrupted(lock);
	}
}

async function readLease(connection: SideConnection, name: string): Promise<LeaseRow | undefined> {
	const sql = `SELECT holder, node, beat FROM ${LEASE_TABLE} WHERE name = ?`;
	try {
		const [row] = await connection.query<LeaseRow[]>(sql, [name]);
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

/** Whether the row is this holder's now; of several that write at once the cluster lets one. */
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
		// A write that lost against another node's is a deadlock or a duplicate here.
		if (hasNumber(error, ERROR.LOCK_DEADLOCK, ERROR.DUP_ENTRY, ERROR.NO_SUCH_TABLE)) return false;
		throw error;
	}
}

function keepLease(connection: SideConnection, { name }: NamedLock, holder: string): DeployLock {
	let beatAt = performance.now();
	let isLost = false;
	const beat = async () => {
		const { affectedRows } = await connection.query<{ affectedRows: number }>(
			`UPDATE ${LEASE_TABLE} SET beat = beat + 1 WHERE name = ? AND holder = ?`,
			[name, holder],
		);
		isLost ||= affectedRows !== 1;
		beatAt = performance.now();
	};
	// A beat that fails is made good by the next one, or found missing by `ensureHeld`.
	const timer = setInterval(() => void beat().catch(() => undefined), BEAT_SECONDS * 1000);
	return {
		async ensureHeld() {
			if (!isLost && performance.now() - beatAt > DOUBT_SECONDS * 1000) await beat();
			if (isLost) throw new LockLostError("another run took over the lease on migrating: this one stops; run it again");
		},
		async release(isLast = false) {
			clearInterval(timer);
			try {
				if (isLast && !isLost) await connection.query(`DROP TABLE IF EXISTS ${LEASE_TABLE}`);
				else await connection.query(`DELETE FROM ${LEASE_TABLE} WHERE name = ? AND holder = ?`, [name, holder]);
			} finally {
				connection.close();
			}
		},
	};
}
