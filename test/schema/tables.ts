import {
	type ActualColumn,
	type ActualForeignKey,
	type ActualIndex,
	type ActualTable,
	type ColumnShape,
	type ForeignKeyShape,
	foreignKey,
	type IndexShape,
	idColumn,
	index,
	newColumn,
	notNull,
	nullable,
	type TableShape,
	unique,
} from "../../src/schema/shape";

/** A table like those of migrations, of a library. */
export const books: TableShape = {
	name: "books",
	columns: [
		idColumn(),
		notNull("author_id", "int"),
		notNull("title", "varchar(100)"),
		nullable("genre", "enum('novel','essay')", "novel"),
		nullable("lent_at", "timestamp"),
	],
	indexes: [unique("unique_book", "author_id", "title"), index("idx_genre", "genre")],
	foreignKeys: [foreignKey("books_ibfk_1", "author_id", "authors", "CASCADE")],
};

export function actualColumn(column: ColumnShape, more: Partial<ActualColumn> = {}): ActualColumn {
	return { ...newColumn(column), ...more };
}

export function actualIndex(shape: IndexShape, more: Partial<ActualIndex> = {}): ActualIndex {
	return { ...shape, isPlain: true, ...more };
}

export function actualKey(shape: ForeignKeyShape, more: Partial<ActualForeignKey> = {}): ActualForeignKey {
	return { ...shape, isPlain: true, ...more };
}

/** A database's table as the shape wants it, but for what is given. */
export function actual(shape: TableShape = books, more: Partial<ActualTable> = {}): ActualTable {
	return {
		name: shape.name,
		engine: "InnoDB",
		isVersioned: false,
		collation: "utf8mb4_unicode_ci",
		primaryKey: ["id"],
		rows: 7,
		columns: shape.columns.map((column) => actualColumn(column)),
		indexes: shape.indexes.map((one) => actualIndex(one)),
		foreignKeys: shape.foreignKeys.map((key) => actualKey(key)),
		...more,
	};
}

/** The columns of a table with one of them changed, or left out where nothing is given. */
export function columnsWith(
	name: string,
	change: Partial<ActualColumn> | null,
	shape: TableShape = books,
): ActualColumn[] {
	return shape.columns.flatMap((column) => {
		if (column.name !== name) return [actualColumn(column)];
		return change === null ? [] : [actualColumn(column, change)];
	});
}
