import { Repository } from "typeorm";
import { ResourceLimit } from "../entities";
import { type EffectiveLimits, LIMIT_DEFAULTS } from "./effectiveLimits";
import { managerOf, type RepositorySource } from "./source";
import { type Change, type Expressions, remove, run, type Statement, select, upsert } from "./sql";

/** Limits to set: what is left out stays as it is, null says that the next in line counts. */
export type LimitChanges = { readonly [Limit in keyof EffectiveLimits]?: EffectiveLimits[Limit] | null };

const LIMITS = Object.keys(LIMIT_DEFAULTS) as (keyof EffectiveLimits)[];

const GLOBAL = select(ResourceLimit, { where: "resourceLimit.globalRow = 1" });
const OWN = select(ResourceLimit, { where: "resourceLimit.userId = :userId" });
const OWN_AND_GLOBAL = select(ResourceLimit, {
	columns: ["userId", ...LIMITS],
	where: "resourceLimit.userId = :userId OR resourceLimit.userId IS NULL",
});
const REMOVE_OWN = remove(ResourceLimit, "userId = :userId");

const parametersFor = (limits: readonly (keyof EffectiveLimits)[]) =>
	Object.fromEntries(limits.map((limit) => [limit, `:${limit}?`])) as Expressions<ResourceLimit>;

/** A new row of a user's says nothing on what is not set, so that the global row counts. */
const setOwn = keptByLimits((limits) => {
	const silent = Object.fromEntries(LIMITS.map((limit) => [limit, "NULL"]));
	const set = parametersFor(limits);
	return upsert(ResourceLimit, { userId: ":userId", ...silent, ...set }, limits.length ? set : { userId: ":userId" });
});

const setGlobal = keptByLimits((limits) => {
	const set = parametersFor(limits);
	return upsert(ResourceLimit, { userId: "NULL", ...set }, limits.length ? set : { userId: "NULL" });
});

/** Resource limits of users, and the global ones. */
export class ResourceLimitRepository extends Repository<ResourceLimit> {
	/** On a DataSource, or in a transaction by its manager. */
	static from(source: RepositorySource): ResourceLimitRepository {
		return new ResourceLimitRepository(ResourceLimit, managerOf(source));
	}

	/**
	 * What counts for a user: each limit from the user's own row, where that is null or missing from the global one, else
	 * the column's default. A user that does not exist gets what counts for everybody. 1 statement.
	 */
	async findEffective(userId: number): Promise<EffectiveLimits> {
		const found = await run(this, OWN_AND_GLOBAL, { userId });
		const own = found.find((row) => row.userId !== null);
		const general = found.find((row) => row.userId === null);
		const limits = LIMITS.map((limit) => [limit, own?.[limit] ?? general?.[limit] ?? LIMIT_DEFAULTS[limit]]);
		return Object.fromEntries(limits) as EffectiveLimits;
	}

	/** The row with the global limits, or null. 1 statement. */
	async findGlobal(): Promise<ResourceLimit | null> {
		const [row] = await run(this, GLOBAL);
		return row ?? null;
	}

	/**
	 * Changes the global limits that are given. 1 statement.
	 *
	 * @throws ValueTooLongError, InvalidValueError
	 */
	async setGlobal(changes: LimitChanges): Promise<void> {
		const given = givenLimits(changes);
		await run(this, setGlobal(given), { ...changes });
	}

	/** The user's own row, or null. 1 statement. */
	async findOwn(userId: number): Promise<ResourceLimit | null> {
		const [row] = await run(this, OWN, { userId });
		return row ?? null;
	}

	/**
	 * Changes a user's own limits that are given, whether there is a row or not. 1 statement.
	 *
	 * @throws NotFoundError (of the user), ValueTooLongError, InvalidValueError
	 */
	async setOwn(userId: number, changes: LimitChanges): Promise<void> {
		const given = givenLimits(changes);
		await run(this, setOwn(given), { ...changes, userId });
	}

	/** Removes a user's own limits and returns whether there were any: the global ones count again. 1 statement. */
	async removeOwn(userId: number): Promise<boolean> {
		const { affected } = await run(this, REMOVE_OWN, { userId });
		return affected > 0;
	}
}

function givenLimits(changes: LimitChanges): (keyof EffectiveLimits)[] {
	return LIMITS.filter((limit) => changes[limit] !== undefined);
}

/** One statement for each set of limits that is given together. */
function keptByLimits(build: (limits: readonly (keyof EffectiveLimits)[]) => Statement<Change>) {
	const kept = new Map<string, Statement<Change>>();
	return (limits: readonly (keyof EffectiveLimits)[]) => {
		const key = limits.join();
		const statement = kept.get(key) ?? build(limits);
		kept.set(key, statement);
		return statement;
	};
}
