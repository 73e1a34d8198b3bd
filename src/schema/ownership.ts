import type { QueryRunner } from "typeorm";
import { ERROR, hasNumber } from "../mysql/errorNumbers";
import { literal, quote } from "./ddl";
import { write } from "./execute";
import { rowsIfAny } from "./rows";

/**
 * Which tables this package made, so that a revert drops none that the application made. It is kept in TypeORM's own
 * metadata table, and written before the table is made: an interrupted run then still counts as the maker.
 */
const TYPE = "CREATED_BY_DPLOYR_WORKSPACES_DB";

/** Writes into the table in which TypeORM keeps the expressions of generated columns; makes it where it is missing. */
async function writeMetadata(queryRunner: QueryRunner, sql: string): Promise<void> {
	try {
		await write(queryRunner, sql);
	} catch (error) {
		if (!hasNumber(error, ERROR.NO_SUCH_TABLE)) throw error;
		await createMetadata(queryRunner);
		await write(queryRunner, sql);
	}
}

/** Makes the table as TypeORM does, but with a key: servers may be set to demand one of every table. */
export async function createMetadata(queryRunner: QueryRunner): Promise<void> {
	await write(
		queryRunner,
		`CREATE TABLE IF NOT EXISTS ${metadataTable(queryRunner)} (\`id\` int NOT NULL AUTO_INCREMENT PRIMARY KEY, ` +
			"`type` varchar(255) NOT NULL, `database` varchar(255) NULL, `schema` varchar(255) NULL, " +
			"`table` varchar(255) NULL, `name` varchar(255) NULL, `value` text NULL) ENGINE=InnoDB",
	);
}

export async function markOwned(queryRunner: QueryRunner, tables: readonly string[]): Promise<void> {
	const metadata = metadataTable(queryRunner);
	const candidates = tables
		.map((table) => `SELECT ${literal(TYPE)} AS type, ${literal(table)} AS name`)
		.join(" UNION ALL ");
	await writeMetadata(
		queryRunner,
		`INSERT INTO ${metadata} (\`type\`, \`table\`) SELECT made.type, made.name FROM (${candidates}) AS made ` +
			`WHERE NOT EXISTS (SELECT 1 FROM ${metadata} AS known WHERE known.type = made.type AND known.table = made.name)`,
	);
}

export async function disclaim(queryRunner: QueryRunner, table: string): Promise<void> {
	const condition = `\`type\` = ${literal(TYPE)} AND \`table\` = ${literal(table)}`;
	await write(queryRunner, `DELETE FROM ${metadataTable(queryRunner)} WHERE ${condition}`);
}

/** The tables that this package made: one statement. */
export async function ownedTables(queryRunner: QueryRunner): Promise<Set<string>> {
	const sql = `SELECT \`table\` AS name FROM ${metadataTable(queryRunner)} WHERE \`type\` = ${literal(TYPE)}`;
	const rows = await rowsIfAny<{ name: string }>(queryRunner, sql);
	return new Set(rows.map((row) => row.name));
}

/** Remembers the expression of a generated column where TypeORM's schema builder looks for it. */
export async function rememberExpression(
	queryRunner: QueryRunner,
	table: string,
	column: string,
	expression: string,
): Promise<void> {
	const metadata = metadataTable(queryRunner);
	const values = [table, column, expression].map(literal).join(", ");
	await writeMetadata(
		queryRunner,
		`INSERT INTO ${metadata} (\`type\`, \`schema\`, \`table\`, \`name\`, \`value\`) ` +
			`SELECT 'GENERATED_COLUMN', DATABASE(), ${values} FROM DUAL ` +
			`WHERE NOT EXISTS (SELECT 1 FROM ${metadata} WHERE ${expressionOf(table, column)} AND \`schema\` = DATABASE())`,
	);
}

export async function forgetExpression(queryRunner: QueryRunner, table: string, column: string): Promise<void> {
	await write(queryRunner, `DELETE FROM ${metadataTable(queryRunner)} WHERE ${expressionOf(table, column)}`);
}

function expressionOf(table: string, column: string): string {
	return `\`type\` = 'GENERATED_COLUMN' AND \`table\` = ${literal(table)} AND \`name\` = ${literal(column)}`;
}

function metadataTable(queryRunner: QueryRunner): string {
	return quote(queryRunner.dataSource.metadataTableName);
}
