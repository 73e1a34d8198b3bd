import { type Connection, createConnection } from "mysql2/promise";
import type { DataSourceSettings } from "../settings/settings";
import { SETTINGS } from "../settings/table";
import { openWorkspaces, type Workspaces } from "../workspaces";
import { type Makers, makersOf } from "./makers";
import { startTestServer } from "./server/testServer";
import { copyTemplate, settingsAt } from "./template";

/** Where a throwaway database is made, and with what. */
export interface TestDatabaseOptions {
	/** `mysql://user:password@host:port` of an administrator; left out: what `startTestServer` gives. */
	readonly url?: string | undefined;
	/** The statements that make the application's own tables; left out: a `dashboard_users` with what it needs. */
	readonly schema?: readonly string[] | undefined;
	/** Settings besides the address: `poolSize`, `log`. */
	readonly settings?: DataSourceSettings | undefined;
}

/**
 * A migrated database of one test file, as `openWorkspaces` gives it.
 *
 * @example
 * const db = await openTestDatabase({ settings: { poolSize: 2 } });
 * const other = openWorkspaces(db.settings);     // as a second process would
 * Object.assign(process.env, db.environment);    // before services are required that open workspaces themselves
 */
export interface TestDatabase extends Workspaces {
	/** Rows that fill in what a test does not care about. */
	readonly make: Makers;
	/** What `createDataSource` or `openWorkspaces` takes to get to the same database. */
	readonly settings: DataSourceSettings;
	/** The same as variables (`DB_HOST`, …), for another process, or for services that read them when they are loaded. */
	readonly environment: Readonly<Record<string, string>>;
	/**
	 * Deletes every user with what is theirs, and sets the global limits back. Rows that hang on no user stay: those of the
	 * application's own tables.
	 *
	 * @example
	 * await testDb.clear();   // afterEach: the next test starts with empty tables
	 */
	clear(): Promise<void>;
	/**
	 * Closes the connections and drops the database.
	 *
	 * @example
	 * await testDb.drop();    // afterAll
	 */
	drop(): Promise<void>;
}

/**
 * Makes a throwaway database with all tables in it, as a copy of a template that is migrated once: each takes a
 * fraction of a second, so that each test file can have its own.
 *
 * @example
 * const db = await openTestDatabase();
 * const { id } = await db.make.workspace({ status: "running" });
 * await db.workspaces.markStopped(id);
 * await db.drop();
 */
export async function openTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
	const url = options.url ?? (await startTestServer()).url;
	const connection = await administrator(url);
	try {
		const name = await copyTemplate(connection, url, options.schema);
		const settings = { ...settingsAt(url, name), ...options.settings };
		const db = openWorkspaces(settings);
		const connected = async () => {
			await db.connect();
			return db.dataSource;
		};
		return {
			...db,
			settings,
			environment: environmentOf(settings),
			make: makersOf(connected),
			clear: () => clear(connection),
			async drop() {
				await db.close();
				await connection.query(`DROP DATABASE IF EXISTS ${name}`);
				await connection.end();
			},
		};
	} catch (error) {
		await connection.end();
		throw error;
	}
}

/** The settings that say where the database is; one that is empty counts as not set. */
const PLACE = ["host", "port", "socketPath", "username", "password", "passwordFile", "database", "tls"] as const;

function environmentOf(settings: DataSourceSettings): Record<string, string> {
	return Object.fromEntries(PLACE.map((name) => [SETTINGS[name].variable, String(settings[name] ?? "")]));
}

function administrator(url: string): Promise<Connection> {
	const { host, port, username, password } = settingsAt(url, "");
	return createConnection({ host, port, user: username, password } as Parameters<typeof createConnection>[0]);
}

async function clear(connection: Connection): Promise<void> {
	await connection.query("DELETE FROM dashboard_users");
	await connection.query("DELETE FROM resource_limits WHERE user_id IS NULL");
	await connection.query("INSERT INTO resource_limits (user_id) VALUES (NULL)");
}
