import type { QueryRunner } from "typeorm";
import { ERROR, hasNumber } from "../mysql/errorNumbers";
import { rowsIfAny } from "./rows";

/**
 * Which tables this module made, so that a revert drops none that the dashboard made. It is kept in TypeORM's own
 * metadata table, and written before the table is made: an interrupted run then still counts as the maker.
 */
const TYPE = "CREATED_BY_DPLOYR_WORKSPACES_DB";

/** Writes into the table in which TypeORM keeps the expressions of generated columns; makes it where it is missing. */
async function write(queryRunner: QueryRunner, sql: string): Promise<void> {
	try {
		await queryRunner.query(sql);
	} catch (error) {
		if (!hasNumber(error, ERROR.NO_SUCH_TABLE)) throw error;
		await queryRunner.query(
			`CREATE TABLE IF NOT EXISTS ${metadataTable(queryRunner)} (\`type\` varchar(255) NOT NULL, ` +
				"`database` varchar(255) NULL, `schema` varchar(255) NULL, `table` varchar(255) NULL, " +
				"`name` varchar(255) NULL, `value` text NULL) ENGINE=InnoDB",
		);
		await queryRunner.query(sql);
	}
}

export async function markOwned(queryRunner: QueryRunner, tables: readonly string[]): Promise<void> {
	const metadata = metadataTable(queryRunner);
	const candidates = tables.map((table) => `SELECT '${TYPE}' AS type, '${table}' AS name`).join(" UNION ALL ");
	await write(
		queryRunner,
		`INSERT INTO ${metadata} (\`type\`, \`table\`) SELECT made.type, made.name FROM (${candidates}) AS made ` +
			`WHERE NOT EXISTS (SELECT 1 FROM ${metadata} AS known WHERE known.type = made.type AND known.table = made.name)`,
	);
}

export async function disclaimTable(queryRunner: QueryRunner, table: string): Promise<void> {
	await queryRunner.query(
		`DELETE FROM ${metadataTable(queryRunner)} WHERE \`type\` = '${TYPE}' AND \`table\` = '${table}'`,
	);
}

/** The tables that this module made: one statement. */
export async function ownedTables(queryRunner: QueryRunner): Promise<Set<string>> {
	const sql = `SELECT \`table\` AS name FROM ${metadataTable(queryRunner)} WHERE \`type\` = '${TYPE}'`;
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
	const key = `\`type\` = 'GENERATED_COLUMN' AND \`schema\` = DATABASE() AND \`table\` = '${table}' AND \`name\` = '${column}'`;
	await write(
		queryRunner,
		`INSERT INTO ${metadata} (\`type\`, \`schema\`, \`table\`, \`name\`, \`value\`) ` +
			`SELECT 'GENERATED_COLUMN', DATABASE(), '${table}', '${column}', '${expression}' FROM DUAL ` +
			`WHERE NOT EXISTS (SELECT 1 FROM ${metadata} WHERE ${key})`,
	);
}

export async function forgetExpression(queryRunner: QueryRunner, table: string, column: string): Promise<void> {
	await queryRunner.query(
		`DELETE FROM ${metadataTable(queryRunner)} WHERE \`type\` = 'GENERATED_COLUMN' AND \`table\` = '${table}' ` +
			`AND \`name\` = '${column}'`,
	);
}

function metadataTable(queryRunner: QueryRunner): string {
	return `\`${queryRunner.dataSource.metadataTableName}\``;
}
