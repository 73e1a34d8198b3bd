import type { EntityMetadata } from "typeorm";

export type ColumnMetadata = EntityMetadata["columns"][number];
export type ForeignKeyMetadata = EntityMetadata["foreignKeys"][number];

/** Everything about a column's default: its value, auto-increment, and what an update sets. */
export function defaultOf(column: ColumnMetadata): string {
	const value = typeof column.default === "function" ? column.default() : column.default;
	const words = value === undefined ? [] : [`\`${value}\``];
	if (column.isGenerated) words.push("auto-increment");
	if (column.onUpdate) words.push(`on update \`${column.onUpdate}\``);
	return words.join(", ");
}

/** The type with its length: `varchar(100)`. */
export function typeOf(column: ColumnMetadata): string {
	return column.length ? `${column.type}(${column.length})` : String(column.type);
}

/** Whether a unique index covers these columns and no others. */
export function isUnique(metadata: EntityMetadata, columns: readonly ColumnMetadata[]): boolean {
	return metadata.indices.some(
		(index) =>
			index.isUnique && index.columns.length === columns.length && index.columns.every((one) => columns.includes(one)),
	);
}

export function deletion(metadata: EntityMetadata, key: ForeignKeyMetadata): string {
	return key.onDelete === "CASCADE" ? `the row of ${metadata.tableName} is deleted, too` : "the column becomes NULL";
}

/** A purpose that was read from a comment; a missing one fails, so that every part of the schema has one. */
export function required(what: string, found: string | undefined): string {
	if (!found) throw new Error(`${what} has no comment that says what it is for`);
	return found;
}
