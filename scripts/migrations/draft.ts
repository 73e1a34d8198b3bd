import { type DataSource, type EntityMetadata, TableColumn } from "typeorm";
import type { ColumnMetadata } from "typeorm/metadata/ColumnMetadata.js";
import { TableUtils } from "typeorm/schema-builder/util/TableUtils.js";
import type { LossyChange } from "../../src/errors";
import type { ColumnShape, ForeignKeyShape, TableShape } from "../../src/schema";
import type { ComparedStatement } from "./statements";

/** What a migration is to do, before it is written. */
export interface Draft {
	/** Statements that no helper covers, in order. */
	readonly steps: readonly ComparedStatement[];
	/** Tables as they are to be, of which the migration makes what is missing; only what changes is in them. */
	readonly shapes: readonly TableShape[];
	/** Tables that it makes. */
	readonly created: readonly string[];
	/** Generated columns that it makes: table, column and expression. */
	readonly generated: readonly { readonly table: string; readonly column: string; readonly expression: string }[];
	/** Statements that revert it, in order. */
	readonly revert: readonly ComparedStatement[];
	/** What of it loses data, as was allowed. */
	readonly losses: readonly LossyChange[];
}

interface MutableShape {
	readonly name: string;
	readonly columns: ColumnShape[];
	readonly indexes: TableShape["indexes"][number][];
	readonly foreignKeys: ForeignKeyShape[];
}

/**
 * Divides the statements of a comparison into those that the helper `converge` does, which can be interrupted and run
 * again anywhere, and those that only a statement can do.
 */
export function draft(
	dataSource: DataSource,
	up: readonly ComparedStatement[],
	revert: readonly ComparedStatement[],
	losses: readonly LossyChange[],
): Draft {
	const shapes = new Map<string, MutableShape>();
	const steps: ComparedStatement[] = [];
	const lossy = new Set(losses.map((loss) => loss.statement));
	const before = new Map(revert.flatMap((one) => (one.kind === "change column" ? [[key(one), one.sql] as const] : [])));
	for (const statement of up) {
		if (statement.kind === "note") continue;
		const metadata = metadataOf(dataSource, statement.table);
		const shape = shapes.get(statement.table) ?? { name: statement.table, columns: [], indexes: [], foreignKeys: [] };
		const isTaken = !lossy.has(statement.sql) && take(shape, statement, { dataSource, metadata, before });
		if (isTaken) shapes.set(statement.table, shape);
		else steps.push(statement);
	}
	const ordered = inOrderOfReference([...shapes.values()].map((shape) => ordering(dataSource, shape)));
	// A changed index is dropped and made anew in one statement.
	const rebuilt = (one: ComparedStatement) =>
		one.kind === "drop index" && shapes.get(one.table)?.indexes.some((index) => index.name === one.name);
	return {
		steps: steps.filter((step) => !rebuilt(step)),
		shapes: ordered,
		created: ordered.flatMap(({ name }) =>
			up.some((one) => one.kind === "create table" && one.table === name) ? [name] : [],
		),
		generated: ordered.flatMap(({ name, columns }) =>
			columns.flatMap((column) =>
				column.generated ? [{ table: name, column: column.name, expression: column.generated }] : [],
			),
		),
		revert: revert.filter((one) => one.kind !== "note"),
		losses,
	};
}

function key({ table, name }: { readonly table: string; readonly name: string }): string {
	return `${table}.${name}`;
}

function metadataOf(dataSource: DataSource, table: string): EntityMetadata {
	const found = dataSource.entityMetadatas.find((metadata) => metadata.tableName === table);
	if (!found) throw new Error(`No entity has the table ${table}`);
	return found;
}

interface Entity {
	readonly dataSource: DataSource;
	readonly metadata: EntityMetadata;
	/** What each changed column was, as MODIFY says it, by `table.column`. */
	readonly before: ReadonlyMap<string, string>;
}

/** Adds to the shape what the statement makes; false where `converge` cannot do it. */
function take(shape: MutableShape, statement: ComparedStatement, { dataSource, metadata, before }: Entity): boolean {
	switch (statement.kind) {
		case "create table": {
			const columns = metadata.columns.map((column) => columnShape(dataSource, column));
			const [id] = metadata.primaryColumns;
			const isUsual = metadata.primaryColumns.length === 1 && id?.databaseName === "id" && id.isGenerated;
			if (!isUsual || columns.some((column) => !column)) return false;
			shape.columns.push(...columns.flatMap((column) => column ?? []));
			shape.indexes.push(...metadata.indices.map(indexShape));
			return true;
		}
		case "add column": {
			const column = columnOf(dataSource, metadata, statement.name);
			// Nobody but the developer knows what the rows that are there get.
			if (!column?.nullable) return false;
			shape.columns.push(column);
			return true;
		}
		case "change column": {
			const column = columnOf(dataSource, metadata, statement.name);
			if (!column || column.generated || !isReconciled(before.get(key(statement)) ?? "", column)) return false;
			shape.columns.push(column);
			return true;
		}
		case "add index": {
			const index = metadata.indices.find(({ name }) => name === statement.name);
			if (!index || index.isFulltext || index.isSpatial) return false;
			if (!shape.indexes.some(({ name }) => name === statement.name)) shape.indexes.push(indexShape(index));
			return true;
		}
		case "add foreign key": {
			const foreignKey = foreignKeyShape(metadata, statement.name);
			if (foreignKey) shape.foreignKeys.push(foreignKey);
			return foreignKey !== undefined;
		}
		default:
			return false;
	}
}

function columnOf(dataSource: DataSource, metadata: EntityMetadata, name: string): ColumnShape | undefined {
	const column = metadata.findColumnWithDatabaseName(name);
	return column && columnShape(dataSource, column);
}

/** Undefined where a shape cannot say what the column is. */
function columnShape(dataSource: DataSource, metadata: ColumnMetadata): ColumnShape | undefined {
	const column = new TableColumn(TableUtils.createTableColumnOptions(metadata, dataSource.driver));
	const value = defaultOf(column);
	const onUpdate = column.onUpdate !== undefined;
	const isPlain = !column.comment && !column.charset && !column.collation && column.generatedType !== "STORED";
	if (value === undefined || !isPlain || (onUpdate && !/^CURRENT_TIMESTAMP(\(\))?$/i.test(column.onUpdate ?? ""))) {
		return undefined;
	}
	const values = column.enum?.map((one) => `'${one.replaceAll("'", "''")}'`).join(",");
	return {
		name: column.name,
		type:
			dataSource.driver.createFullType(column) + (values ? `(${values})` : "") + (column.unsigned ? " unsigned" : ""),
		nullable: column.isNullable,
		default: value,
		onUpdate,
		autoIncrement: column.isGenerated,
		generated: column.asExpression ?? null,
	};
}

/** A literal without its quotes, CURRENT_TIMESTAMP, null for none; undefined for any other expression. */
function defaultOf({ default: value }: TableColumn): string | null | undefined {
	if (value === undefined || value === null) return null;
	if (/^CURRENT_TIMESTAMP(\(\))?$/i.test(value)) return "CURRENT_TIMESTAMP";
	const [, literal] = /^'(.*)'$/s.exec(value) ?? [];
	return literal?.replaceAll("''", "'");
}

/** Whether `converge` gets from what the column was, as MODIFY says it, to what it is to be. */
function isReconciled(modify: string, { type }: ColumnShape): boolean {
	const [, definition = ""] = /^ALTER TABLE `.+?` MODIFY COLUMN `.+?` (.*)$/s.exec(modify) ?? [];
	const base = /^\w+/.exec(type)?.[0] ?? "";
	if (/^(varchar|varbinary|enum)$/.test(base)) return definition.startsWith(base);
	return definition === type || definition.startsWith(`${type} `);
}

function indexShape(index: EntityMetadata["indices"][number]): TableShape["indexes"][number] {
	return { name: index.name, columns: index.columns.map((column) => column.databaseName), unique: index.isUnique };
}

function foreignKeyShape(metadata: EntityMetadata, name: string): ForeignKeyShape | undefined {
	const found = metadata.foreignKeys.find((candidate) => candidate.name === name);
	const [column] = found?.columnNames ?? [];
	const onUpdate = found?.onUpdate ?? "RESTRICT";
	if (!found || !column || found.columnNames.length > 1 || found.referencedColumnNames.join() !== "id")
		return undefined;
	if (found.deferrable || (onUpdate !== "RESTRICT" && onUpdate !== "NO ACTION")) return undefined;
	const onDelete = found.onDelete ?? "RESTRICT";
	if (onDelete === "DEFAULT") return undefined;
	return { name, column, references: found.referencedEntityMetadata.tableName, onDelete, onUpdate: "RESTRICT" };
}

/** Columns come in the order of the entity, which says where a new one goes. */
function ordering(dataSource: DataSource, shape: MutableShape): TableShape {
	const order = metadataOf(dataSource, shape.name).columns.map((column) => column.databaseName);
	const columns = [...shape.columns].sort((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
	return { ...shape, columns };
}

/** Each table after those that it refers to. */
function inOrderOfReference(shapes: readonly TableShape[]): TableShape[] {
	const left = [...shapes];
	const ordered: TableShape[] = [];
	while (left.length) {
		const isFree = ({ name, foreignKeys }: TableShape) =>
			!foreignKeys.some(({ references }) => references !== name && left.some((other) => other.name === references));
		const next = left.findIndex(isFree);
		ordered.push(...left.splice(Math.max(next, 0), 1));
	}
	return ordered;
}
