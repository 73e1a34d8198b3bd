import { createHash } from "node:crypto";
import type { QueryRunner } from "typeorm";
import { LockTimeoutError } from "../errors";
import { describeSession, visibleSessions } from "../schema/blockers";
import { type DeployLock, type LockOptions, type NamedLock, refuseInterrupted } from "./deployLock";
import { acquireLease, isGaleraNode } from "./lease";

/** Seconds between two reports of who holds the lock. */
const REPORT_EVERY = 30;

/**
 * Takes the right to migrate the database of this session, waiting for whoever has it.
 *
 * A server-side lock (`GET_LOCK`) of the very session that migrates: it survives DDL, and ends with the session, so a
 * killed run blocks nobody and a run that lost its session has lost its statements too. The name is a hash, since the
 * servers limit its length and differ in whether case counts. Such a lock is local to a node of a Galera cluster, and
 * a cluster may forbid it: there it is a lease in a table.
 *
 * @throws LockTimeoutError that names the holder when `timeout` has passed.
 */
export async function acquireLock(queryRunner: QueryRunner, options: LockOptions): Promise<DeployLock> {
	const [{ name: database }] = (await queryRunner.query("SELECT DATABASE() AS name")) as [{ name: string }];
	const name = lockName(database);
	if (await isGaleraNode(queryRunner)) return acquireLease(queryRunner.dataSource, { ...options, name, database });
	await acquireNamedLock(queryRunner, { ...options, name, database });
	return {
		isOnCluster: false,
		ensureHeld: async () => undefined,
		release: () => queryRunner.query("SELECT RELEASE_LOCK(?)", [name]).then(() => undefined),
	};
}

export function lockName(database: string): string {
	return `dployr-workspaces-db:${createHash("sha256").update(database).digest("hex").slice(0, 40)}`;
}

async function acquireNamedLock(queryRunner: QueryRunner, lock: NamedLock): Promise<void> {
	const { name, database, timeout, onProgress } = lock;
	if (await getLock(queryRunner, name, 0)) return;
	for (let seconds = 0; ; ) {
		const who = await holderOf(queryRunner, name);
		if (seconds >= timeout) throw new LockTimeoutError(database, who, timeout);
		onProgress({ kind: "waiting", for: "lock", who, seconds, timeout });
		const wait = Math.min(REPORT_EVERY, timeout - seconds);
		// A wait that is ended on the server fails on some servers and returns nothing on others.
		const isHeld = await getLock(queryRunner, name, wait).catch((error: unknown) => {
			refuseInterrupted(lock);
			throw error;
		});
		if (isHeld) return;
		refuseInterrupted(lock);
		seconds += wait;
	}
}

async function getLock(queryRunner: QueryRunner, name: string, seconds: number): Promise<boolean> {
	const [row] = (await queryRunner.query("SELECT GET_LOCK(?, ?) AS got", [name, seconds])) as { got: unknown }[];
	return Number(row?.got) === 1;
}

/** Two statements. */
async function holderOf(queryRunner: QueryRunner, name: string): Promise<string> {
	const [used] = (await queryRunner.query("SELECT IS_USED_LOCK(?) AS id", [name])) as { id: unknown }[];
	const holder = (await visibleSessions(queryRunner)).find((session) => Number(session.id) === Number(used?.id));
	return holder ? describeSession(holder) : "by a session that this user may not see";
}
