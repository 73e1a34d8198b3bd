import type { EntityMetadata } from "typeorm";
import type { EntityComments } from "./comments";
import { type ColumnMetadata, defaultOf, deletion, isUnique, required, typeOf } from "./describe";

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

/** The Mermaid diagram, fenced. */
function renderDiagram(metadatas: readonly EntityMetadata[]): string {
	const tables = metadatas.map((metadata) => {
		const columns = metadata.columns.map(
			(column) => `\t\t${column.type} ${column.databaseName}${marks(metadata, column)}`,
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
	const purpose = (kind: string, name: string, found: string | undefined) =>
		required(`${metadata.name}: the ${kind} ${name}`, found);
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

function fullType(column: ColumnMetadata): string {
	const values = column.enum?.map((value) => `\`${value}\``).join(", ");
	const generated = column.asExpression ? `, virtual: \`${column.asExpression}\`` : "";
	return `${typeOf(column)}${values ? `: ${values}` : ""}${generated}`;
}

function marks(metadata: EntityMetadata, column: ColumnMetadata): string {
	const found: string[] = [];
	if (column.isPrimary) found.push("PK");
	if (metadata.foreignKeys.some((key) => key.columns.includes(column))) found.push("FK");
	if (isUnique(metadata, [column])) found.push("UK");
	return found.length ? ` ${found.join(", ")}` : "";
}
