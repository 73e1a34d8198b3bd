import { randomBytes } from "node:crypto";
import { type Connection, createConnection } from "mysql2/promise";

/** A database of its own for one test file or one test, on the server under test. */
export interface TestDatabase {
	readonly name: string;
	/** `mysql://user:password@host:port/name` */
	readonly url: string;
	readonly host: string;
	readonly port: number;
	readonly username: string;
	readonly password: string;
	/** An administrator's connection to it, in UTC. */
	readonly connection: Connection;
	/** Runs one statement on `connection` and returns its rows. */
	rows<Row = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
	/** Drops the database and closes `connection`. */
	drop(): Promise<void>;
}

/** The server under test; `npm test` sets it, once for each server that the suite runs on. */
export function serverUrl(): URL {
	const url = process.env["TEST_DATABASE_URL"];
	if (!url) throw new Error("TEST_DATABASE_URL is not set: run the tests through `npm test`");
	return new URL(url);
}

/** The columns that the dashboard's first release gave its users. */
export const DASHBOARD_USERS_SQL = `CREATE TABLE dashboard_users (
	id INT AUTO_INCREMENT PRIMARY KEY,
	username VARCHAR(50) UNIQUE NOT NULL,
	password_hash VARCHAR(255) NOT NULL,
	system_username VARCHAR(50) NOT NULL,
	is_admin BOOLEAN DEFAULT FALSE,
	approved BOOLEAN DEFAULT FALSE,
	created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP
)`;

/** Makes a database with a random name, with `dashboard_users` in it unless `dashboardUsers` is false. */
export async function createTestDatabase({ dashboardUsers = true } = {}): Promise<TestDatabase> {
	const server = serverUrl();
	const name = `test_${randomBytes(6).toString("hex")}`;
	const credentials = {
		host: server.hostname,
		port: Number(server.port || 3306),
		username: decodeURIComponent(server.username),
		password: decodeURIComponent(server.password),
	};
	const { username: user, ...rest } = credentials;
	const connection = await createConnection({ ...rest, user, timezone: "Z", multipleStatements: true });
	await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; USE ${name}`);
	await connection.query("SET time_zone = '+00:00'");
	if (dashboardUsers) await connection.query(DASHBOARD_USERS_SQL);
	const url = new URL(server);
	url.pathname = `/${name}`;
	return {
		...credentials,
		name,
		url: url.href,
		connection,
		async rows<Row>(sql: string, values?: unknown[]): Promise<Row[]> {
			const [rows] = await connection.query(sql, values);
			return rows as Row[];
		},
		async drop() {
			await connection.query(`DROP DATABASE IF EXISTS ${name}`);
			await connection.end();
		},
	};
}

/** Inserts users and returns their ids. */
export async function addUsers(database: TestDatabase, ...usernames: string[]): Promise<number[]> {
	const ids: number[] = [];
	for (const username of usernames) {
		const [result] = await database.connection.query(
			"INSERT INTO dashboard_users (username, password_hash, system_username) VALUES (?, 'x', ?)",
			[username, `sys_${username}`],
		);
		ids.push((result as { insertId: number }).insertId);
	}
	return ids;
}
