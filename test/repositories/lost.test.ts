import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { WorkspaceRepository } from "../../src";
import { openDataSource } from "../../testing/dataSource";
import { type Context, onHost, openContext, repositoriesOf } from "./context";

let context: Context;
let workspace: number;

/** Holds the table while `work` reads it, which must fail. */
async function whileLocked(work: () => Promise<void>): Promise<void> {
	await context.database.connection.query("LOCK TABLES workspaces WRITE");
	try {
		await work();
	} finally {
		await context.database.connection.query("UNLOCK TABLES");
	}
}

/** Kills the session that waits for the table. */
async function killReader(): Promise<void> {
	for (;;) {
		const sessions = await context.database.rows<{ Id: number; db: string; Info: string | null }>(
			"SHOW FULL PROCESSLIST",
		);
		const reader = sessions.find(({ db, Info }) => db === context.database.name && Info?.includes("FROM workspaces"));
		if (reader) {
			await context.database.connection.query(`KILL ${reader.Id}`);
			return;
		}
		await sleep(20);
	}
}

describe("a repository whose statement never ends", { timeout: 60_000 }, () => {
	before(async () => {
		context = await openContext();
		workspace = await context.workspaces.createWithinLimit({ userId: context.ada, projectName: "lost" });
	});
	after(() => context.close());

	test("fails when its connection is lost, and takes another one", async () => {
		const { workspaces, dataSource, ada } = context;
		for (const read of [
			() => workspaces.findById(workspace),
			() => workspaces.countByUser(ada),
			() => dataSource.transaction((manager) => manager.withRepository(workspaces).findById(workspace)),
		]) {
			await whileLocked(async () => {
				const failed = assert.rejects(read(), { code: "CONNECTION_LOST" });
				await killReader();
				await failed;
			});
			assert.ok(await read());
		}
	});

	test("fails when it takes longer than the application's DataSource allows", async () => {
		await onHost(context, { maxQueryExecutionTime: 300, enableQueryTimeout: true }, async (host) => {
			const { workspaces } = repositoriesOf(host);
			await whileLocked(async () => {
				const calls = [workspaces.heartbeat(workspace, context.ada), workspaces.findById(workspace)];
				await Promise.all(calls.map((call) => assert.rejects(call, { code: "PROTOCOL_SEQUENCE_TIMEOUT" })));
			});
		});
	});

	test("fails where the DataSource was destroyed", async () => {
		const other = await openDataSource(context.database);
		await other.destroy();
		await assert.rejects(WorkspaceRepository.from(other).findById(workspace));
	});
});
