import { randomUUID } from "node:crypto";
import type { QueryRunner } from "typeorm";
import { MigrationError } from "../errors";
import { ERROR, hasNumber } from "../mysql/errorNumbers";
import { retry } from "../mysql/retry";
import type { DeployLock, LockOptions } from "./lock";

export const LEASE_TABLE = "workspaces_migration_lease";

/** Seconds for which a lease holds without being renewed: what others wait for after its holder was killed. */
const LEASE_SECONDS = 30;
/** Seconds of a lease that may pass before the next statement renews it. */
const RENEW_AFTER_SECONDS = 5;

/** Whether this server is a node of a Galera cluster: one statement. */
export async function isGaleraNode(queryRunner: QueryRunner): Promise<boolean> {
	const rows = (await queryRunner.query("SHOW GLOBAL STATUS LIKE 'wsrep_cluster_size'")) as { Value: string }[];
	return Number(rows[0]?.Value ?? 0) > 0;
}

/** Makes reads and writes of this session wait until what other nodes committed has arrived here. */
export async function seeOtherNodes(queryRunner: QueryRunner): Promise<void> {
	await queryRunner.query("SET SESSION wsrep_sync_wait = 7");
}

/**
 * Takes the lease on migrating, which holds on every node of a cluster: a row that two nodes cannot both change, since
 * the cluster certifies each write. Every statement of the holder's session checks and renews it first, so a run that
 * lost its lease stops before it changes anything more; a holder that was killed is followed after 30 s.
 */
export async function acquireLease(queryRunner: QueryRunner, name: string, options: LockOptions): Promise<DeployLock> {
	const holder = randomUUID();
	const execute = queryRunner.query.bind(queryRunner);
	await execute(
		`CREATE TABLE IF NOT EXISTS ${LEASE_TABLE} (name VARCHAR(64) PRIMARY KEY, holder CHAR(36) NOT NULL, ` +
			"expires_at DATETIME(3) NOT NULL) ENGINE=InnoDB",
	);
	const take = () => takeLease(execute, name, holder);
	const held = new MigrationError(
		`gave up after ${options.timeout} s: a run on another node of the cluster holds ${LEASE_TABLE}; ` +
			`it ends ${LEASE_SECONDS} s after that run's last statement`,
	);
	const takeOrFail = async () => {
		if (!(await take())) throw held;
	};
	await retry(takeOrFail, {
		timeout: options.timeout * 1000,
		isTransient: (error) => error === held,
		onRetry: (_, attempt) => {
			if (attempt > 1) return;
			options.onWait(`a run on another node of the cluster migrates; waiting up to ${options.timeout} s`);
		},
		firstPause: 500,
		longestPause: 1_000,
	});
	renewBeforeEachStatement(queryRunner, execute, take);
	return {
		async release() {
			queryRunner.query = execute;
			await execute(`DELETE FROM ${LEASE_TABLE} WHERE name = ? AND holder = ?`, [name, holder]);
		},
	};
}

type Execute = QueryRunner["query"];

async function takeLease(execute: Execute, name: string, holder: string): Promise<boolean> {
	try {
		await execute(
			`INSERT INTO ${LEASE_TABLE} (name, holder, expires_at)
			VALUES (?, ?, UTC_TIMESTAMP(3) + INTERVAL ${LEASE_SECONDS} SECOND)
			ON DUPLICATE KEY UPDATE
				holder = IF(holder = VALUES(holder) OR expires_at < UTC_TIMESTAMP(3), VALUES(holder), holder),
				expires_at = IF(holder = VALUES(holder), VALUES(expires_at), expires_at)`,
			[name, holder],
		);
	} catch (error) {
		// A write that lost against another node's: the cluster reports it as a deadlock.
		if (hasNumber(error, ERROR.LOCK_DEADLOCK)) return false;
		throw error;
	}
	const rows = (await execute(`SELECT holder FROM ${LEASE_TABLE} WHERE name = ?`, [name])) as { holder: string }[];
	return rows[0]?.holder === holder;
}

function renewBeforeEachStatement(queryRunner: QueryRunner, execute: Execute, take: () => Promise<boolean>): void {
	let renewedAt = Date.now();
	const guarded = async (...call: Parameters<Execute>) => {
		if (Date.now() - renewedAt > RENEW_AFTER_SECONDS * 1000) {
			if (!(await take()))
				throw new MigrationError("another run took over the lease on migrating; this one stops here");
			renewedAt = Date.now();
		}
		return execute(...call);
	};
	queryRunner.query = guarded as Execute;
}
