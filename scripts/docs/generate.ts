import { DataSource, type EntityMetadata } from "typeorm";
import { entities, PreviewEnvironment, Workspace } from "../../src/entities";
import { migrations } from "../../src/migrations";
import { PREVIEW_TRANSITIONS, WORKSPACE_TRANSITIONS } from "../../src/repositories";
import { readComments } from "./comments";
import { recordHistory } from "./history";
import { readRepositories } from "./methods";
import { renderPage } from "./page/html";
import { pageModel } from "./page/model";
import { renderSchemaMarkdown } from "./schemaMarkdown";
import { renderSchemaSql } from "./schemaSql";

/** The generated documents, by their path in the project. */
export interface Documents {
	readonly "schema.sql": string;
	readonly "docs/schema.md": string;
	readonly "docs/schema.html": string;
}

/** By the entity's name. */
const TRANSITIONS = { [Workspace.name]: WORKSPACE_TRANSITIONS, [PreviewEnvironment.name]: PREVIEW_TRANSITIONS };

/**
 * Renders the documents from what the migrations make of an empty database, and from the entities.
 *
 * @param root the project's folder, whose entity sources say what each column is for.
 * @param url a database with `dashboard_users` and nothing else in it.
 */
export async function generateDocuments(root: string, url: string, type: "mariadb" | "mysql"): Promise<Documents> {
	const metadatas = await metadatasOf(url, type);
	const order = metadatas.filter((metadata) => metadata.synchronize).map((metadata) => metadata.tableName);
	const { steps, snapshot } = await recordHistory(root, url, type, order);
	const comments = new Map(metadatas.map((metadata) => [metadata.name, readComments(root, metadata.name)]));
	const repositories = readRepositories(root);
	return {
		"schema.sql": renderSchemaSql(snapshot, order, expressionsOf(metadatas)),
		"docs/schema.md": renderSchemaMarkdown(metadatas, comments),
		"docs/schema.html": renderPage(pageModel({ metadatas, comments, repositories, steps, transitions: TRANSITIONS })),
	};
}

async function metadatasOf(url: string, type: "mariadb" | "mysql"): Promise<EntityMetadata[]> {
	const dataSource = await new DataSource({ type, url, entities, migrations }).initialize();
	try {
		return entities.map((entity) => dataSource.getMetadata(entity));
	} finally {
		await dataSource.destroy();
	}
}

function expressionsOf(metadatas: readonly EntityMetadata[]): Map<string, string> {
	const columns = metadatas.flatMap((metadata) => metadata.columns);
	return new Map(
		columns.flatMap((column): [string, string][] =>
			column.asExpression ? [[`${column.entityMetadata.tableName}.${column.databaseName}`, column.asExpression]] : [],
		),
	);
}
