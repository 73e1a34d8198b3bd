import type { ObjectLiteral, SelectQueryBuilder } from "typeorm";
import { ResourceLimit } from "../entities";
import { AlreadyExistsError } from "../errors";
import { type Change, insert, run, type Sender, select } from "./sql";

/** What a user may use: every limit has a value. */
export interface EffectiveLimits {
	maxWorkspaces: number;
	/** Number of CPUs, as Docker reads it. */
	defaultCpu: string;
	/** Memory, as Docker reads it. */
	defaultRam: string;
	/** Disk space, as Docker reads it. */
	defaultDisk: string;
	/** Minutes. */
	defaultIdleTimeout: number;
	maxPreviewsPerWorkspace: number;
	defaultPreviewLifetimeHours: number;
}

/** The defaults of the columns: what counts where neither the user's row nor the global one says anything. */
export const LIMIT_DEFAULTS: Readonly<EffectiveLimits> = {
	maxWorkspaces: 2,
	defaultCpu: "1",
	defaultRam: "2g",
	defaultDisk: "10g",
	defaultIdleTimeout: 30,
	maxPreviewsPerWorkspace: 3,
	defaultPreviewLifetimeHours: 24,
};

/** SQL for a limit, in a query that `fromLimits` made. */
export function effective(limit: keyof EffectiveLimits): string {
	const fallback = LIMIT_DEFAULTS[limit];
	return `COALESCE(own.${limit}, general.${limit}, ${typeof fallback === "number" ? fallback : `'${fallback}'`})`;
}

/**
 * Reads the limits of the user `:userId`, and locks the global row: whatever is checked against a limit, or claimed from
 * what all share, is checked and claimed by one session at a time. No table is locked, and nothing but such checks waits.
 */
export function fromLimits(query: SelectQueryBuilder<ObjectLiteral>): SelectQueryBuilder<ObjectLiteral> {
	return query
		.from(ResourceLimit, "general")
		.leftJoin(ResourceLimit, "own", "own.userId = :userId")
		.where("general.globalRow = 1")
		.setLock("pessimistic_write");
}

const GLOBAL_ID = select(ResourceLimit, { columns: ["id"], where: "resourceLimit.globalRow = 1" });
const LOCK_GLOBAL = select(ResourceLimit, { columns: ["id"], where: "resourceLimit.globalRow = 1", end: "FOR UPDATE" });
const SEED_GLOBAL = insert(ResourceLimit, { userId: "NULL" });

/** Inserts the global row, which the migrations have seeded, should somebody have deleted it. Returns whether it was gone. */
export async function restoreGlobalRow(at: Sender): Promise<boolean> {
	const [row] = await run(at, GLOBAL_ID);
	if (row) return false;
	try {
		await run(at, SEED_GLOBAL);
	} catch (error) {
		if (!(error instanceof AlreadyExistsError)) throw error;
	}
	return true;
}

/** Waits until no other transaction checks a limit or claims a port, and keeps others waiting until this one ends. */
export async function lockGlobalRow(at: Sender): Promise<void> {
	const [row] = await run(at, LOCK_GLOBAL);
	if (row) return;
	await restoreGlobalRow(at);
	await run(at, LOCK_GLOBAL);
}

/** Runs an INSERT that depends on `fromLimits`, and returns the new row's id. */
export async function insertWithinLimit(
	at: Sender,
	attempt: () => Promise<Change>,
	refusal: () => Promise<Error>,
): Promise<number> {
	const { affected, id } = await attempt();
	if (affected) return id;
	if (!(await restoreGlobalRow(at))) throw await refusal();
	const again = await attempt();
	if (again.affected) return again.id;
	throw await refusal();
}
