import { getMetadataArgsStorage } from "typeorm";
import type { ColumnMetadata } from "typeorm/metadata/ColumnMetadata.js";
import {
	DashboardUser,
	type PreviewEnvironment,
	ResourceLimit,
	type UserApiKey,
	type Workspace,
	type WorkspaceLog,
} from "../../entities";
import { type EffectiveLimits, LIMIT_DEFAULTS } from "../../entities/limitDefaults";
import { NotFoundError } from "../../errors";
import { checkFor } from "../../repositories/sql/check";

type EntityClass<Entity> = { new (): Entity; readonly entityName: string };

/** The rows of all fakes that belong together, by id. */
export class FakeStore {
	readonly users = new Map<number, DashboardUser>();
	readonly workspaces = new Map<number, Workspace>();
	readonly previews = new Map<number, PreviewEnvironment>();
	readonly limits = new Map<number | null, ResourceLimit>();
	readonly apiKeys = new Map<number, UserApiKey>();
	readonly logs = new Map<number, WorkspaceLog>();
	private lastId = 0;

	/** @param clock the instant that counts as now */
	constructor(private readonly clock: () => Date) {
		this.limits.set(null, this.newRow(ResourceLimit, { userId: null, ...LIMIT_DEFAULTS, globalRow: 1 }));
	}

	/** Now, in whole seconds, as a TIMESTAMP holds it. */
	now(): Date {
		return seconds(this.clock());
	}

	/** A row with its column's defaults, and null in every other column. */
	newRow<Entity extends { id: number }>(entity: EntityClass<Entity>, values: Partial<Entity>): Entity {
		const row = Object.assign(new entity(), emptyRow(entity));
		const dates = { createdAt: this.now(), ...("updatedAt" in row ? { updatedAt: this.now() } : {}) };
		return Object.assign(row, dates, values, { id: values.id ?? ++this.lastId });
	}

	/** @throws NotFoundError */
	user(id: number): DashboardUser {
		return required(DashboardUser.entityName, this.users.get(id));
	}

	effectiveLimits(userId: number): EffectiveLimits {
		const [own, general] = [this.limits.get(userId), this.limits.get(null)];
		const names = Object.keys(LIMIT_DEFAULTS) as (keyof EffectiveLimits)[];
		return Object.fromEntries(
			names.map((name) => [name, own?.[name] ?? general?.[name] ?? LIMIT_DEFAULTS[name]]),
		) as unknown as EffectiveLimits;
	}

	/** Who holds which port. */
	holders(): (Workspace | PreviewEnvironment)[] {
		return [...this.workspaces.values(), ...this.previews.values()].filter((row) => row.assignedPort !== null);
	}
}

export function seconds(date: Date): Date {
	return new Date(Math.floor(date.getTime() / 1000) * 1000);
}

/** @throws NotFoundError */
export function required<Row>(entityName: string, row: Row | undefined): Row {
	if (!row) throw new NotFoundError(entityName);
	return row;
}

const columnsOf = (entity: object) => {
	const chain = [entity, Object.getPrototypeOf(entity)];
	return getMetadataArgsStorage().columns.filter(({ target }) => chain.includes(target));
};

function emptyRow(entity: object): Record<string, unknown> {
	const columns = columnsOf(entity).map(({ propertyName, options }) => {
		const value = typeof options.default === "function" ? null : (options.default ?? null);
		return [propertyName, value];
	});
	return Object.fromEntries(columns);
}

/**
 * Checks values as the repositories check parameters that are named after a column, or after none.
 *
 * @throws InvalidValueError, ValueTooLongError
 */
export function check(entity: EntityClass<unknown>, values: Readonly<Record<string, unknown>>): void {
	const columns = columnsOf(entity);
	for (const [name, value] of Object.entries(values)) {
		const options = columns.find(({ propertyName }) => propertyName === name)?.options;
		checkFor(entity.entityName, name, options as ColumnMetadata | undefined)(value);
	}
}

/** The same, where null stands for what is left out. */
export function checkGiven(entity: EntityClass<unknown>, values: Readonly<Record<string, unknown>>): void {
	check(entity, Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)));
}

/** A copy without what the repositories select only when asked. */
export function selected<Entity extends object>(row: Entity): Entity {
	const hidden = columnsOf(row.constructor).filter(({ options }) => options.select === false);
	const copy: Entity = Object.assign(Object.create(Object.getPrototypeOf(row)), row);
	for (const { propertyName } of hidden) Reflect.deleteProperty(copy, propertyName);
	return copy;
}
