import { enumValues, valuesBeyond } from "./columnType";
import { changedColumnSql, columnSql, foreignKeySql, indexSql, quote } from "./ddl";
import {
	type ActualColumn,
	type ActualForeignKey,
	type ActualIndex,
	type ActualTable,
	type ColumnShape,
	type ForeignKeyShape,
	type IndexShape,
	newColumn,
	type Server,
	type TableShape,
} from "./shape";

/** How an ALTER treats a table that is in use; each is named in the statement, so that the server verifies it. */
export type Algorithm =
	/** Metadata only. */
	| "INSTANT"
	/** In place, while readers and writers go on. */
	| "INPLACE"
	/** Copies the table while writers wait. */
	| "COPY";

/** One thing that separates a table from its shape, and that an ALTER TABLE can change without losing anything. */
export type Clause =
	| { readonly kind: "addColumn"; readonly column: ColumnShape; readonly after: string | null }
	| { readonly kind: "modifyColumn"; readonly found: ActualColumn; readonly column: ActualColumn }
	| { readonly kind: "addIndex"; readonly index: IndexShape }
	| { readonly kind: "renameIndex"; readonly found: ActualIndex; readonly index: IndexShape }
	| { readonly kind: "rebuildIndex"; readonly index: IndexShape }
	/** The server would drop this index, which it made for a foreign key, along with what the reason names. */
	| { readonly kind: "keepIndex"; readonly index: IndexShape; readonly reason: "new index" | "foreign key" }
	| { readonly kind: "addForeignKey"; readonly key: ForeignKeyShape }
	| { readonly kind: "replaceForeignKey"; readonly found: ActualForeignKey; readonly key: ForeignKeyShape }
	/** Of the columns those that have the table's character set and are not the owner's. */
	| {
			readonly kind: "convert";
			readonly from: string;
			readonly collation: string;
			readonly columns: readonly ActualColumn[];
	  }
	/** MariaDB: text becomes JSON that the server checks. */
	| { readonly kind: "checkJson"; readonly column: ActualColumn };

/** The parts of an ALTER TABLE that carry a clause out. */
export function sqlOf(clause: Clause, { family }: Server): string[] {
	switch (clause.kind) {
		case "addColumn":
			return [`ADD COLUMN ${columnSql(clause.column)}${clause.after === null ? "" : ` AFTER ${quote(clause.after)}`}`];
		case "modifyColumn":
			return [`MODIFY COLUMN ${changedColumnSql(clause.column)}`];
		case "addIndex":
			return [`ADD ${indexSql(clause.index)}`];
		case "renameIndex":
			return [`RENAME INDEX ${quote(clause.found.name)} TO ${quote(clause.index.name)}`];
		case "rebuildIndex":
		case "keepIndex":
			return [`DROP INDEX ${quote(clause.index.name)}`, `ADD ${indexSql(clause.index)}`];
		case "addForeignKey":
			return [`ADD ${foreignKeySql(clause.key, family)}`];
		case "replaceForeignKey":
			return [`DROP FOREIGN KEY ${quote(clause.found.name)}`, `ADD ${foreignKeySql(clause.key, family)}`];
		case "convert":
			return [
				`DEFAULT CHARACTER SET utf8mb4 COLLATE ${clause.collation}`,
				...clause.columns.map((column) => `MODIFY COLUMN ${changedColumnSql(column)}`),
			];
		case "checkJson":
			return [`MODIFY COLUMN ${changedColumnSql(clause.column)}`];
	}
}

export function algorithmOf(clause: Clause): Algorithm {
	switch (clause.kind) {
		case "addColumn":
			return "INSTANT";
		case "modifyColumn":
			return isMetadataOnly(clause.found, clause.column) ? "INSTANT" : "INPLACE";
		case "convert":
		case "checkJson":
			return "COPY";
		default:
			return "INPLACE";
	}
}

/** A change of nullability or length rewrites the rows, in place; defaults and further ENUM values are metadata. */
function isMetadataOnly(found: ColumnShape, column: ColumnShape): boolean {
	return found.nullable === column.nullable && (found.type === column.type || enumValues(column.type) !== null);
}

/** What a step does, by the verb with which its text begins, and what a report says of it afterwards. */
const DONE: Readonly<Record<string, string>> = {
	add: "added",
	change: "changed",
	convert: "converted",
	create: "created",
	delete: "deleted",
	drop: "dropped",
	rebuild: "rebuilt",
	rename: "renamed",
	replace: "replaced",
};

/** The text of a step once it is done: `add index a` becomes `added index a`. One without a verb says what is then so. */
export function doneText(what: string): string {
	return what.replace(/^\w+/, (verb) => DONE[verb] ?? verb);
}

/** What a clause does, in words; none where another clause is the reason for it. */
export function describeClause(clause: Clause): string[] {
	switch (clause.kind) {
		case "addColumn":
			return [`add column ${clause.column.name}`];
		case "modifyColumn":
			return describeModification(clause.found, clause.column);
		case "addIndex":
			return [`add ${clause.index.unique ? "unique index" : "index"} ${clause.index.name}`];
		case "renameIndex":
			return [`rename index ${clause.found.name} to ${clause.index.name}`];
		case "rebuildIndex":
			return [`rebuild ${clause.index.unique ? "unique index" : "index"} ${clause.index.name}`];
		case "keepIndex":
			return [];
		case "addForeignKey":
			return [`add foreign key ${clause.key.name}`];
		case "replaceForeignKey":
			return [describeReplacement(clause.found, clause.key)];
		case "convert":
			return [`convert from ${clause.from} to ${clause.collation}`];
		case "checkJson":
			return [`column ${clause.column.name} takes nothing but JSON`];
	}
}

function describeReplacement(found: ForeignKeyShape, key: ForeignKeyShape): string {
	if (found.name !== key.name) return `replace foreign key ${found.name} by ${key.name}`;
	const actions = [
		...(found.onDelete === key.onDelete ? [] : [`ON DELETE ${key.onDelete} instead of ${found.onDelete}`]),
		...(found.onUpdate === key.onUpdate ? [] : [`ON UPDATE ${key.onUpdate} instead of ${found.onUpdate}`]),
	];
	return `foreign key ${key.name} is ${actions.join(", ")}`;
}

/** Each difference between two states of a column. */
export function describeModification(found: ColumnShape, column: ColumnShape): string[] {
	const words: string[] = [];
	const added = valuesBeyond(column.type, found.type);
	if (added.length) words.push(`column ${column.name} takes the value ${added.join(", ")}`);
	else if (found.type !== column.type) words.push(`column ${column.name} is ${column.type} instead of ${found.type}`);
	if (found.nullable !== column.nullable) {
		words.push(`column ${column.name} ${column.nullable ? "may be NULL" : "must not be NULL"}`);
	}
	if (found.default !== column.default) {
		const value = column.default === null ? "no default" : `the default ${column.default}`;
		words.push(`column ${column.name} has ${value}`);
	}
	if (found.onUpdate !== column.onUpdate) {
		words.push(`column ${column.name} ${column.onUpdate ? "is set" : "is no longer set"} by every update`);
	}
	return words;
}

/** The table once a clause was carried out. */
export function applyClause(table: ActualTable, clause: Clause): ActualTable {
	switch (clause.kind) {
		case "addColumn": {
			const { column, after } = clause;
			const added = newColumn(column);
			const at = table.columns.findIndex(({ name }) => name === after) + 1 || table.columns.length;
			return { ...table, columns: table.columns.toSpliced(at, 0, added) };
		}
		case "modifyColumn":
			return { ...table, columns: table.columns.map((one) => (one.name === clause.found.name ? clause.column : one)) };
		case "addIndex":
			return withIndex(table, clause.index.name, clause.index);
		case "renameIndex":
			return withIndex(table, clause.found.name, clause.index);
		case "rebuildIndex":
		case "keepIndex":
			return withIndex(table, clause.index.name, clause.index);
		case "addForeignKey":
			return withForeignKey(table, clause.key.name, clause.key);
		case "replaceForeignKey":
			return withForeignKey(table, clause.found.name, clause.key);
		case "convert":
			return { ...table, collation: clause.collation };
		case "checkJson": {
			const checked = { ...clause.column, check: newColumn(clause.column).check };
			return { ...table, columns: table.columns.map((one) => (one.name === checked.name ? checked : one)) };
		}
	}
}

function withIndex(table: ActualTable, replaced: string, index: IndexShape): ActualTable {
	const others = table.indexes.filter(({ name }) => name !== replaced);
	return { ...table, indexes: [...others, { ...index, isPlain: true }] };
}

function withForeignKey(table: ActualTable, replaced: string, key: ForeignKeyShape): ActualTable {
	const others = table.foreignKeys.filter(({ name }) => name !== replaced);
	return { ...table, foreignKeys: [...others, { ...key, isPlain: true }] };
}

/** A table as its CREATE leaves it. */
export function createdTable(shape: TableShape, server: Server): ActualTable {
	return {
		name: shape.name,
		engine: "InnoDB",
		isVersioned: false,
		collation: server.collation,
		primaryKey: ["id"],
		rows: 0,
		columns: shape.columns.map(newColumn),
		indexes: shape.indexes.map((index) => ({ ...index, isPlain: true })),
		foreignKeys: shape.foreignKeys.map((key) => ({ ...key, isPlain: true })),
	};
}
