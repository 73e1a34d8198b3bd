import { DataSource } from "typeorm";
import { migrate } from "../../src/deploy";
import { entities } from "../../src/entities";
import { migrations } from "../../src/migrations";
import { inspect } from "../../src/schema/inspect";
import { readComments } from "./comments";
import { renderDiagram, renderSchemaMarkdown } from "./schemaMarkdown";
import { renderSchemaSql } from "./schemaSql";

/** The generated documents, by their path in the project; of the README only the part between the markers. */
export interface Documents {
	readonly "schema.sql": string;
	readonly "docs/schema.md": string;
	readonly diagram: string;
}

/**
 * Renders the documents from what the migrations make of an empty database, and from the entities.
 *
 * @param root the project's folder, whose entity sources say what each column is for.
 * @param url a database with `dashboard_users` and nothing else in it.
 */
export async function generateDocuments(root: string, url: string, type: "mariadb" | "mysql"): Promise<Documents> {
	// The logger named debug writes only where the environment asks for it: no report between the lines of this command.
	const dataSource = await new DataSource({ type, url, entities, migrations, logger: "debug" }).initialize();
	const queryRunner = dataSource.createQueryRunner();
	try {
		await migrate(dataSource);
		const metadatas = entities.map((entity) => dataSource.getMetadata(entity));
		const order = metadatas.filter((metadata) => metadata.synchronize).map((metadata) => metadata.tableName);
		const snapshot = await inspect(queryRunner, order);
		const comments = new Map(metadatas.map((metadata) => [metadata.name, readComments(root, metadata.name)]));
		return {
			"schema.sql": renderSchemaSql(snapshot, order, expressionsOf(dataSource)),
			"docs/schema.md": renderSchemaMarkdown(metadatas, comments),
			diagram: renderDiagram(metadatas),
		};
	} finally {
		await queryRunner.release();
		await dataSource.destroy();
	}
}

function expressionsOf(dataSource: DataSource): Map<string, string> {
	const columns = dataSource.entityMetadatas.flatMap((metadata) => metadata.columns);
	return new Map(
		columns.flatMap((column): [string, string][] =>
			column.asExpression ? [[`${column.entityMetadata.tableName}.${column.databaseName}`, column.asExpression]] : [],
		),
	);
}

const START = "<!-- diagram: written by npm run docs -->\n";
const END = "<!-- /diagram -->";

/** The README with the diagram between its markers. */
export function withDiagram(readme: string, diagram: string): string {
	const start = readme.indexOf(START);
	const end = readme.indexOf(END);
	if (start < 0 || end < start) throw new Error(`README.md lacks the markers ${START.trim()} and ${END}`);
	return readme.slice(0, start + START.length) + diagram + readme.slice(end);
}
