import { type Connection, format, type SqlValue } from "mysql2/promise";
import { createTestDatabase, type TestDatabase } from "./database";
import { snapshot } from "./snapshot";

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
