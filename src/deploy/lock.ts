import { createHash } from "node:crypto";
import type { QueryRunner } from "typeorm";
import { MigrationError } from "../errors";
import { describeSession, visibleSessions } from "../schema/blockers";
import { acquireLease, isGaleraNode, seeOtherNodes } from "./lease";

/** Holds the right to migrate one database. */
export interface DeployLock {
	release(): Promise<void>;
}

export interface LockOptions {
	/** Seconds to wait for another run. */
	readonly timeout: number;
	/** Told once, when there is somebody to wait for. */
	readonly onWait: (message: string) => void;
}

/**
 * Takes the right to migrate the database of this session, waiting for whoever has it.
 *
 * A server-side lock (`GET_LOCK`) of the very session that migrates: it survives DDL, and ends with the session, so a
 * killed run blocks nobody and a run that lost its session has lost its statements too. The name is a hash, since the
 * servers limit its length and differ in whether case counts. Such a lock is local to a node of a Galera cluster, so
 * there a lease in a table is taken as well.
 *
 * @throws Error that names the holder when `timeout` has passed.
 */
export async function acquireLock(queryRunner: QueryRunner, options: LockOptions): Promise<DeployLock> {
	const [{ name: database }] = (await queryRunner.query("SELECT DATABASE() AS name")) as [{ name: string }];
	const name = lockName(database);
	await acquireNamedLock(queryRunner, name, database, options);
	const releaseNamed = () => queryRunner.query("SELECT RELEASE_LOCK(?)", [name]).then(() => undefined);
	try {
		const isClustered = await isGaleraNode(queryRunner);
		if (isClustered) await seeOtherNodes(queryRunner);
		const lease = isClustered ? await acquireLease(queryRunner, name, options) : undefined;
		return {
			async release() {
				await lease?.release().catch(() => undefined);
				await releaseNamed();
			},
		};
	} catch (error) {
		await releaseNamed().catch(() => undefined);
		throw error;
	}
}

export function lockName(database: string): string {
	return `dployr-workspaces-db:${createHash("sha256").update(database).digest("hex").slice(0, 40)}`;
}

async function acquireNamedLock(
	queryRunner: QueryRunner,
	name: string,
	database: string,
	{ timeout, onWait }: LockOptions,
): Promise<void> {
	if (await getLock(queryRunner, name, 0)) return;
	onWait(`another run migrates ${database}: ${await holderOf(queryRunner, name)}; waiting up to ${timeout} s`);
	if (await getLock(queryRunner, name, timeout)) return;
	const holder = await holderOf(queryRunner, name);
	throw new MigrationError(
		`gave up after ${timeout} s: another run still migrates ${database}, ${holder}. ` +
			"If that session hangs, end it with KILL and run again",
	);
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
