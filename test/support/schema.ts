import type { TestDatabase } from "./database";

export const TABLES = [
	"workspaces",
	"user_api_keys",
	"preview_environments",
	"workspace_logs",
	"resource_limits",
] as const;

/** Everything that information_schema says of the five tables, in a form that can be compared with assert. */
export async function describeSchema(database: TestDatabase): Promise<Record<string, unknown[]>> {
	const names = TABLES.map((table) => `'${table}'`).join(", ");
	const here = `TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (${names})`;
	return {
		tables: await database.rows(
			`SELECT TABLE_NAME AS t, ENGINE AS engine, TABLE_COLLATION AS collation, TABLE_COMMENT AS comment
			FROM information_schema.TABLES WHERE ${here} ORDER BY 1`,
		),
		columns: await database.rows(
			`SELECT TABLE_NAME AS t, ORDINAL_POSITION AS position, COLUMN_NAME AS name, COLUMN_TYPE AS type,
				IS_NULLABLE AS nullable, COLUMN_DEFAULT AS default_value, EXTRA AS extra, COLUMN_COMMENT AS comment,
				GENERATION_EXPRESSION AS expression, CHARACTER_SET_NAME AS charset, COLLATION_NAME AS collation
			FROM information_schema.COLUMNS WHERE ${here} ORDER BY 1, 2`,
		),
		indexes: await database.rows(
			`SELECT TABLE_NAME AS t, INDEX_NAME AS name, SEQ_IN_INDEX AS position, COLUMN_NAME AS column_name,
				NON_UNIQUE AS non_unique, INDEX_TYPE AS type
			FROM information_schema.STATISTICS WHERE ${here} ORDER BY 1, 2, 3`,
		),
		foreignKeys: await database.rows(
			`SELECT k.TABLE_NAME AS t, k.CONSTRAINT_NAME AS name, k.COLUMN_NAME AS column_name,
				k.REFERENCED_TABLE_NAME AS parent, k.REFERENCED_COLUMN_NAME AS parent_column,
				r.DELETE_RULE AS on_delete, r.UPDATE_RULE AS on_update
			FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
				ON r.CONSTRAINT_SCHEMA = k.TABLE_SCHEMA AND r.TABLE_NAME = k.TABLE_NAME
				AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
			WHERE k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME IN (${names}) ORDER BY 1, 2`,
		),
		checks: await database.rows(
			`SELECT CONSTRAINT_NAME AS name, CHECK_CLAUSE AS clause FROM information_schema.CHECK_CONSTRAINTS
			WHERE CONSTRAINT_SCHEMA = DATABASE() ORDER BY 1, 2`,
		),
	};
}

/** Every row of the five tables and of the host's users, as the server stores it: dates as seconds, JSON as text. */
export async function dumpRows(database: TestDatabase): Promise<Record<string, Record<string, unknown>[]>> {
	const dump: Record<string, Record<string, unknown>[]> = {};
	for (const table of [...TABLES, "dashboard_users"]) {
		dump[table] = await database.rows(`SELECT * FROM ${table} ORDER BY id`);
	}
	return dump;
}
