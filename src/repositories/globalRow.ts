import type { DataSource } from "typeorm";
import { ResourceLimit } from "../entities";
import { type EffectiveLimits, LIMIT_DEFAULTS } from "../entities/limitDefaults";
import { AlreadyExistsError } from "../errors";
import { boundSession } from "./boundSession";
import { inTransaction, isOnCluster } from "./clusterLock";
import {
	type ChangeResult,
	change,
	type Executor,
	execute,
	executeWith,
	fragment,
	type Statement,
	selectRows,
	sessionOf,
} from "./sql";

/**
 * The one row of `resource_limits` without a user: it holds what counts for everybody, and it is the lock on limits and
 * ports. A statement that checks a limit or takes a port locks it first, so that such statements run one after the
 * other, on every client of the database; no table is locked, and nothing else waits for it. Each is one statement that
 * commits itself: nothing stays locked between two round trips, unless the caller has a transaction open.
 *
 * The row is locked by its id, which locks that row alone. Found by the virtual column or by `user_id` it would be locked
 * together with the gap before it, where the rows of users are inserted: a deadlock on MariaDB.
 *
 * On a Galera cluster, where a lock is local to a node, the statement is in a transaction that writes the row first.
 */
export const IS_GLOBAL_ROW = "general.id = :globalId AND general.user_id IS NULL";

/** The row where nothing is locked. */
export const IS_GLOBAL_ROW_UNLOCKED = "global_row = 1";

/** A query from this, with `FOR UPDATE` at its end, waits for the lock before anything behind it is read. */
export const LOCKED_GLOBAL_ROW = "resource_limits AS general";

/** The limits of the user `:userId` next to the global ones, under the lock. */
export const LIMITS_OF_USER = `${LOCKED_GLOBAL_ROW} LEFT JOIN resource_limits AS own ON own.user_id = :userId WHERE ${IS_GLOBAL_ROW}`;

/** The columns of the limits. */
export const LIMIT_COLUMNS: Readonly<Record<keyof EffectiveLimits, string>> = {
	maxWorkspaces: "max_workspaces",
	defaultCpu: "default_cpu",
	defaultRam: "default_ram",
	defaultDisk: "default_disk",
	defaultIdleTimeout: "default_idle_timeout",
	maxPreviewsPerWorkspace: "max_previews_per_workspace",
	defaultPreviewLifetimeHours: "default_preview_lifetime_hours",
};

/** SQL for a limit, in a query from `LIMITS_OF_USER`: the user's own, else the global one, else the column's default. */
export function effective(limit: keyof EffectiveLimits) {
	const fallback = LIMIT_DEFAULTS[limit];
	const column = LIMIT_COLUMNS[limit];
	return fragment(
		`COALESCE(own.${column}, general.${column}, ${typeof fallback === "number" ? fallback : `'${fallback}'`})`,
	);
}

const FIND = selectRows<{ id: number }>(ResourceLimit)(
	`SELECT id FROM resource_limits WHERE ${IS_GLOBAL_ROW_UNLOCKED}`,
);
const RESTORE = change(ResourceLimit, "INSERT INTO resource_limits (user_id) VALUES (NULL)");

/**
 * Writes the row for a cluster to certify: its time of change goes a second forth or back. Where every value stays as it
 * is, the server writes nothing.
 */
const WRITE = change(
	ResourceLimit,
	`UPDATE resource_limits AS general
	SET updated_at = FROM_UNIXTIME(GREATEST(2, UNIX_TIMESTAMP(COALESCE(updated_at, NOW()))) ^ 1) WHERE ${IS_GLOBAL_ROW}`,
);

/** The global row's id, as it was last found; the migrations give it the first one where the table is new. */
const ids = new WeakMap<DataSource, number>();
const FIRST_ID = 1;

/** Finds the row's id, inserts the row should somebody have deleted it, and returns whether the id was another one. */
async function findAgain(executor: Executor, supposed: number): Promise<boolean> {
	let [row] = await execute(executor, FIND);
	if (!row) {
		try {
			row = { id: (await execute(executor, RESTORE)).reported };
		} catch (error) {
			if (!(error instanceof AlreadyExistsError)) throw error;
			[row] = await execute(executor, FIND);
		}
	}
	ids.set(executor.manager.dataSource, row?.id ?? supposed);
	return row?.id !== supposed;
}

/**
 * Executes a statement that locks the global row; once more where it did nothing because the row has another id than
 * it had, or was gone.
 *
 * @param didNothing whether the row may not have been found, which costs one more statement to find out
 */
export async function executeLocked<Parameters extends object>(
	executor: Executor,
	statement: Statement<ChangeResult, Parameters>,
	values: Omit<Parameters, "globalId">,
	didNothing: (change: ChangeResult) => boolean = ({ affected }) => affected === 0,
): Promise<ChangeResult> {
	const { dataSource } = executor.manager;
	const send = (session: Executor, globalId: number) => executeWith(session, statement, { ...values, globalId });
	const sendAfterWrite = async (session: Executor, globalId: number) => {
		await execute(session, WRITE, { globalId });
		return send(session, globalId);
	};
	const isCluster = await isOnCluster(executor);
	const attempt = (globalId: number) =>
		inTurn(executor, () =>
			isCluster ? inTransaction(executor, (session) => sendAfterWrite(session, globalId)) : send(executor, globalId),
		);
	const session = sessionOf(executor);
	if (session?.isTransactionActive) await boundSession(session);
	const globalId = ids.get(dataSource) ?? FIRST_ID;
	const change = await attempt(globalId);
	if (!didNothing(change) || !(await findAgain(executor, globalId))) return change;
	return attempt(ids.get(dataSource) ?? globalId);
}

/** Statements of one DataSource that wait for the global row at a time; more would only keep connections from others. */
const MOST_WAITING = 3;
const DEFAULT_POOL_SIZE = 10;

interface Turns {
	running: number;
	readonly waiting: (() => void)[];
}

const turns = new WeakMap<DataSource, Turns>();

/** Does the work when few others of the same DataSource do such work; at once in a session of the caller's. */
async function inTurn<Result>(executor: Executor, work: () => Promise<Result>): Promise<Result> {
	if (sessionOf(executor)) return work();
	const { dataSource } = executor.manager;
	const queue = turns.get(dataSource) ?? { running: 0, waiting: [] };
	turns.set(dataSource, queue);
	const { poolSize = DEFAULT_POOL_SIZE } = dataSource.options;
	if (queue.running < Math.max(1, Math.min(MOST_WAITING, poolSize - 1))) queue.running++;
	else await new Promise<void>((resolve) => queue.waiting.push(resolve));
	try {
		return await work();
	} finally {
		const next = queue.waiting.shift();
		if (next) next();
		else queue.running--;
	}
}

/** What a check of the database asks of the global limits: there is one row. Old tables may lack the virtual column. */
export const globalRowCheck = {
	name: "global limits",
	sql: "SELECT id FROM resource_limits WHERE user_id IS NULL ORDER BY id",
	problemsOf(rows: readonly Record<string, unknown>[]): string[] {
		if (rows.length === 1) return [];
		const ids = rows.map((row) => row["id"]).join(", ");
		return [`${rows.length} global rows${ids && `: ${ids}`}, expected 1`];
	},
	describe: ([row]: readonly Record<string, unknown>[]): string => `one global row, id ${row?.["id"]}`,
};
