import type { EntityMetadata } from "typeorm";
import type { EntityComments } from "./comments";

type ColumnMetadata = EntityMetadata["columns"][number];
type ForeignKeyMetadata = EntityMetadata["foreignKeys"][number];

const HEADER = `# Schema

Written by \`npm run docs\` from the entities; do not edit.
`;

/** The entity-relationship diagram and the data dictionary of the entities. */
export function renderSchemaMarkdown(
	metadatas: readonly EntityMetadata[],
	comments: ReadonlyMap<string, EntityComments>,
): string {
	const dictionary = metadatas
		.filter((metadata) => metadata.synchronize)
		.map((metadata) => renderTable(metadata, commentsOf(comments, metadata)));
	return [HEADER, renderDiagram(metadatas), ...dictionary].join("\n");
}

/** The Mermaid diagram alone, fenced. */
export function renderDiagram(metadatas: readonly EntityMetadata[]): string {
	const tables = metadatas.map((metadata) => {
		const columns = metadata.columns.map(
			(column) => `\t\t${shortType(column)} ${column.databaseName}${marks(metadata, column)}`,
		);
		return `\t${metadata.tableName} {\n${columns.join("\n")}\n\t}`;
	});
	const relations = metadatas.flatMap((metadata) =>
		metadata.foreignKeys.map((key) => {
			const child = isUnique(metadata, key.columns) ? "o|" : "o{";
			const parent = key.columns.every((column) => column.isNullable) ? "|o" : "||";
			return `\t${key.referencedTablePath} ${parent}--${child} ${metadata.tableName} : ${key.columnNames.join("_")}`;
		}),
	);
	return `\`\`\`mermaid\nerDiagram\n${[...tables, ...relations].join("\n")}\n\`\`\`\n`;
}

function commentsOf(comments: ReadonlyMap<string, EntityComments>, metadata: EntityMetadata): EntityComments {
	const found = comments.get(metadata.name);
	if (!found) throw new Error(`no comments were read for ${metadata.name}`);
	return found;
}

function renderTable(metadata: EntityMetadata, comments: EntityComments): string {
	const purpose = (kind: string, name: string, found: string | undefined) => {
		if (!found) throw new Error(`${metadata.name}: the ${kind} ${name} has no comment that says what it is for`);
		return found;
	};
	const columns = metadata.columns.map((column) => [
		`\`${column.databaseName}\``,
		`\`${column.propertyName}\``,
		fullType(column),
		column.isNullable ? "NULL" : "NOT NULL",
		defaultOf(column),
		purpose("column", column.propertyName, comments.properties.get(column.propertyName)),
	]);
	const indexes = metadata.indices.map((index) => [
		`\`${index.name}\``,
		index.columns.map((column) => `\`${column.databaseName}\``).join(", "),
		index.isUnique ? "unique" : "",
		purpose("index", index.name, comments.indexes.get(index.name)),
	]);
	const keys = metadata.foreignKeys.map((key) => [
		`\`${key.name}\``,
		key.columnNames.map((name) => `\`${name}\``).join(", "),
		`\`${key.referencedTablePath}\``,
		deletion(metadata, key),
	]);
	return [
		`## ${metadata.tableName}\n\n${purpose("table", metadata.tableName, comments.entity)}\n`,
		table(["column", "property", "type", "nullable", "default", "what it is for"], columns),
		table(["index", "columns", "", "what it is for"], indexes),
		table(["foreign key", "column", "refers to", "when the parent is deleted"], keys),
	].join("\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
	return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}

function shortType(column: ColumnMetadata): string {
	return String(column.type);
}

function fullType(column: ColumnMetadata): string {
	const values = column.enum?.map((value) => `\`${value}\``).join(", ");
	const length = column.length ? `(${column.length})` : "";
	const generated = column.asExpression ? `, virtual: \`${column.asExpression}\`` : "";
	return `${column.type}${length}${values ? `: ${values}` : ""}${generated}`;
}

function defaultOf(column: ColumnMetadata): string {
	const value = typeof column.default === "function" ? column.default() : column.default;
	const words = value === undefined ? [] : [`\`${value}\``];
	if (column.isGenerated) words.push("auto-increment");
	if (column.onUpdate) words.push(`on update \`${column.onUpdate}\``);
	return words.join(", ");
}

function marks(metadata: EntityMetadata, column: ColumnMetadata): string {
	const found: string[] = [];
	if (column.isPrimary) found.push("PK");
	if (metadata.foreignKeys.some((key) => key.columns.includes(column))) found.push("FK");
	if (isUnique(metadata, [column])) found.push("UK");
	return found.length ? ` ${found.join(", ")}` : "";
}

function isUnique(metadata: EntityMetadata, columns: readonly ColumnMetadata[]): boolean {
	return metadata.indices.some(
		(index) =>
			index.isUnique && index.columns.length === columns.length && index.columns.every((one) => columns.includes(one)),
	);
}

function deletion(metadata: EntityMetadata, key: ForeignKeyMetadata): string {
	return key.onDelete === "CASCADE" ? `the row of ${metadata.tableName} goes too` : "the column becomes NULL";
}
