import { type Connection, format, type SqlValue } from "mysql2/promise";
import { migrate } from "../../src";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { TABLES, withDatabase } from "../../testing/dataSource";

export interface TableSnapshot {
	/** As SHOW CREATE gives it, the counter of AUTO_INCREMENT included. */
	readonly definition: string;
	readonly rows: readonly Record<string, unknown>[];
}

/** Everything that is in a database: each table and view with its definition and its rows. */
export async function snapshot(database: TestDatabase): Promise<Record<string, TableSnapshot>> {
	const tables = await database.rows<{ name: string; type: string }>(
		"SELECT TABLE_NAME AS name, TABLE_TYPE AS type FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1",
	);
	const entries: [string, TableSnapshot][] = [];
	for (const { name, type } of tables) {
		const [shown] = await database.rows<Record<string, string>>(`SHOW CREATE TABLE \`${name}\``);
		const definition = shown?.[type === "VIEW" ? "Create View" : "Create Table"] ?? "";
		const rows = await database.rows(`SELECT * FROM \`${name}\``);
		entries.push([name, { definition, rows: rows.sort(byContent) }]);
	}
	return Object.fromEntries(entries);
}

function byContent(one: unknown, other: unknown): number {
	return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}

/** The schema that the migrations make in an empty database. */
export function describeFreshSchema(): Promise<Record<string, unknown[]>> {
	return withDatabase(async (database, dataSource) => {
		await migrate(dataSource);
		return describeSchema(database);
	});
}

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

/** Every row of those of the package's tables that are there, and of the dashboard's users. */
export async function dumpRows(database: TestDatabase): Promise<Record<string, Record<string, unknown>[]>> {
	const dump: Record<string, Record<string, unknown>[]> = {};
	const found = await database.rows<Record<string, string>>("SHOW TABLES");
	const names = found.flatMap((row) => Object.values(row));
	for (const table of [...TABLES, "dashboard_users"].filter((name) => names.includes(name))) {
		dump[table] = await database.rows(`SELECT * FROM ${table} ORDER BY id`);
	}
	return dump;
}

/**
 * Everything in a database that two ways to the same end must agree on: all but the database's name, the time at which
 * rows were seeded, the order of indexes, and, unless `sameIds`, the ids of rows that may have been made twice.
 */
export async function stateOf(database: TestDatabase, { sameIds = true } = {}): Promise<unknown> {
	const tables = Object.entries(await snapshot(database));
	const cell = (name: string, value: unknown): [string, unknown] => {
		if (value instanceof Date) return [name, value.getUTCFullYear() > 2024 ? "now" : value];
		if (value === database.name) return [name, "this database"];
		return name === "id" && !sameIds ? [name, "some id"] : [name, value];
	};
	return tables.map(([table, { definition, rows }]) => ({
		table,
		definition: sameIds ? sortKeys(definition) : sortKeys(definition.replace(/ AUTO_INCREMENT=\d+/, "")),
		rows: rows
			.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => cell(name, value))))
			.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)),
	}));
}

/** The lines of a definition, indexes last and in the order of their names. */
function sortKeys(definition: string): string[] {
	// MySQL shows the character set beside the collation where it was written so.
	const shown = definition.replaceAll(/ CHARACTER SET \w+ COLLATE /g, " COLLATE ");
	const lines = shown.split("\n").map((line) => line.replace(/,$/, ""));
	const isKey = (line: string) => /^\s*(UNIQUE )?KEY/.test(line);
	return [...lines.filter((line) => !isKey(line)), ...lines.filter(isKey).sort()];
}

/** What brings an empty database to a state, as one script: making the same state many times costs a round trip each. */
export type Template = string;

/** Takes down every statement that `install` sends. */
export async function recordTemplate(install: (database: TestDatabase) => Promise<void>): Promise<Template> {
	const database = await createTestDatabase();
	const script: string[] = [];
	const { connection } = database;
	const recording = {
		query(sql: string, values?: SqlValue[]) {
			script.push(format(sql, values));
			return connection.query(sql, values);
		},
	} as unknown as Connection;
	try {
		script.push((await showCreate(database, "dashboard_users")).replace(/ AUTO_INCREMENT=\d+/, ""));
		await install({ ...database, connection: recording });
		return `${script.join(";\n")};\nUPDATE dashboard_users SET created_at = '2024-01-01 00:00:00'`;
	} finally {
		await database.drop();
	}
}

/** Takes down a database as it is: its tables without their history, and their rows. */
export async function dumpTemplate(database: TestDatabase): Promise<Template> {
	const generated = await database.rows<{ name: string }>(
		"SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND EXTRA LIKE '%VIRTUAL GENERATED%'",
	);
	const isStored = ([name]: [string, unknown]) => !generated.some((column) => column.name === name);
	const script = ["SET foreign_key_checks = 0"];
	for (const [table, { definition, rows }] of Object.entries(await snapshot(database))) {
		script.push(definition);
		for (const row of rows) {
			const stored = Object.fromEntries(Object.entries(row).filter(isStored)) as Record<string, SqlValue>;
			script.push(format(`INSERT INTO \`${table}\` SET ?`, [stored], false, "Z"));
		}
	}
	script.push("SET foreign_key_checks = 1");
	return script.join(";\n").replaceAll(`'${database.name}'`, "DATABASE()");
}

async function showCreate(database: TestDatabase, table: string): Promise<string> {
	const [row] = await database.rows<Record<string, string>>(`SHOW CREATE TABLE ${table}`);
	return row?.["Create Table"] ?? "";
}

/** Leaves nothing in a database but what the template makes. */
export async function resetTo(template: Template, database: TestDatabase): Promise<void> {
	const { name, connection } = database;
	await connection.query(
		`DROP DATABASE ${name}; CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; ` +
			`USE ${name}; ${template}`,
	);
}

/** Does the work for each item, on as many databases at once as given. */
export async function onDatabases<Item>(
	count: number,
	items: readonly Item[],
	work: (item: Item, database: TestDatabase) => Promise<void>,
): Promise<void> {
	const waiting = [...items];
	const worker = async () => {
		const database = await createTestDatabase();
		try {
			for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item, database);
		} finally {
			await database.drop();
		}
	};
	await Promise.all(Array.from({ length: count }, worker));
}
