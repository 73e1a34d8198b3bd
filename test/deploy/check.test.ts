import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { check, formatCheck, type SchemaCheck } from "../../src";
import { migrations } from "../../src/migrations";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";
import { installOldDashboard } from "../../testing/oldDashboard";

/** Runs the migrations, spoils the database, and checks it. */
async function checkAfter(spoil: (database: TestDatabase) => Promise<unknown>): Promise<SchemaCheck> {
	const database = await createTestDatabase();
	try {
		return await withDataSource(database, {}, async (dataSource) => {
			await dataSource.runMigrations();
			await spoil(database);
			return check(dataSource);
		});
	} finally {
		await database.drop();
	}
}

function failed({ items }: SchemaCheck): string[] {
	return items.filter((item) => !item.ok).map((item) => `${item.name}: ${item.details.join("; ")}`);
}

describe("check", () => {
	it("finds nothing after a run", async () => {
		const check = await checkAfter(async () => undefined);
		assert.deepEqual(failed(check), []);
		assert.equal(check.ok, true);
		assert.ok(formatCheck(check).split("\n").length < 24, "one screen");
	});

	const SPOILED: Record<string, [string[], RegExp]> = {
		"a narrowed column": [
			["ALTER TABLE workspaces MODIFY cpu_limit VARCHAR(40) NULL DEFAULT '1'"],
			/^entities: .*cpu_limit/,
		],
		"a missing index": [["ALTER TABLE workspaces DROP INDEX idx_status"], /^entities: .*idx_status/],
		"another character set": [
			["ALTER TABLE user_api_keys CONVERT TO CHARACTER SET latin1"],
			/^storage: .*user_api_keys uses latin1/,
		],
		"another generated expression": [
			[
				"ALTER TABLE resource_limits DROP INDEX unique_global_limits",
				"ALTER TABLE resource_limits DROP COLUMN global_row",
				"ALTER TABLE resource_limits ADD COLUMN global_row TINYINT GENERATED ALWAYS AS (IF(user_id > 9, 1, NULL)) VIRTUAL",
				"ALTER TABLE resource_limits ADD UNIQUE INDEX unique_global_limits (global_row)",
			],
			/storage: .*global_row is generated as/,
		],
		"no global row": [["DELETE FROM resource_limits"], /^global limits: 0 global rows/],
		"a migration that is pending": [
			["DELETE FROM migrations ORDER BY id DESC LIMIT 1"],
			new RegExp(`^migrations: pending: ${migrations.at(-1)?.name}`),
		],
	};
	for (const [name, [statements, expected]] of Object.entries(SPOILED)) {
		it(`finds ${name}`, async () => {
			const check = await checkAfter(async (database) => {
				for (const statement of statements) await database.connection.query(statement);
			});
			assert.equal(check.ok, false);
			assert.ok(
				failed(check).some((line) => expected.test(line)),
				failed(check).join("\n"),
			);
		});
	}

	it("finds JSON that the server does not check, where it can have such", async () => {
		const check = await checkAfter(async (database) => {
			await database.connection.query("ALTER TABLE workspace_logs MODIFY details LONGTEXT NULL");
		});
		assert.equal(check.ok, false);
		assert.match(failed(check).join("\n"), /details/);
	});

	it("changes nothing in a database that was never migrated, and counts its global rows", async () => {
		const database = await createTestDatabase();
		try {
			await installOldDashboard(database, { globalRows: 3 });
			const tables = await database.rows("SHOW TABLES");
			const result = await withDataSource(database, {}, (dataSource) => check(dataSource));
			assert.equal(result.ok, false);
			assert.match(failed(result).join("\n"), /3 global rows: 51, 52, 53/);
			assert.deepEqual(await database.rows("SHOW TABLES"), tables);
		} finally {
			await database.drop();
		}
	});
});
