import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createConnection } from "mysql2/promise";
import { migrate, revert } from "../../src";
import { LEASE_TABLE } from "../../src/deploy/lease";
import { migrations } from "../../src/migrations";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource, statementsOf, TABLES, withDataSource } from "../../testing/dataSource";
import { installOldDashboard } from "../../testing/oldDashboard";
import { startGate } from "../../testing/proxy";
import { runCommand, startCommand, variablesOf } from "../cli/command";
import { stateOf } from "../support/snapshot";
import { onNodes, stateOnNodes } from "./nodes";

const ROUNDS = 3;
const RUNS = 12;

describe("a run on three nodes", () => {
	let database: TestDatabase;
	let nodes: ReturnType<typeof onNodes>;

	beforeEach(async () => {
		database = await createTestDatabase();
		nodes = onNodes(database);
	});
	afterEach(() => database.drop());

	const tablesOn = async (node: TestDatabase) => {
		const rows = await withDataSource(node, {}, (dataSource) =>
			dataSource.query<Record<string, string>[]>("SET STATEMENT wsrep_sync_wait = 15 FOR SHOW TABLES"),
		);
		return rows.flatMap((row) => Object.values(row));
	};

	for (let round = 1; round <= ROUNDS; round++) {
		it(`is one of ${RUNS} at once; the others wait and find nothing to do (round ${round} of ${ROUNDS})`, async () => {
			const run = async (index: number) => {
				const events: string[] = [];
				const node = nodes[index % nodes.length] ?? assert.fail();
				const { report } = await withDataSource(node, { poolSize: 2 }, (dataSource) =>
					migrate(dataSource, { onEvent: (event) => void events.push(event.kind) }),
				);
				return { done: report?.migrations.length ?? 0, last: events.at(-1) };
			};
			const results = await Promise.all(Array.from({ length: RUNS }, (_, index) => run(index)));
			assert.deepEqual(
				results.filter(({ done }) => done),
				[{ done: migrations.length, last: "report" }],
			);
			assert.equal(results.filter(({ last }) => last === "upToDate").length, RUNS - 1);
			const states = await stateOnNodes(nodes);
			for (const state of states) assert.deepEqual(state, states[0]);
			for (const node of nodes)
				assert.deepEqual((await tablesOn(node)).filter((name) => TABLES.includes(name)).length, TABLES.length);
		});
	}

	it("reaches all of them, whatever wsrep_OSU_method the node has, and leaves the pool's sessions as they were", async () => {
		await database.rows("SET GLOBAL wsrep_OSU_method = RSU");
		try {
			const dataSource = await openDataSource(database, { poolSize: 3 });
			try {
				await migrate(dataSource);
				const sessions = await Promise.all(
					Array.from({ length: 3 }, () =>
						dataSource.query("SELECT @@wsrep_sync_wait AS wait, @@wsrep_OSU_method AS method, SLEEP(0.2)"),
					),
				);
				for (const [{ wait, method }] of sessions) assert.deepEqual([Number(wait), method], [0, "RSU"]);
			} finally {
				await dataSource.destroy();
			}
		} finally {
			await database.rows("SET GLOBAL wsrep_OSU_method = TOI");
		}
		const [size] = await database.rows<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'wsrep_cluster_size'");
		assert.equal(size?.Value, "3");
		for (const node of nodes) {
			const tables = await tablesOn(node);
			for (const table of TABLES) assert.ok(tables.includes(table), `${table} on ${node.port}`);
		}
	});

	it("sends neither GET_LOCK nor LOCK TABLES, which a cluster may forbid; the last revert leaves nothing", async () => {
		const before = await stateOf(database);
		await withDataSource(nodes[1], {}, async (dataSource) => {
			const sent = await statementsOf(dataSource, async () => {
				await migrate(dataSource);
				await revert(dataSource, { all: true });
			});
			assert.ok(
				sent.some((sql) => /^CREATE TABLE .*`workspaces`/.test(sql)) &&
					sent.some((sql) => /^DROP TABLE .*workspaces/.test(sql)),
			);
			assert.deepEqual(
				sent.filter((sql) => /GET_LOCK|IS_USED_LOCK|LOCK TABLES/i.test(sql)),
				[],
			);
		});
		for (const node of nodes) assert.deepEqual(await tablesOn(node), ["dashboard_users"]);
		assert.deepEqual(await stateOf(database), before);
	});

	it("leaves its statement to end at a signal, and goes on from there when it is run again", async () => {
		await installOldDashboard(database);
		const gate = await startGate(database, /^ALTER TABLE `workspace_logs`/);
		const blocker = await createConnection(database.url);
		try {
			const command = startCommand(["migrate"], variablesOf(gate.database));
			await gate.holds(command.outcome);
			await blocker.query("LOCK TABLES workspace_logs WRITE");
			gate.letGo();
			await until(async () =>
				(await statementsAt(database)).some((sql) => sql.startsWith("ALTER TABLE `workspace_logs`")),
			);
			command.child.kill("SIGTERM");
			await until(() => command.stderr().includes("SIGTERM: ending the statement"));
			// The server refuses to end it.
			await sleep(1_000);
			assert.equal(command.child.exitCode, null);
			await blocker.query("UNLOCK TABLES");
			const { code, stderr } = await command.outcome;
			assert.equal(code, 143, stderr);
			assert.match(stderr, /interrupted after step \d+ of \d+; run it again/);
			const again = await runCommand(["migrate"], variablesOf(nodes[2]));
			assert.equal(again.code, 0, again.stderr);
			assert.equal((await runCommand(["check"], variablesOf(nodes[1]))).code, 0);
		} finally {
			blocker.destroy();
			await gate.close();
		}
	});

	it("is planned with who waits and for how long about, and a plan leaves nothing", async () => {
		await installOldDashboard(database);
		const { code, stdout, stderr } = await runCommand(["plan"], variablesOf(nodes[1]));
		assert.equal(code, 0, stderr);
		assert.match(stdout, /^-- on this cluster every node waits for each statement that changes a table$/m);
		assert.match(stdout, /: every node waits, about a second or less$/m);
		const json = JSON.parse((await runCommand(["plan", "--json"], variablesOf(nodes[2]))).stdout);
		assert.equal(json.isCluster, true);
		assert.match((await runCommand(["doctor"], variablesOf(nodes[0]))).stdout, /Galera, 3 nodes, Primary, Synced/);
		for (const node of nodes) assert.ok(!(await tablesOn(node)).includes(LEASE_TABLE));
	});
});

/** What the sessions of a node are executing. */
async function statementsAt({ rows }: TestDatabase): Promise<string[]> {
	return (await rows<{ Info: string | null }>("SHOW FULL PROCESSLIST")).flatMap(({ Info }) => Info ?? []);
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
	for (const end = Date.now() + 30_000; !(await holds()); await sleep(50)) {
		if (Date.now() > end) throw new Error("what was waited for did not come");
	}
}
