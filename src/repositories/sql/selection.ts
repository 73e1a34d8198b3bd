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
	/** Loads the relation `user`, with the owner's names. */
	readonly owner?: boolean;
	readonly orderBy?: Readonly<Record<string, "ASC" | "DESC">>;
	/** The only index that the server may use, where it would choose a worse one. */
	readonly index?: string;
	/** What follows the query: a limit, a lock. */
	readonly end?: string;
}

/** The relation to the owner. */
const OWNER = "user";
/** In no account's name: the system keeps one a line. */
const LINE_END = "\n";

/** What a SELECT lists: instants as seconds, which have no time zone, each under the name of its property. */
export function expressionsOf<Entity>(
	alias: string,
	metadata: EntityMetadata,
	selection: Selection<Entity>,
): { sql: string; name: string }[] {
	const columns = columnsOf(metadata, selection).map(({ propertyName: name, type }) => {
		const sql = `${alias}.${name}`;
		if (type === "timestamp") return { sql: `UNIX_TIMESTAMP(${sql})`, name };
		// As text on every engine, so that it is parsed exactly once.
		if (type === "json") return { sql: `CAST(${sql} AS CHAR)`, name };
		return { sql, name };
	});
	if (!selection.owner) return columns;
	// As one column, which becomes the relation: to take two out of each entity would cost more than all the rest.
	return [...columns, { sql: `CONCAT_WS('${LINE_END}', ${OWNER}.systemUsername, ${OWNER}.username)`, name: OWNER }];
}

type Conversion = (value: unknown) => unknown;

const CONVERSIONS = new Map<unknown, Conversion>([
	["timestamp", (seconds) => new Date(Number(seconds) * 1000)],
	["json", (text) => readJson(text as string)],
]);

interface ReadColumn {
	readonly property: string;
	readonly convert: Conversion | undefined;
}

/** Makes an entity of a row, by the metadata of the columns that the SELECT lists. */
export function entityReader<Entity extends ObjectLiteral>(
	entity: EntityClass<Entity>,
	metadata: EntityMetadata,
	selection: Selection<Entity>,
): (row: ObjectLiteral) => Entity {
	const columns: ReadColumn[] = columnsOf(metadata, selection).map(({ propertyName: property, type }) => {
		return { property, convert: CONVERSIONS.get(type) };
	});
	if (selection.owner) columns.push({ property: OWNER, convert: readOwner });
	return compileReader(entity, columns);
}

/**
 * Compiled, as the driver's own parser of rows is: a loop over the columns takes twice as long, which is a tenth of the
 * time of a page of 1,000.
 */
function compileReader<Entity>(
	entity: new () => Entity,
	columns: readonly ReadColumn[],
): (row: ObjectLiteral) => Entity {
	const assignments = columns.map(({ property, convert }, index) => {
		const key = JSON.stringify(property);
		const value = `row[${key}]`;
		return `made[${key}] = ${convert ? `${value} === null ? null : columns[${index}].convert(${value})` : value};`;
	});
	const body = `return (row) => { const made = new entity(); ${assignments.join(" ")} return made; };`;
	return new Function("entity", "columns", body)(entity, columns);
}

/** Text that is no JSON stays text: an old dashboard's column may lack the CHECK, and one entry must not cost the page. */
function readJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

function readOwner(names: unknown): DashboardUser {
	const text = names as string;
	const end = text.indexOf(LINE_END);
	const owner = new DashboardUser();
	owner.username = text.slice(end + 1);
	owner.systemUsername = text.slice(0, end);
	return owner;
}

/** `workspace` for `Workspace`. */
export function aliasOf(entity: EntityClass): string {
	return entity.name.charAt(0).toLowerCase() + entity.name.slice(1);
}

function columnsOf<Entity>(metadata: EntityMetadata, { columns, also = [] }: Selection<Entity>): ColumnMetadata[] {
	const named: readonly string[] = [...(columns ?? []), ...also];
	return metadata.columns.filter(({ propertyName, isSelect }) => {
		return named.includes(propertyName) || (!columns && isSelect);
	});
}
