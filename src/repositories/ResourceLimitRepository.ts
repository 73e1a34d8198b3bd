import { Repository } from "typeorm";
import { ResourceLimit } from "../entities";
import { type EffectiveLimits, LIMIT_DEFAULTS } from "../entities/limitDefaults";
import { executeLocked, IS_GLOBAL_ROW, IS_GLOBAL_ROW_UNLOCKED, LIMIT_COLUMNS, LOCKED_GLOBAL_ROW } from "./globalRow";
import { managerOf, type RepositoryClass, type RepositorySource } from "./source";
import { type ChangeResult, change, checkNames, execute, LAST_INSTANT, refusal, type Statement, select } from "./sql";
import { orUpdate, upsert } from "./upsert";

/** Limits to set: what is left out stays as it is, null says that the next in line counts. */
export type LimitChanges = { readonly [Limit in keyof EffectiveLimits]?: EffectiveLimits[Limit] | null | undefined };

type Limit = keyof EffectiveLimits;
type LimitStatement = Statement<ChangeResult, Readonly<Record<string, unknown>>>;

const LIMITS = Object.keys(LIMIT_DEFAULTS) as Limit[];
const { entityName } = ResourceLimit;

const GLOBAL = select(ResourceLimit, { where: IS_GLOBAL_ROW_UNLOCKED });
const OWN = select(ResourceLimit, { where: "user_id = :userId" });
const OWN_AND_GLOBAL = select(ResourceLimit, {
	columns: ["userId", ...LIMITS],
	// Both are found in one index.
	where: "user_id = :userId OR user_id IS NULL",
});
const REMOVE_OWN = change(ResourceLimit, "DELETE FROM resource_limits WHERE user_id = :userId");

const assign = (limit: Limit) => `${LIMIT_COLUMNS[limit]} = :${limit}?`;

/**
 * A new row of a user's says nothing on what is not set, so that the global row counts. Under the lock that creations
 * hold while they read the user's limits: without it, one that waits for this row and one that this row waits for would
 * be a deadlock.
 */
const setOwn = cachedByLimits((limits) => {
	const columns = limits.map((limit) => `, ${LIMIT_COLUMNS[limit]}`);
	const unset = LIMITS.filter((limit) => !limits.includes(limit)).map((limit) => `, ${LIMIT_COLUMNS[limit]}`);
	const values = limits.map((limit) => `, :${limit}?`);
	const text = `INSERT INTO resource_limits (user_id${[...columns, ...unset].join("")})
		SELECT :userId${values.join("")}${", NULL".repeat(unset.length)} FROM ${LOCKED_GLOBAL_ROW} WHERE ${IS_GLOBAL_ROW} FOR UPDATE
		${orUpdate(
			"resource_limits",
			limits.map((limit) => ({ column: LIMIT_COLUMNS[limit], value: `:${limit}?` })),
		)}`;
	return change(ResourceLimit, text as string);
});

const updateOwn = cachedByLimits((limits) => {
	const set = [...limits.map(assign), "user_id = :userId"].join(", ");
	return change(
		ResourceLimit,
		`UPDATE resource_limits SET ${set} WHERE user_id = :userId AND LAST_INSERT_ID(id) > 0` as string,
	);
});

const setGlobal = cachedByLimits((limits) => {
	const set = [...limits.map(assign), "user_id = NULL"].join(", ");
	const found = "LAST_INSERT_ID(IF(created_at IS NULL, 1, 2)) > 0";
	return change(
		ResourceLimit,
		`UPDATE resource_limits AS general SET ${set} WHERE ${IS_GLOBAL_ROW} AND ${found}` as string,
	);
});

/**
 * Resource limits of users, and the global ones.
 *
 * @example
 * const limits = ResourceLimitRepository.from(dataSource);
 * const { maxWorkspaces } = await limits.findEffective(userId);
 */
export class ResourceLimitRepository extends Repository<ResourceLimit> {
	/**
	 * On a DataSource, or in a transaction by its manager.
	 *
	 * @example
	 * await dataSource.transaction(async (manager) => {
	 *   await ResourceLimitRepository.from(manager).setOwn(userId, { maxWorkspaces: 5 });
	 *   await manager.query("UPDATE dashboard_users SET approved = TRUE WHERE id = ?", [userId]);
	 * });
	 */
	static from<Result extends ResourceLimitRepository>(
		this: RepositoryClass<typeof ResourceLimit, Result>,
		source: RepositorySource,
	): Result {
		return new this(ResourceLimit, managerOf(source));
	}

	/**
	 * What counts for a user: each limit from the user's own row, where that is null or missing from the global one, else
	 * the column's default. A user that does not exist gets what counts for everybody. 1 statement.
	 *
	 * @example
	 * const { maxWorkspaces, defaultRam } = await db.limits.findEffective(req.user.id);
	 * res.render("new-workspace", { maxWorkspaces, defaultRam });
	 */
	async findEffective(userId: number): Promise<EffectiveLimits> {
		const found = await execute(this, OWN_AND_GLOBAL, { userId });
		const own = found.find((row) => row.userId !== null);
		const general = found.find((row) => row.userId === null);
		const limits = LIMITS.map((limit) => [limit, own?.[limit] ?? general?.[limit] ?? LIMIT_DEFAULTS[limit]]);
		return Object.fromEntries(limits) as EffectiveLimits;
	}

	/**
	 * The row with the global limits, or null. 1 statement.
	 *
	 * @example
	 * const global = await db.limits.findGlobal();
	 * res.render("admin/limits", { row: global && toRow(global) });
	 */
	async findGlobal(): Promise<ResourceLimit | null> {
		const [row] = await execute(this, GLOBAL);
		return row ?? null;
	}

	/**
	 * Changes the global limits that are given. 1 statement.
	 *
	 * @param changes numbers: integers of 32 bits; texts: at most 20 characters, as Docker reads them; null: the default counts
	 * @throws ValueTooLongError, InvalidValueError, BusyError
	 *
	 * @example
	 * await db.limits.setGlobal({ maxWorkspaces: 3, defaultRam: "4g" });
	 */
	async setGlobal(changes: LimitChanges): Promise<void> {
		await executeLocked(this, setGlobal(givenLimits(changes)), { ...changes }, ({ reported }) => !reported);
	}

	/**
	 * The user's own row, or null. 1 statement.
	 *
	 * @example
	 * const own = await db.limits.findOwn(userId);
	 * const inherits = own?.maxWorkspaces == null;   // the global limit counts
	 */
	async findOwn(userId: number): Promise<ResourceLimit | null> {
		const [row] = await execute(this, OWN, { userId });
		return row ?? null;
	}

	/**
	 * Changes a user's own limits that are given, whether there is a row or not. 1 statement.
	 *
	 * @param changes as for `setGlobal`; null: the global limit counts
	 * @throws NotFoundError (of the user), ValueTooLongError, InvalidValueError, BusyError, IdsExhaustedError
	 *
	 * @example
	 * await db.limits.setOwn(userId, { maxWorkspaces: 10 });
	 * await db.limits.setOwn(userId, { maxWorkspaces: null });   // the global limit counts again
	 */
	async setOwn(userId: number, changes: LimitChanges): Promise<void> {
		const given = givenLimits(changes);
		const values = { ...changes, userId };
		await upsert(
			entityName,
			() => executeLocked(this, setOwn(given), values),
			() => execute(this, updateOwn(given), values),
		);
	}

	/**
	 * Removes a user's own limits and returns whether there were any: the global ones count again. 1 statement.
	 *
	 * @example
	 * if (await db.limits.removeOwn(userId)) console.log("The global limits count from now on");
	 */
	async removeOwn(userId: number): Promise<boolean> {
		const { affected } = await execute(this, REMOVE_OWN, { userId });
		return affected > 0;
	}
}

export function givenLimits(changes: LimitChanges): Limit[] {
	checkNames(entityName, changes, LIMITS);
	checkLifetime(changes.defaultPreviewLifetimeHours);
	return LIMITS.filter((limit) => changes[limit] !== undefined);
}

/** A preview that is created now has to expire at an instant that a TIMESTAMP holds. */
function checkLifetime(hours: number | null | undefined): void {
	if (hours === undefined || hours === null) return;
	const most = Math.floor((LAST_INSTANT - Date.now() / 1000) / 3600);
	if (Number.isInteger(hours) && hours >= 0 && hours <= most) return;
	const expected = `an integer from 0 to ${most}, so that the expiry is before 2038-01-19`;
	throw refusal(entityName, "defaultPreviewLifetimeHours", expected, hours);
}

/** One statement for each set of limits that is given together. */
function cachedByLimits(build: (limits: readonly Limit[]) => LimitStatement) {
	const cache = new Map<string, LimitStatement>();
	return (limits: readonly Limit[]) => {
		const key = limits.join();
		const statement = cache.get(key) ?? build(limits);
		cache.set(key, statement);
		return statement;
	};
}
