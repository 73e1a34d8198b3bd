import { createHash, randomBytes } from "node:crypto";
import type { Connection } from "mysql2/promise";
import { migrations } from "../migrations";
import type { DataSourceSettings } from "../settings/settings";
import { openWorkspaces } from "../workspaces";

/** What stands for the dashboard's own table unless the application's statement is given. */
const DASHBOARD_USERS = `CREATE TABLE dashboard_users (
	id INT AUTO_INCREMENT PRIMARY KEY,
	username VARCHAR(50) UNIQUE NOT NULL,
	password_hash VARCHAR(255) NOT NULL,
	system_username VARCHAR(50) NOT NULL,
	is_admin BOOLEAN DEFAULT FALSE,
	approved BOOLEAN DEFAULT FALSE,
	created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP
)`;

/** Seconds in which another process has made the template. */
const LOCK_SECONDS = 120;

interface Column {
	readonly tableName: string;
	readonly columns: string;
}

/**
 * Makes a database as a copy of a migrated template, which is made once for a version of the package: the tables by
 * their own definitions, and the few rows that the migrations leave.
 *
 * @param connection an administrator's, without a database
 * @param schema the statements that make the application's own tables
 * @returns the database's name
 */
export async function copyTemplate(connection: Connection, url: string, schema?: readonly string[]): Promise<string> {
	const statements = schema ?? [DASHBOARD_USERS];
	const template = await provideTemplate(connection, url, statements);
	const name = `dployr_test_${randomBytes(6).toString("hex")}`;
	const tables = await rows<Column>(
		connection,
		`SELECT TABLE_NAME AS tableName, GROUP_CONCAT(CONCAT('\`', COLUMN_NAME, '\`') ORDER BY ORDINAL_POSITION) AS columns
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME <> 'template_ready' AND COALESCE(GENERATION_EXPRESSION, '') = ''
		GROUP BY TABLE_NAME`,
		[template],
	);
	await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
	await connection.query(`USE ${name}`);
	await connection.query("SET SESSION foreign_key_checks = 0, group_concat_max_len = 1000000, time_zone = '+00:00'");
	for (const { tableName, columns } of tables) {
		const [created] = await rows<Record<string, string>>(connection, `SHOW CREATE TABLE ${template}.\`${tableName}\``);
		await connection.query(created?.["Create Table"] ?? "");
		await connection.query(
			`INSERT INTO \`${tableName}\` (${columns}) SELECT ${columns} FROM ${template}.\`${tableName}\``,
		);
	}
	await connection.query("SET SESSION foreign_key_checks = 1");
	return name;
}

/** The name of the template, which is made where there is none. */
async function provideTemplate(connection: Connection, url: string, schema: readonly string[]): Promise<string> {
	const content = JSON.stringify([migrations.map((migration) => `${migration.name} ${migration}`), schema]);
	const name = `dployr_template_${createHash("sha256").update(content).digest("hex").slice(0, 16)}`;
	if (await isReady(connection, name)) return name;
	await connection.query("SELECT GET_LOCK(?, ?)", [name, LOCK_SECONDS]);
	try {
		if (!(await isReady(connection, name))) await makeTemplate(connection, url, { name, schema });
	} finally {
		await connection.query("DO RELEASE_LOCK(?)", [name]);
	}
	return name;
}

/** The last thing that is made is a table that says so. */
async function isReady(connection: Connection, template: string): Promise<boolean> {
	const [row] = await rows<{ count: number }>(
		connection,
		"SELECT COUNT(*) AS count FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = 'template_ready'",
		[template],
	);
	return Number(row?.count) > 0;
}

async function makeTemplate(
	connection: Connection,
	url: string,
	{ name, schema }: { readonly name: string; readonly schema: readonly string[] },
): Promise<void> {
	// One that was interrupted is made anew.
	await connection.query(`DROP DATABASE IF EXISTS ${name}`);
	await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
	await connection.query(`USE ${name}`);
	for (const statement of schema) await connection.query(statement);
	const db = openWorkspaces(settingsAt(url, name));
	try {
		await db.migrate();
	} finally {
		await db.close();
	}
	await connection.query("CREATE TABLE template_ready (id INT PRIMARY KEY)");
}

/** The settings that lead to a database of a server, whatever the environment says. */
export function settingsAt(url: string, database: string): DataSourceSettings {
	const { hostname, port, username, password } = new URL(url);
	return {
		host: hostname,
		port: Number(port || 3306),
		username: decodeURIComponent(username),
		password: decodeURIComponent(password),
		database,
		socketPath: "",
		tls: "off",
		log: () => undefined,
	};
}

async function rows<Row>(connection: Connection, sql: string, values?: unknown[]): Promise<Row[]> {
	const [found] = await connection.query(sql, values);
	return found as Row[];
}
