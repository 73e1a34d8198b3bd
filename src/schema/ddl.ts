import type { ActualColumn, ColumnShape, ForeignKeyShape, IndexShape, Server, TableShape } from "./shape";
import { CURRENT_TIMESTAMP } from "./shape";

/** A name as it is written in a statement. */
export function quote(name: string): string {
	return `\`${name.replaceAll("`", "``")}\``;
}

/** A text as it is written in a statement of a session without NO_BACKSLASH_ESCAPES. */
export function literal(value: string): string {
	return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

export function columnSql(column: ColumnShape): string {
	const parts = [quote(column.name), column.type];
	if (column.generated) return [...parts, `GENERATED ALWAYS AS (${column.generated}) VIRTUAL`].join(" ");
	// NULL is written out: without explicit_defaults_for_timestamp a bare TIMESTAMP is NOT NULL.
	parts.push(column.nullable ? "NULL" : "NOT NULL");
	if (column.autoIncrement) parts.push("AUTO_INCREMENT");
	if (column.default !== null) parts.push(`DEFAULT ${defaultSql(column)}`);
	if (column.onUpdate) parts.push(`ON UPDATE ${CURRENT_TIMESTAMP}`);
	return parts.join(" ");
}

/** A column with what MODIFY would drop unless it is repeated. */
export function changedColumnSql(column: ActualColumn): string {
	const { name, type, characterSet, collation, comment, check } = column;
	const text = characterSet && collation ? ` CHARACTER SET ${characterSet} COLLATE ${collation}` : "";
	const definition = columnSql(column).slice(`${quote(name)} ${type}`.length);
	// The type JSON brings its own.
	const condition = check && type !== "json" ? ` CHECK (${check})` : "";
	return `${quote(name)} ${type}${text}${definition}${comment ? ` COMMENT ${literal(comment)}` : ""}${condition}`;
}

function defaultSql(column: ColumnShape): string {
	const value = column.default ?? "NULL";
	return value === CURRENT_TIMESTAMP || column.type === "int" ? value : `'${value.replaceAll("'", "''")}'`;
}

export function indexSql(shape: IndexShape): string {
	return `${shape.unique ? "UNIQUE INDEX" : "INDEX"} ${quote(shape.name)} (${shape.columns.map(quote).join(", ")})`;
}

/**
 * MySQL keeps RESTRICT and NO ACTION apart by what was written. MariaDB takes an unstated ON UPDATE for RESTRICT, but
 * an in-place ALTER that states RESTRICT is stored as NO ACTION there (10.11, 11.8), so it is left unstated.
 */
export function foreignKeySql(key: ForeignKeyShape, family: Server["family"], name = key.name): string {
	const onUpdate = family === "mysql" ? ` ON UPDATE ${key.onUpdate}` : "";
	return (
		`CONSTRAINT ${quote(name)} FOREIGN KEY (${quote(key.column)}) REFERENCES ${quote(key.references)} (\`id\`) ` +
		`ON DELETE ${key.onDelete}${onUpdate}`
	);
}

export function createTableSql(table: TableShape, server: Server): string {
	const parts = [
		...table.columns.map(columnSql),
		"PRIMARY KEY (`id`)",
		...table.indexes.map(indexSql),
		...table.foreignKeys.map((key) => foreignKeySql(key, server.family)),
	];
	return (
		`CREATE TABLE IF NOT EXISTS ${quote(table.name)} (\n\t${parts.join(",\n\t")}\n) ` +
		`ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE ${server.collation}`
	);
}
