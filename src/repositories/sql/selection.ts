import type { EntityMetadata, ObjectLiteral } from "typeorm";
import type { ColumnMetadata } from "typeorm/metadata/ColumnMetadata.js";
import { DashboardUser } from "../../entities";
import type { EntityClass } from "./statement";

/** What a SELECT of entities reads. Properties are written with the entity's name first: `workspace.id = :id`. */
export interface Selection<Entity> {
	readonly where?: string;
	/** Instead of every column that is selected by default. */
	readonly columns?: readonly (keyof Entity & string)[];
	/** Columns that are not selected by default. */
	readonly also?: readonly (keyof Entity & string)[];
	/** Columns of the owner: loads the relation `user`. */
	readonly owner?: readonly (keyof DashboardUser & string)[];
	readonly orderBy?: Readonly<Record<string, "ASC" | "DESC">>;
	/** The only index that the server may use, where it would choose a worse one. */
	readonly index?: string;
	/** What follows the query: a limit, a lock. */
	readonly end?: string;
}

/** A column as the server is to write it, under the property's name; instants as seconds, which have no time zone. */
export function expressionsOf<Entity>(
	alias: string,
	metadata: EntityMetadata,
	selection: Selection<Entity>,
): { sql: string; name: string }[] {
	return columnsOf(metadata, selection).map(({ propertyName: name, type }) => {
		const sql = `${alias}.${name}`;
		if (type === "timestamp") return { sql: `UNIX_TIMESTAMP(${sql})`, name };
		// As text on every engine, so that it is parsed exactly once.
		if (type === "json") return { sql: `CAST(${sql} AS CHAR)`, name };
		return { sql, name };
	});
}

const CONVERSIONS = new Map<unknown, (value: unknown) => unknown>([
	["timestamp", (seconds) => new Date(Number(seconds) * 1000)],
	["json", (text) => JSON.parse(text as string)],
]);

/** Makes entities of a SELECT's rows, by the metadata of its columns. */
export function entityReader<Entity extends ObjectLiteral>(
	entity: EntityClass<Entity>,
	metadata: EntityMetadata,
	selection: Selection<Entity>,
): (answer: unknown) => Entity[] {
	const columns = columnsOf(metadata, selection);
	const properties = columns.map(({ propertyName }) => propertyName);
	const conversions = columns.flatMap(({ propertyName, type }) => {
		const convert = CONVERSIONS.get(type);
		return convert ? [{ propertyName, convert }] : [];
	});
	const convert = (row: ObjectLiteral) => {
		for (const { propertyName, convert } of conversions) {
			if (row[propertyName] !== null) row[propertyName] = convert(row[propertyName]);
		}
		return row;
	};
	const { owner = [] } = selection;
	// The driver made the object for this row alone: it becomes the entity, where nothing has to be taken out of it.
	if (!owner.length)
		return (answer) => rowsOf(answer).map((row) => Object.setPrototypeOf(convert(row), entity.prototype));
	return (answer) =>
		rowsOf(answer).map((row) => {
			convert(row);
			const made: ObjectLiteral = new entity();
			for (const property of properties) made[property] = row[property];
			made["user"] = readOwner(row, owner);
			return made as Entity;
		});
}

function rowsOf(answer: unknown): ObjectLiteral[] {
	return answer as ObjectLiteral[];
}

/** The name in the result of a column of the owner's. */
export function ownerColumn(property: string): string {
	return `user_${property}`;
}

function readOwner(row: ObjectLiteral, properties: readonly string[]): DashboardUser {
	const user: ObjectLiteral = new DashboardUser();
	for (const property of properties) user[property] = row[ownerColumn(property)];
	return user as DashboardUser;
}

function columnsOf<Entity>(metadata: EntityMetadata, { columns, also = [] }: Selection<Entity>): ColumnMetadata[] {
	const named: readonly string[] = [...(columns ?? []), ...also];
	return metadata.columns.filter(({ propertyName, isSelect }) => {
		return named.includes(propertyName) || (!columns && isSelect);
	});
}
