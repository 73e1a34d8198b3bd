import { createDataSource, type WorkspacesDataSource } from "../src/dataSource";
import { type DataSourceSettings, readSettings } from "../src/settings/settings";
import { DASHBOARD_USERS_SQL } from "../testing/database";

const CREATE_DATABASE = "CREATE DATABASE IF NOT EXISTS ?? CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci";

async function connected(
	settings: DataSourceSettings,
	work: (dataSource: WorkspacesDataSource) => Promise<void>,
): Promise<void> {
	const dataSource = await createDataSource(settings).initialize();
	try {
		await work(dataSource);
	} finally {
		await dataSource.destroy();
	}
}

/** Makes the database where there is none, and fails with the server's word where this user may not. */
async function makeDatabase(dataSource: WorkspacesDataSource, name: string): Promise<void> {
	const found: unknown[] = await dataSource.query("SELECT 1 FROM schemata WHERE schema_name = ?", [name]);
	if (found.length === 0) await dataSource.query(CREATE_DATABASE, [name]);
}

/** A user with full rights on its own database and on no other, as the dashboard has it. */
async function makeUser(dataSource: WorkspacesDataSource): Promise<void> {
	const { username, password, database } = readSettings();
	for (const host of ["localhost", "127.0.0.1"]) {
		await dataSource.query("CREATE USER IF NOT EXISTS ?@? IDENTIFIED BY ?", [username, host, password]);
		await dataSource.query("ALTER USER ?@? IDENTIFIED BY ?", [username, host, password]);
		await dataSource.query("GRANT ALL PRIVILEGES ON ??.* TO ?@?", [database, username, host]);
	}
}

/** Stands for the dashboard's own table where the dashboard has not made it. */
async function standInForDashboard(dataSource: WorkspacesDataSource): Promise<void> {
	const found: unknown[] = await dataSource.query("SHOW TABLES LIKE 'dashboard_users'");
	if (found.length > 0) return;
	await dataSource.query(DASHBOARD_USERS_SQL);
	console.log("Made a stand-in for the dashboard's own table dashboard_users");
}

async function main(): Promise<void> {
	const { QUICKSTART_ROOT_PASSWORD: password } = process.env;
	const administrator = password === undefined ? {} : { username: "root", password };
	await connected({ ...administrator, database: "information_schema" }, async (dataSource) => {
		await makeDatabase(dataSource, readSettings().database);
		if (password !== undefined) await makeUser(dataSource);
	});
	await connected({}, async (dataSource) => {
		await standInForDashboard(dataSource);
		const migrations = await dataSource.runMigrations();
		if (migrations.length === 0) console.log("Everything is up to date");
	});
}

main().catch((error: unknown) => {
	console.error(`Error: ${error instanceof Error ? error.message : String(error)}`);
	process.exitCode = 1;
});
