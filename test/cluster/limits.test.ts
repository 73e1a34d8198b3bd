import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { migrate, WorkspaceRepository, type WorkspacesDataSource } from "../../src";
import { ERROR, errorNumber } from "../../src/mysql/errorNumbers";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { signal } from "../../testing/proxy";
import { repositoriesOf } from "../repositories/context";
import { openOnNodes, untilApplied } from "./nodes";

const CALLERS = 15;

const times = <Item>(count: number, make: (index: number) => Item) =>
	Array.from({ length: count }, (_, index) => make(index));

/** How many calls succeeded, and how often each code was the answer of the others. */
async function outcomeOf(calls: readonly Promise<unknown>[]): Promise<Record<string, number>> {
	const outcome: Record<string, number> = {};
	for (const result of await Promise.allSettled(calls)) {
		if (result.status === "rejected" && typeof result.reason.code !== "string") throw result.reason;
		const code = result.status === "fulfilled" ? "ok" : `${result.reason.code} ${result.reason.errno ?? ""}`.trim();
		outcome[code] = (outcome[code] ?? 0) + 1;
	}
	return outcome;
}

describe("repositories on three nodes at once", () => {
	let database: TestDatabase;
	let dataSources: WorkspacesDataSource[];
	let nodes: ReturnType<typeof repositoriesOf>[];
	const node = (index: number) => nodes[index % nodes.length] ?? assert.fail();

	before(async () => {
		database = await createTestDatabase();
		dataSources = await openOnNodes(database, { poolSize: CALLERS });
		await migrate(dataSources[0] ?? assert.fail());
		nodes = dataSources.map((dataSource) => repositoriesOf(dataSource));
		await untilApplied(dataSources);
	});
	after(async () => {
		for (const dataSource of dataSources) await dataSource.destroy();
		await database.drop();
	});

	it("claim 90 ports, each another one", async (t) => {
		const [user = 0] = await addUsers(database, "claims");
		await node(0).limits.setOwn(user, { maxWorkspaces: 90 });
		const ids = await Promise.all(
			times(90, (index) => node(0).workspaces.createWithinLimit({ userId: user, projectName: `p${index}` })),
		);
		await untilApplied(dataSources);
		const start = performance.now();
		const ports = await Promise.all(ids.map((id, index) => node(index).ports.claimForWorkspace(id)));
		t.diagnostic(`90 claims in ${Math.round(performance.now() - start)} ms`);
		assert.deepEqual(
			ports.sort((a, b) => a - b),
			times(90, (index) => 10_000 + index),
		);
		await untilApplied(dataSources);
		for (const { ports: all } of nodes) assert.equal(await all.countAssigned(), 90);
	});

	it("create two workspaces of a user at a limit of two, whatever 600 calls do at once", async (t) => {
		const users = await addUsers(database, ...times(100, (index) => `limited${index}`));
		await untilApplied(dataSources);
		const start = performance.now();
		const calls = times(6, (turn) =>
			users.map((userId, index) =>
				node(turn + index).workspaces.createWithinLimit({ userId, projectName: `p${turn}` }),
			),
		).flat();
		const outcome = await outcomeOf(calls);
		t.diagnostic(`600 creations in ${Math.round(performance.now() - start)} ms`);
		assert.deepEqual(outcome, { ok: 200, LIMIT_REACHED: 400 });
		const counts = await database.rows<{ count: number }>(
			"SELECT DISTINCT COUNT(*) AS count FROM workspaces WHERE user_id IN (?) GROUP BY user_id",
			[users],
		);
		assert.deepEqual(counts, [{ count: 2 }]);
	});

	it("create three previews of a workspace at a limit of three", async () => {
		const [user = 0] = await addUsers(database, "previews");
		await node(0).limits.setOwn(user, { maxWorkspaces: 10, maxPreviewsPerWorkspace: 3 });
		const ids = await Promise.all(
			times(10, (index) => node(0).workspaces.createWithinLimit({ userId: user, projectName: `p${index}` })),
		);
		await untilApplied(dataSources);
		const calls = times(6, (turn) =>
			ids.map((workspaceId, index) =>
				node(turn + index).previews.createWithinLimit({
					workspaceId,
					userId: user,
					previewHash: `${workspaceId}-${turn}`,
				}),
			),
		);
		assert.deepEqual(await outcomeOf(calls.flat()), { ok: 30, LIMIT_REACHED: 30 });
	});

	it("start a workspace once, and change its status once", async () => {
		const [user = 0] = await addUsers(database, "once");
		const id = await node(0).workspaces.createWithinLimit({ userId: user, projectName: "p" });
		await untilApplied(dataSources);
		const claims = times(9, (index) => node(index).ports.claimForWorkspace(id, { from: 20_000, to: 20_100 }));
		assert.deepEqual(await outcomeOf(claims), { ok: 1, INVALID_TRANSITION: 8 });
		await untilApplied(dataSources);
		const stops = await Promise.all(times(9, (index) => node(index).workspaces.setStatus(id, "stopping")));
		assert.equal(stops.filter(Boolean).length, 1);
	});

	it("leave the conflict of two transactions to the caller, of which one is committed", async () => {
		const [user = 0] = await addUsers(database, "caller");
		await node(0).limits.setOwn(user, { maxWorkspaces: 1 });
		await untilApplied(dataSources);
		const both = twoSides();
		const calls = dataSources.slice(0, 2).map((dataSource, index) =>
			dataSource.transaction(async (manager) => {
				await WorkspaceRepository.from(manager).createWithinLimit({ userId: user, projectName: `p${index}` });
				await both();
			}),
		);
		const results = await Promise.allSettled(calls);
		const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
		assert.equal(reasons.length, 1);
		assert.equal(errorNumber(reasons[0]), ERROR.LOCK_DEADLOCK);
		assert.equal(await node(0).workspaces.countByUser(user), 1);
	});

	it("stay in a transaction that the caller began in SQL, and begin none where its session has none", async () => {
		const [user = 0] = await addUsers(database, "session");
		await untilApplied(dataSources);
		const queryRunner = (dataSources[0] ?? assert.fail()).createQueryRunner();
		try {
			const { workspaces } = repositoriesOf(queryRunner.manager);
			await queryRunner.query("START TRANSACTION");
			await workspaces.createWithinLimit({ userId: user, projectName: "rolled back" });
			await queryRunner.query("ROLLBACK");
			assert.equal(await node(0).workspaces.countByUser(user), 0);
			await workspaces.createWithinLimit({ userId: user, projectName: "done" });
			await queryRunner.query("ROLLBACK");
			assert.equal(await node(0).workspaces.countByUser(user), 1);
		} finally {
			await queryRunner.release();
		}
	});

	it("change nothing of the global row but a second of its time, and make it again once where it is gone", async () => {
		const [user = 0] = await addUsers(database, "global");
		await database.rows("UPDATE resource_limits SET updated_at = '2030-01-01 00:00:30' WHERE user_id IS NULL");
		const [before] = await database.rows("SELECT * FROM resource_limits WHERE user_id IS NULL");
		for (const projectName of ["a", "b"]) await node(0).workspaces.createWithinLimit({ userId: user, projectName });
		const [after] = await database.rows("SELECT * FROM resource_limits WHERE user_id IS NULL");
		assert.deepEqual(after, before);
		await database.rows("DELETE FROM resource_limits WHERE user_id IS NULL");
		await untilApplied(dataSources);
		await Promise.all(times(9, (index) => node(index).limits.setGlobal({ maxWorkspaces: 2 })));
		const rows = await database.rows<{ limit: number }>(
			"SELECT max_workspaces AS `limit` FROM resource_limits WHERE user_id IS NULL",
		);
		assert.deepEqual(rows, [{ limit: 2 }]);
	});

	it("show on one node what another one has just committed, to a session that waits for it", async () => {
		const [user = 0] = await addUsers(database, "reader");
		await untilApplied(dataSources);
		const queryRunner = (dataSources[1] ?? assert.fail()).createQueryRunner();
		try {
			await queryRunner.query("SET SESSION wsrep_sync_wait = 7");
			const reader = repositoriesOf(queryRunner.manager);
			for (let turn = 0; turn < 50; turn++) {
				await node(0).limits.setOwn(user, { maxWorkspaces: 1_000 + turn });
				assert.equal((await reader.limits.findEffective(user)).maxWorkspaces, 1_000 + turn);
			}
			const id = await node(0).workspaces.createWithinLimit({ userId: user, projectName: "p" });
			assert.ok(await reader.ports.claimForWorkspace(id, { from: 21_000, to: 21_100 }));
		} finally {
			await queryRunner.query("SET SESSION wsrep_sync_wait = 0");
			await queryRunner.release();
		}
	});
});

/** Each of two callers goes on once both have come. */
function twoSides(): () => Promise<void> {
	const { given, give } = signal();
	let missing = 2;
	return () => {
		missing--;
		if (missing === 0) give();
		return given;
	};
}
