import type { DataSource, QueryRunner } from "typeorm";
import { ResourceLimit } from "../entities";
import { CLUSTER_QUERY, type ClusterRow, isClusterNode } from "../mysql/cluster";
import { ERROR, hasNumber } from "../mysql/errorNumbers";
import { retry } from "../mysql/retry";
import { boundSession } from "./boundSession";
import { type ChangeResult, change, type Executor, execute, selectRows, sessionOf } from "./sql";

/**
 * A lock on a row is local to a node of a Galera cluster. What holds on all nodes is certification: of two transactions
 * that write the same row on different nodes, the cluster commits one. A statement that counts or chooses under the lock
 * therefore runs in a transaction that writes the global row first, and runs again where another node was first.
 */

const FIND = selectRows<ClusterRow>(ResourceLimit)(CLUSTER_QUERY);
const clusters = new WeakMap<DataSource, boolean>();

/** Whether the DataSource's server is a node of a cluster: one statement at the first call. */
export async function isOnCluster(executor: Executor): Promise<boolean> {
	const { dataSource } = executor.manager;
	const known = clusters.get(dataSource);
	if (known !== undefined) return known;
	const [row] = await execute(executor, FIND);
	const found = isClusterNode(row?.Value);
	clusters.set(dataSource, found);
	return found;
}

const BEGIN = change(ResourceLimit, "START TRANSACTION");
const COMMIT = change(ResourceLimit, "COMMIT");
const ROLLBACK = change(ResourceLimit, "ROLLBACK");
const SET_MARK = change(ResourceLimit, "SAVEPOINT workspaces_db");
const REMOVE_MARK = change(ResourceLimit, "RELEASE SAVEPOINT workspaces_db");

/** Milliseconds for which the work is done again after conflicts with other nodes. */
const CONFLICTS_TIMEOUT = 30_000;
const CONFLICTS = [ERROR.LOCK_DEADLOCK, ERROR.CHECKREAD, ERROR.AUTOINC_READ_FAILED];

/**
 * Does the work in the transaction that the caller has open; without one in a transaction of its own, again and again
 * while other nodes are first: four statements more, for up to 30 s.
 *
 * @throws BusyError after that time
 */
export async function inTransaction(
	executor: Executor,
	work: (session: Executor) => Promise<ChangeResult>,
): Promise<ChangeResult> {
	const session = sessionOf(executor);
	if (session && (await isInTransaction(session))) return work(executor);
	const isTransient = (error: unknown) => hasNumber(error, ...CONFLICTS);
	return retry(
		async () => {
			if (session) return transact(session, work);
			const runner = executor.manager.dataSource.createQueryRunner();
			try {
				return await transact(runner, work);
			} finally {
				await runner.release();
			}
		},
		{ isTransient, timeout: CONFLICTS_TIMEOUT, firstPause: 2, longestPause: 100 },
	);
}

/** The caller may have begun it in SQL, or by `autocommit = 0`: without a transaction a savepoint is gone at once. */
async function isInTransaction(session: QueryRunner): Promise<boolean> {
	if (session.isTransactionActive) return true;
	const executor = executorOf(session);
	await execute(executor, SET_MARK);
	try {
		await execute(executor, REMOVE_MARK);
		return true;
	} catch (error) {
		if (hasNumber(error, ERROR.SP_DOES_NOT_EXIST)) return false;
		throw error;
	}
}

async function transact(
	session: QueryRunner,
	work: (session: Executor) => Promise<ChangeResult>,
): Promise<ChangeResult> {
	const executor = executorOf(session);
	await boundSession(session);
	await execute(executor, BEGIN);
	try {
		const result = await work(executor);
		// A statement that changed nothing needs no commit, which other nodes could conflict with.
		await execute(executor, result.affected ? COMMIT : ROLLBACK);
		return result;
	} catch (error) {
		// The connection may be gone, and the transaction with it; the first error is the one to throw.
		await execute(executor, ROLLBACK).catch(() => undefined);
		throw error;
	}
}

function executorOf(session: QueryRunner): Executor {
	return { manager: session.manager, queryRunner: session };
}
