import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { check, LimitReachedError, openWorkspaces } from "../../src";
import { inspect } from "../../src/schema/inspect";
import { openTestDatabase, type TestDatabase } from "../../src/testing";
import { createTestDatabase } from "../../testing/database";
import { openDataSource, TABLES } from "../../testing/dataSource";

let db: TestDatabase;

before(async () => {
	db = await openTestDatabase();
});
after(() => db?.drop());

describe("a throwaway database", () => {
	test("is up to date, and each table is as the migrations make it", async () => {
		await db.connect();
		assert.equal((await check(db.dataSource)).ok, true);
		const migrated = await createTestDatabase();
		try {
			const dataSource = await openDataSource(migrated);
			await dataSource.runMigrations();
			const [copy, original] = await Promise.all(
				[db.dataSource, dataSource].map(async (source) => {
					const queryRunner = source.createQueryRunner();
					const { tables } = await inspect(queryRunner, TABLES);
					await queryRunner.release();
					// The number of rows is an estimate.
					return [...tables.values()].map((table) => ({ ...table, rows: 0 }));
				}),
			);
			assert.deepEqual(copy, original);
			await dataSource.destroy();
		} finally {
			await migrated.drop();
		}
		assert.deepEqual((await db.migrate()).migrations, [], "nothing is pending");
	});

	test("is nobody else's, and goes without a trace", async () => {
		const [one, other] = await Promise.all([openTestDatabase(), openTestDatabase()]);
		const { userId } = await one.make.workspace();
		assert.equal(await one.workspaces.countByUser(userId), 1);
		assert.equal(await other.workspaces.countByUser(userId), 0);
		await Promise.all([one.drop(), other.drop()]);
		const again = openWorkspaces({ ...one.settings, connectTimeout: 0 });
		await assert.rejects(again.connect(), { code: "CONNECTION_FAILED" });
		await again.close();
	});

	test("is where services get that read the environment", async () => {
		const others = { DB_SOCKET: "/nowhere.sock", DB_PASSWORD_FILE: "/nowhere" };
		Object.assign(process.env, others, db.environment);
		const service = openWorkspaces({ connectTimeout: 0 });
		try {
			const { id } = await db.make.workspace();
			assert.equal((await service.workspaces.findById(id))?.id, id);
		} finally {
			await service.close();
			for (const name of Object.keys(db.environment)) delete process.env[name];
		}
	});

	test("holds the application's own tables where their statements are given", async () => {
		const schema = [
			"CREATE TABLE dashboard_users (id INT AUTO_INCREMENT PRIMARY KEY, username VARCHAR(50) UNIQUE NOT NULL, " +
				"password_hash VARCHAR(255) NOT NULL, system_username VARCHAR(50) NOT NULL, email VARCHAR(100) NULL)",
			"CREATE TABLE sessions (id INT PRIMARY KEY)",
		];
		const own = await openTestDatabase({ schema, settings: { poolSize: 2 } });
		try {
			await own.make.user();
			assert.deepEqual(await own.dataSource.query("SELECT email FROM dashboard_users"), [{ email: null }]);
			assert.deepEqual(await own.dataSource.query("SELECT * FROM sessions"), []);
		} finally {
			await own.drop();
		}
	});

	test("is empty again after clear", async () => {
		const { userId, id } = await db.make.workspace();
		await db.make.logEntry({ workspaceId: id });
		await db.limits.setGlobal({ maxWorkspaces: 7 });
		await db.clear();
		assert.equal(await db.workspaces.countByUser(userId), 0);
		assert.equal((await db.logs.pageOfEverybody()).entries.length, 0);
		assert.equal((await db.limits.findGlobal())?.maxWorkspaces, 2);
	});
});

describe("makers", () => {
	test("fill in what is not given, and keep what is", async () => {
		const user = await db.make.user({ username: "ada" });
		assert.equal(user.username, "ada");
		const workspace = await db.make.workspace({ userId: user.id, status: "running", assignedPort: 10_007 });
		assert.deepEqual(
			[workspace.userId, workspace.status, workspace.assignedPort, workspace.cpuLimit],
			[user.id, "running", 10_007, "1"],
		);
		const preview = await db.make.preview({ workspaceId: workspace.id });
		assert.deepEqual([preview.userId, preview.projectName], [user.id, workspace.projectName]);
		assert.ok(preview.expiresAt > new Date());
		const entry = await db.make.logEntry({ workspaceId: workspace.id, action: "stop" });
		assert.deepEqual([entry.userId, entry.action], [user.id, "stop"]);
	});

	test("make parents of their own, and ask no limit", async () => {
		const previews = await Promise.all([db.make.preview(), db.make.preview()]);
		assert.equal(new Set(previews.map((preview) => preview.userId)).size, 2);
		const { id: userId } = await db.make.user();
		for (let count = 1; count <= 3; count++) await db.make.workspace({ userId });
		await assert.rejects(db.workspaces.createWithinLimit({ userId, projectName: "one more" }), LimitReachedError);
	});
});
