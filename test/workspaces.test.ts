import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { AlreadyExistsError, ConnectionError, openWorkspaces, SettingsError, type Workspaces } from "../src";
import { addUsers, createTestDatabase, type TestDatabase } from "../testing/database";
import { settingsOf } from "../testing/dataSource";
import { startProxy } from "../testing/proxy";

let database: TestDatabase;
let ada: number;

/** Workspaces on the test's database that are closed whatever happens. */
async function withWorkspaces(
	settings: Parameters<typeof openWorkspaces>[0],
	work: (db: Workspaces) => Promise<void>,
): Promise<void> {
	const db = openWorkspaces({ ...settingsOf(database), ...settings });
	try {
		await work(db);
	} finally {
		await db.close();
	}
}

async function connections(): Promise<number> {
	const [row] = await database.rows<{ count: number }>(
		"SELECT COUNT(*) AS count FROM information_schema.PROCESSLIST WHERE DB = ? AND ID <> CONNECTION_ID()",
		[database.name],
	);
	return Number(row?.count);
}

before(async () => {
	database = await createTestDatabase();
	[ada = 0] = await addUsers(database, "ada");
	await withWorkspaces({}, async (db) => {
		const { migrations } = await db.migrate();
		assert.ok(migrations.length > 0, "migrate connects, and runs what is pending");
	});
});
after(() => database?.drop());

describe("workspaces in one object", () => {
	test("nothing is read or connected before the first call, which connects", async () => {
		// A server lists a session that has ended for a moment longer.
		const earlier = await connections();
		await withWorkspaces({}, async (db) => {
			const { workspaces } = db;
			assert.equal(db.dataSource.isInitialized, false);
			assert.ok((await connections()) <= earlier);
			assert.deepEqual(await workspaces.listByUser(ada), []);
			assert.equal(db.dataSource.isInitialized, true);
			assert.equal(await db.dataSource.query("SELECT 1").then((rows) => rows.length), 1);
		});
	});

	test("a wrong setting rejects the call, and not the line that made the object", async () => {
		const db = openWorkspaces({ port: -1 });
		await assert.rejects(db.limits.findGlobal(), SettingsError);
	});

	test("calls at once connect once, and every repository is there", () =>
		withWorkspaces({ poolSize: 10 }, async (db) => {
			const proxy = await startProxy(database, () => "forward");
			const through = openWorkspaces({ ...settingsOf(database), port: proxy.port });
			try {
				await Promise.all([
					through.workspaces.countByUser(ada),
					through.previews.listActive(),
					through.ports.listAssigned(),
					through.limits.findGlobal(),
					through.apiKeys.hasKey(ada, "openai"),
					through.logs.pageOfEverybody(),
					through.connect(),
				]);
				const versions = proxy.commands.filter((sql) => /VERSION\(\)|@@version/i.test(sql));
				assert.equal(versions.length, 1, "the server is asked once what it is");
			} finally {
				await through.close();
				await proxy.close();
			}
			await db.connect();
		}));

	test("a transaction commits all of its work, or none", () =>
		withWorkspaces({}, async (db) => {
			const id = await db.transaction(async (tx) => {
				const created = await tx.workspaces.createWithinLimit({ userId: ada, projectName: "kept" });
				await tx.ports.claimForWorkspace(created);
				return created;
			});
			assert.equal((await db.workspaces.findById(id))?.status, "starting");
			const failed = db.transaction(async (tx) => {
				await tx.workspaces.deleteById(id);
				await tx.manager.query("SELECT 1");
				await tx.workspaces.createWithinLimit({ userId: ada, projectName: "other" });
				await tx.workspaces.createWithinLimit({ userId: ada, projectName: "other" });
			});
			await assert.rejects(failed, AlreadyExistsError);
			assert.ok(await db.workspaces.findById(id), "the deletion was rolled back");
			assert.equal(await db.workspaces.countByUser(ada), 1);
		}));

	test("without a server each call rejects after one attempt, and works once there is one", async () => {
		const proxy = await startProxy(database, () => "forward");
		const { port } = proxy;
		await proxy.close();
		const db = openWorkspaces({ ...settingsOf(database), port, connectTimeout: 60 });
		try {
			const calls = [db.workspaces.findById(1), db.transaction(async () => undefined), db.connect()];
			for (const outcome of await Promise.allSettled(calls)) {
				assert.ok(outcome.status === "rejected" && outcome.reason instanceof ConnectionError);
				assert.equal(outcome.reason.code, "CONNECTION_FAILED");
			}
			const again = await startProxy(database, () => "forward", port);
			try {
				assert.equal(await db.workspaces.findById(-1), null);
				await db.close();
			} finally {
				await again.close();
			}
		} finally {
			await db.close();
		}
	});

	test("migrate waits for a server that comes up", async () => {
		const { port, close } = await startProxy(database, () => "forward");
		await close();
		const lines: string[] = [];
		let server: Awaited<ReturnType<typeof startProxy>> | undefined;
		const log = (line: string) => {
			lines.push(line);
			if (/not up yet/.test(line)) void startProxy(database, () => "forward", port).then((proxy) => (server = proxy));
		};
		const db = openWorkspaces({ ...settingsOf(database), port, connectTimeout: 60, log });
		try {
			assert.deepEqual((await db.migrate()).migrations, []);
			assert.match(lines.join("\n"), /not up yet/);
		} finally {
			await db.close();
			await server?.close();
		}
	});

	for (const isConnected of [true, false]) {
		const when = isConnected ? "connected" : "not yet connected";
		test(`close, ${when}, waits for the calls before it, and refuses those after it`, async () => {
			const db = openWorkspaces({ ...settingsOf(database), poolSize: 1 });
			if (isConnected) await db.connect();
			const calls = Array.from({ length: 5 }, () => db.workspaces.findById(-1));
			const closing = db.close();
			for (const late of [() => db.workspaces.findById(-1), () => db.transaction(async () => 1), () => db.connect()]) {
				await assert.rejects(late(), { code: "CONNECTION_FAILED", message: /closed: open them anew/ });
			}
			await closing;
			assert.deepEqual(await Promise.all(calls), [null, null, null, null, null]);
		});
	}

	test("a setting is read when a call tries to connect, so that it can be corrected", async () => {
		const { host, port, username, password, name } = database;
		const variables = { DB_HOST: host, DB_USERNAME: username, DB_PASSWORD: password, DB_DATABASE: name };
		const db = openWorkspaces();
		try {
			Object.assign(process.env, variables, { DB_PORT: "none" });
			await assert.rejects(db.limits.findGlobal(), { code: "INVALID_SETTING", message: /^DB_PORT: / });
			process.env["DB_PORT"] = String(port);
			assert.ok(await db.limits.findGlobal());
		} finally {
			await db.close();
			for (const variable of [...Object.keys(variables), "DB_PORT"]) delete process.env[variable];
		}
	});

	test("close ends every connection, also one that is being made, and calls after it say so", async () => {
		const db = openWorkspaces(settingsOf(database));
		const call = db.workspaces.countByUser(ada).catch((error: unknown) => error);
		await Promise.all([db.close(), db.close()]);
		await call;
		assert.equal(db.dataSource.isInitialized, false);
		await assert.rejects(db.workspaces.countByUser(ada), {
			code: "CONNECTION_FAILED",
			message: "These workspaces were closed: open them anew with openWorkspaces()",
		});
		await openWorkspaces().close();
	});
});
