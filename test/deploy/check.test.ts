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

	/** What a run leaves alone, and what a check says of it: nothing, or how to mend it. */
	const LEFT_ALONE: Record<string, [string[], RegExp | undefined]> = {
		"another character set": [
			["ALTER TABLE user_api_keys CONVERT TO CHARACTER SET latin1"],
			/user_api_keys uses latin1.*ALTER TABLE `user_api_keys` DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_\w+$/,
		],
		"ENUM values that only this database has": [
			[
				"ALTER TABLE workspaces MODIFY status ENUM('paused','stopped','starting','running','stopping','error') NULL DEFAULT 'stopped'",
			],
			undefined,
		],
		"comments, collations, columns, indexes and keys of the owner's": [
			[
				"ALTER TABLE workspaces COMMENT 'ours', ADD COLUMN team INT NULL, ADD FULLTEXT INDEX words (project_name)",
				"ALTER TABLE workspaces MODIFY container_name VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'x'",
				"ALTER TABLE workspaces ADD CONSTRAINT own FOREIGN KEY (team) REFERENCES dashboard_users (id)",
			],
			undefined,
		],
	};
	for (const [name, [statements, expected]] of Object.entries(LEFT_ALONE)) {
		it(`passes with ${name}`, async () => {
			const found = await checkAfter(async (database) => {
				for (const statement of statements) await database.connection.query(statement);
			});
			assert.ok(found.ok, failed(found).join("\n"));
			const warnings = found.items.flatMap((item) => item.warnings);
			assert.equal(warnings.length, expected ? 1 : 0, warnings.join("\n"));
			if (expected) assert.match(warnings[0] ?? "", expected);
			for (const warning of warnings) assert.ok(formatCheck(found).includes(`warning: ${warning}`));
		});
	}

	it("says how JSON that the server does not check is mended, and passes then", async () => {
		let mend = "";
		const spoil = (database: TestDatabase) =>
			database.connection.query("ALTER TABLE workspace_logs MODIFY details LONGTEXT NULL");
		const found = await checkAfter(spoil);
		const said = [...failed(found), ...found.items.flatMap((item) => item.warnings)].join("\n");
		[, mend = ""] = /(ALTER TABLE `workspace_logs` MODIFY COLUMN `details` json NULL)/.exec(said) ?? [];
		assert.ok(mend, said);
		const mended = await checkAfter(async (database) => {
			await spoil(database);
			await database.connection.query(mend);
		});
		assert.ok(mended.ok, failed(mended).join("\n"));
		assert.deepEqual(
			mended.items.flatMap((item) => item.warnings),
			[],
		);
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
