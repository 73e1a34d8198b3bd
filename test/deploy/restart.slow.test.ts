import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createConnection } from "mysql2/promise";
import { HOST, startServer, stopServer } from "../../src/testing/server/private-server.mjs";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";
import { installOldDashboard } from "../../testing/oldDashboard";
import { startProxy, type Verdict } from "../../testing/proxy";
import { temporaryFolder } from "../support/processes";
import { stateOf } from "../support/snapshot";

async function run(database: TestDatabase, port = database.port): Promise<void> {
	await withDataSource(database, { port }, (dataSource) => dataSource.runMigrations());
}

/** The same database after its server was restarted. */
async function reconnect(database: TestDatabase, server: { port: number; password: string }): Promise<TestDatabase> {
	const { port, password } = server;
	const { host, username: user, name } = database;
	const connection = await createConnection({ host, port, user, password, database: name, timezone: "Z" });
	await connection.query("SET time_zone = '+00:00'");
	return {
		...database,
		port,
		password,
		connection,
		async rows<Row>(sql: string, values?: unknown[]) {
			const [rows] = await connection.query(sql, values as never);
			return rows as Row[];
		},
		async drop() {
			await connection.query(`DROP DATABASE ${name}`);
			await connection.end();
		},
	};
}

describe("a server that restarts in the middle of a run", () => {
	const folder = temporaryFolder();
	let server: Awaited<ReturnType<typeof startServer>>;
	let wanted: unknown;

	async function createAdopted(): Promise<TestDatabase> {
		process.env["TEST_DATABASE_URL"] = `mysql://root:${encodeURIComponent(server.password)}@${HOST}:${server.port}`;
		const database = await createTestDatabase();
		await installOldDashboard(database, { draft: true });
		await database.connection.query("UPDATE dashboard_users SET created_at = '2024-01-01 00:00:00'");
		return database;
	}

	before(async () => {
		server = await startServer(folder.path);
		const database = await createAdopted();
		await run(database);
		wanted = await stateOf(database);
		await database.drop();
	});
	after(async () => {
		await stopServer(folder.path);
		folder.remove();
	});

	const ways: Record<string, () => Promise<unknown>> = {
		"is stopped": () => stopServer(folder.path),
		crashes: async () => process.kill(server.pid, "SIGKILL"),
	};
	for (const [words, stop] of Object.entries(ways)) {
		it(`and ${words} is no more than one more run`, async () => {
			const database = await createAdopted();
			database.connection.on("error", () => undefined);
			let stopped: Promise<unknown> | undefined;
			const proxy = await startProxy(database, (_, sql): Verdict => {
				if (/^ALTER TABLE `workspace_logs`/.test(sql)) stopped ??= stop();
				return "forward";
			});
			await assert.rejects(run(database, proxy.port));
			await proxy.close();
			assert.ok(stopped, "the run was interrupted by the restart");
			await stopped;
			server = await startServer(folder.path);
			const again = await reconnect(database, server);
			await run(again);
			assert.deepEqual(await stateOf(again), wanted);
			await again.drop();
		});
	}
});
