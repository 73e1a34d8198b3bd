import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { DataSourceOptions } from "typeorm";
import { createDataSource, RefusedOperationError, SettingsError, type WorkspacesDataSource } from "../../src";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource, settingsOf } from "../../testing/dataSource";

let database: TestDatabase;
let dataSource: WorkspacesDataSource;

before(async () => {
	database = await createTestDatabase();
	dataSource = await openDataSource(database);
	await dataSource.runMigrations();
});
after(async () => {
	await dataSource.destroy();
	await database.drop();
});

async function tables(): Promise<string[]> {
	const rows = await database.rows<{ name: string }>(
		"SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1",
	);
	return rows.map((row) => row.name);
}

const GUARDED: Record<string, () => Promise<unknown>> = {
	synchronize: () => dataSource.synchronize(),
	"synchronize ": () => dataSource.driver.createSchemaBuilder().build(),
	dropDatabase: () => dataSource.dropDatabase(),
	"dropDatabase ": () => dataSource.createQueryRunner().dropDatabase(database.name),
	clearDatabase: () => dataSource.createQueryRunner().clearDatabase(),
};

for (const [name, operation] of Object.entries(GUARDED)) {
	test(`${name.trim()} is refused by name, and nothing changes${name.endsWith(" ") ? " (asked for below)" : ""}`, async () => {
		await database.rows("ALTER TABLE workspaces DROP COLUMN code_server_password_iv");
		const before = await tables();
		assert.ok(before.includes("dashboard_users") && before.includes("workspaces"));
		await assert.rejects(operation, (error: unknown) => {
			assert.ok(error instanceof RefusedOperationError);
			assert.ok(error.message.startsWith(`${name.trim()} is refused: `));
			return true;
		});
		assert.deepEqual(await tables(), before);
		assert.deepEqual(await database.rows("SHOW COLUMNS FROM workspaces LIKE 'code_server_password_iv'"), []);
		await database.rows("ALTER TABLE workspaces ADD COLUMN code_server_password_iv VARBINARY(16) NULL");
	});
}

for (const option of ["synchronize", "dropSchema"] as const) {
	test(`the option ${option} is refused before anything is connected`, async () => {
		const other = createDataSource(settingsOf(database));
		other.setOptions({ [option]: true });
		const before = await tables();
		await assert.rejects(other.initialize(), new RegExp(`^RefusedOperationError: ${option} is refused`));
		assert.equal(other.isInitialized, false);
		assert.deepEqual(await tables(), before);
	});
}

test("setOptions does not take what createDataSource checks", () => {
	for (const options of [{ password: "x" }, { host: "x" }, { type: "postgres" }, { url: "mysql://x" }]) {
		const [name] = Object.keys(options);
		assert.throws(
			() => createDataSource().setOptions(options as Partial<DataSourceOptions>),
			(error: unknown) => error instanceof SettingsError && error.message.startsWith(`${name}: `),
		);
	}
});
