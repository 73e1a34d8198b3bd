import { getMetadataArgsStorage, type ObjectLiteral } from "typeorm";
import {
	DashboardUser,
	type PreviewEnvironment,
	type ResourceLimit,
	type UserApiKey,
	type Workspace,
	type WorkspaceLog,
} from "../entities";
import { Confidential } from "../entities/confidential";

type AnyEntity = Workspace | PreviewEnvironment | WorkspaceLog | ResourceLimit | UserApiKey | DashboardUser;

/** `user_id` for `userId`. */
type SnakeCase<Text extends string> = Text extends `${infer First}${infer Rest}`
	? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
	: "";

type Scalar = string | number | boolean | Date | null;

/**
 * The columns of an entity as the table calls them; those that were not loaded are missing.
 *
 * @example
 * const workspace = await db.workspaces.findById(id);
 * const row = workspace ? toRow(workspace) : {};
 * console.log(row.project_name, row.started_at);
 */
export type Row<Entity> = {
	[Property in keyof Entity & string as Entity[Property] extends Scalar
		? SnakeCase<Property>
		: Property extends "details"
			? Property
			: never]?: Entity[Property];
} & { username?: string; system_username?: string };

/**
 * The row as the table has it, for views and browsers that expect the columns' names: what was loaded, secrets left out.
 * The owner's `username` and `system_username` are in it where the relation `user` was loaded.
 *
 * @example
 * const active = await db.workspaces.listActive();
 * res.render("admin/workspaces", { rows: active.map((workspace) => toRow(workspace)) });
 * // <td><%= row.project_name %></td><td><%= row.username %></td>
 */
export function toRow<Entity extends AnyEntity>(entity: Entity): Row<Entity> {
	const row = columnsOf(entity);
	if ("user" in entity && entity.user instanceof DashboardUser) {
		const { id: _, ...names } = columnsOf(entity.user);
		Object.assign(row, names);
	}
	return row as Row<Entity>;
}

function columnsOf(entity: ObjectLiteral): Record<string, unknown> {
	const secrets = entity instanceof Confidential ? (entity.constructor as typeof Confidential).secrets : [];
	const row: Record<string, unknown> = {};
	for (const { propertyName, options } of getMetadataArgsStorage().filterColumns(entity.constructor)) {
		const value: unknown = entity[propertyName];
		if (value !== undefined && !secrets.includes(propertyName)) row[options.name ?? propertyName] = value;
	}
	return row;
}
