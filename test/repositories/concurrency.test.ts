import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "mysql2";
import { DataSource, type Logger, type QueryRunner } from "typeorm";
import { API_KEY_PROVIDERS, entities, PortRepository } from "../../src";
import { addUsers } from "../../testing/database";
import { addUnlimitedUser, type Context, onHost, openContext, repositoriesOf, STARTED } from "./context";

const CALLERS = 50;
const SESSIONS = 25;

let context: Context;
let names = 0;

const name = () => `name-${names++}`;

/** What so many calls at once come to: how many succeeded, and how often each code was the answer. */
async function atOnce(calls: (() => Promise<unknown>)[]): Promise<Record<string, number>> {
	const outcome: Record<string, number> = {};
	const results = await Promise.allSettled(calls.map((call) => call()));
	for (const result of results) {
		const { code } = result.status === "fulfilled" ? { code: "ok" } : result.reason;
		if (!/^(ok|[A-Z_]+)$/.test(code ?? "") || /^ER_/.test(code)) throw (result as PromiseRejectedResult).reason;
		outcome[code] = (outcome[code] ?? 0) + 1;
	}
	return outcome;
}

const times = <Item>(count: number, make: (index: number) => Item) =>
	Array.from({ length: count }, (_, index) => make(index));

/** An application's DataSource whose sessions see what others commit at once. */
async function openReadCommitted(): Promise<DataSource> {
	const type = context.dataSource.options.type as "mysql";
	const host = new DataSource({ type, url: context.database.url, entities, poolSize: SESSIONS });
	await host.initialize();
	const setting = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
	await host.query(setting);
	(host.driver as unknown as { pool: Pool }).pool.on("connection", (connection) => connection.query(setting));
	return host;
}

describe("many callers at once", () => {
	before(async () => {
		context = await openContext({ poolSize: SESSIONS });
	});
	beforeEach(() => context.database.rows("DELETE FROM workspaces"));
	after(() => context.close());

	for (const isolation of ["REPEATABLE READ", "READ COMMITTED"]) {
		const using = async (work: (repositories: ReturnType<typeof repositoriesOf>) => Promise<void>) => {
			if (isolation === "REPEATABLE READ") return work(context);
			const host = await openReadCommitted();
			try {
				await work(repositoriesOf(host));
			} finally {
				await host.destroy();
			}
		};

		test(`create exactly as many workspaces of a user as allowed (${isolation})`, () =>
			using(async ({ workspaces, limits }) => {
				const user = await addUnlimitedUser(context, name());
				await limits.setOwn(user, { maxWorkspaces: 7 });
				const calls = times(CALLERS, () => () => workspaces.createWithinLimit({ userId: user, projectName: name() }));
				assert.deepEqual(await atOnce(calls), { ok: 7, LIMIT_REACHED: 43 });
				assert.equal(await workspaces.countByUser(user), 7);
			}));

		test(`create exactly as many previews of a workspace as allowed (${isolation})`, () =>
			using(async ({ workspaces, previews, limits }) => {
				const user = await addUnlimitedUser(context, name());
				const ids = await Promise.all(
					times(10, () => workspaces.createWithinLimit({ userId: user, projectName: name() })),
				);
				await limits.setOwn(user, { maxPreviewsPerWorkspace: 3 });
				const calls = ids.flatMap((workspaceId) =>
					times(5, () => () => previews.createWithinLimit({ workspaceId, userId: user, previewHash: name() })),
				);
				assert.deepEqual(await atOnce(calls), { ok: 30, LIMIT_REACHED: 20 });
				assert.deepEqual(new Set((await previews.countActiveByWorkspaces(ids)).values()), new Set([3]));
			}));

		test(`claim no port twice, the lowest first, until the range is full (${isolation})`, () =>
			using(async ({ workspaces, previews, ports }) => {
				const user = await addUnlimitedUser(context, name());
				const [parent = 0, ...ids] = await Promise.all(
					times(26, () => workspaces.createWithinLimit({ userId: user, projectName: name() })),
				);
				const previewIds = await Promise.all(
					times(25, () => previews.createWithinLimit({ workspaceId: parent, userId: user, previewHash: name() })),
				);
				const range = { from: 40_000, to: 40_029 };
				const calls = [
					...ids.map((id) => () => ports.claimForWorkspace(id, range)),
					...previewIds.map((id) => () => ports.claimForPreview(id, range)),
				];
				assert.deepEqual(await atOnce(calls), { ok: 30, NO_FREE_PORT: 20 });
				assert.deepEqual(
					await ports.listAssigned(),
					times(30, (index) => 40_000 + index),
				);
				assert.equal(await ports.countAssigned(), 30);
				const starting = (await workspaces.listByUser(user)).filter(({ status }) => status === "starting");
				assert.ok(starting.every(({ assignedPort }) => assignedPort !== null));
			}));
	}

	test("of different users each get their workspace", async () => {
		const { workspaces, database } = context;
		const users = await addUsers(database, ...times(CALLERS, name));
		const calls = users.flatMap((userId) =>
			times(1, () => () => workspaces.createWithinLimit({ userId, projectName: "p" })),
		);
		assert.deepEqual(await atOnce(calls), { ok: CALLERS });
	});

	test("create a project's workspace once", async () => {
		const { workspaces } = context;
		const user = await addUnlimitedUser(context, name());
		const calls = times(CALLERS, () => () => workspaces.createWithinLimit({ userId: user, projectName: "same" }));
		assert.deepEqual(await atOnce(calls), { ok: 1, ALREADY_EXISTS: 49 });
	});

	test("start a workspace once, and run and stop it once", async () => {
		const { workspaces, ports } = context;
		const user = await addUnlimitedUser(context, name());
		const id = await workspaces.createWithinLimit({ userId: user, projectName: name() });
		const claims = times(CALLERS, () => () => ports.claimForWorkspace(id));
		assert.deepEqual(await atOnce(claims), { ok: 1, INVALID_TRANSITION: 49 });
		for (const change of [
			() => workspaces.markRunning(id, STARTED),
			() => workspaces.setStatus(id, "stopping"),
			() => workspaces.markStopped(id),
			() => workspaces.setStatus(id, "starting"),
		]) {
			const changed = await Promise.all(times(CALLERS, change));
			assert.equal(changed.filter(Boolean).length, 1);
		}
	});

	test("start and stop over and over, and no port is ever held twice", async () => {
		const { workspaces, ports, database } = context;
		const user = await addUnlimitedUser(context, name());
		const ids = await Promise.all(times(10, () => workspaces.createWithinLimit({ userId: user, projectName: name() })));
		let isDone = false;
		let samples = 0;
		const sample = async () => {
			while (!isDone) {
				const twice = await database.rows(
					"SELECT assigned_port FROM workspaces WHERE assigned_port > 0 GROUP BY assigned_port HAVING COUNT(*) > 1",
				);
				assert.deepEqual(twice, []);
				samples++;
			}
		};
		const cycle = async (id: number) => {
			for (let turn = 0; turn < 8; turn++) {
				await ports.claimForWorkspace(id);
				await workspaces.markRunning(id, STARTED);
				await workspaces.markStopped(id);
			}
		};
		const sampling = sample();
		await Promise.all(ids.map(cycle)).finally(() => {
			isDone = true;
		});
		await sampling;
		assert.ok(samples > 0);
		assert.equal(await ports.countAssigned(), 0);
	});

	test("set keys of new users, and none is lost", async () => {
		const { keys, database } = context;
		const users = await addUsers(database, ...times(5, name));
		const calls = users.flatMap((user) =>
			times(CALLERS / 5, (index) => () => {
				const provider = API_KEY_PROVIDERS[index % 2] ?? "openai";
				return keys.setKey(user, provider, Buffer.from(`${provider} ${user}`), Buffer.alloc(16));
			}),
		);
		assert.deepEqual(await atOnce(calls), { ok: CALLERS });
		for (const user of users) {
			for (const provider of API_KEY_PROVIDERS) {
				assert.equal((await keys.findKey(user, provider))?.encrypted.toString(), `${provider} ${user}`);
			}
		}
	});

	test("set different limits, global and of a new user, and none is lost", async () => {
		const { limits, database } = context;
		const [user = 0] = await addUsers(database, name());
		const changes = [
			{ maxWorkspaces: 11 },
			{ defaultCpu: "12" },
			{ defaultRam: "13g" },
			{ defaultDisk: "14g" },
			{ defaultIdleTimeout: 15 },
			{ maxPreviewsPerWorkspace: 16 },
			{ defaultPreviewLifetimeHours: 17 },
		];
		await database.rows("DELETE FROM resource_limits WHERE user_id IS NULL");
		for (const set of [(change: object) => limits.setOwn(user, change), (change: object) => limits.setGlobal(change)]) {
			const calls = times(CALLERS, (index) => () => set(changes[index % changes.length] ?? {}));
			assert.deepEqual(await atOnce(calls), { ok: CALLERS });
		}
		for (const row of [await limits.findOwn(user), await limits.findGlobal()]) {
			assert.deepEqual({ ...row, ...Object.assign({}, ...changes) }, { ...row });
		}
		assert.equal((await database.rows("SELECT id FROM resource_limits WHERE user_id IS NULL")).length, 1);
		await limits.setGlobal({ maxWorkspaces: 2 });
	});

	test("create, claim and set limits at once without a deadlock", async () => {
		const errors: string[] = [];
		const nothing = () => undefined;
		const logger = {
			logQuery: nothing,
			logQueryError: ({ errno }: { errno?: number }) => errors.push(`${errno}`),
			log: nothing,
		};
		const users = await addUsers(context.database, ...times(10, name));
		await onHost(context, { logger: logger as unknown as Logger, poolSize: CALLERS }, async (host) => {
			const { workspaces, limits, ports } = repositoriesOf(host);
			const calls = times(600, (index) => () => {
				const user = users[index % users.length] ?? 0;
				const work = [
					() => workspaces.createWithinLimit({ userId: user, projectName: name() }),
					() => limits.setOwn(user, { maxWorkspaces: 5 + (index % 5) }),
					() => limits.removeOwn(user),
					() => limits.setGlobal({ maxWorkspaces: 5 + (index % 5) }),
					async () => {
						const [workspace] = await workspaces.listByUser(user);
						if (workspace) await ports.claimForWorkspace(workspace.id);
					},
				][Math.floor(index / users.length) % 5];
				return work?.() ?? Promise.reject(new Error("no work"));
			});
			const { BUSY, ...outcome } = await atOnce(calls);
			assert.equal(BUSY, undefined);
			assert.ok((outcome["ok"] ?? 0) > 300, JSON.stringify(outcome));
		});
		await context.limits.setGlobal({ maxWorkspaces: 2 });
		// Not even those that are made again.
		assert.ok(!errors.includes("1213"), errors.join());
	});

	test("a claim is made again after a deadlock, unless the transaction is the caller's", async () => {
		const errors: unknown[] = [];
		const nothing = () => undefined;
		const logger = { logQuery: nothing, logQueryError: (error: unknown) => errors.push(error), log: nothing };
		await onHost(context, { logger: logger as unknown as Logger }, async (host) => {
			const { workspaces } = repositoriesOf(host);
			const user = await addUnlimitedUser(context, name());
			const id = await workspaces.createWithinLimit({ userId: user, projectName: name() });
			const holder = await workspaces.createWithinLimit({ userId: user, projectName: name() });
			await context.database.rows("UPDATE workspaces SET assigned_port = 10040 WHERE id = ?", [holder]);
			assert.equal(await deadlock(host, holder, () => PortRepository.from(host).claimForWorkspace(id)), 10_000);
			assert.equal(errors.length, 1);
			assert.equal((errors[0] as { errno: number }).errno, 1213);
			await workspaces.markStopped(id);
			const inCallers = () => host.transaction((manager) => PortRepository.from(manager).claimForWorkspace(id));
			await assert.rejects(deadlock(host, holder, inCallers), { errno: 1213 });
			assert.equal((await workspaces.findById(id))?.status, "stopped");
		});
	});

	test("a caller's transaction with an older snapshot exceeds no limit and claims no port twice", async () => {
		const { dataSource, workspaces, ports, limits } = context;
		const user = await addUnlimitedUser(context, name());
		const [first = 0, second = 0] = await Promise.all(
			times(2, () => workspaces.createWithinLimit({ userId: user, projectName: name() })),
		);
		await limits.setOwn(user, { maxWorkspaces: 3 });
		const claimed = dataSource.transaction("REPEATABLE READ", async (manager) => {
			const inside = repositoriesOf(manager);
			assert.equal(await inside.workspaces.countByUser(user), 2);
			assert.equal(await ports.claimForWorkspace(first), 10_000);
			return inside.ports.claimForWorkspace(second);
		});
		// MariaDB 11.6.2 and later rather end a transaction that meets a row newer than its snapshot.
		assert.ok([10_001, 1020].includes(await claimed.catch(({ errno }) => errno)));
		const created = dataSource.transaction("REPEATABLE READ", async (manager) => {
			const inside = repositoriesOf(manager);
			assert.equal(await inside.workspaces.countByUser(user), 2);
			await workspaces.createWithinLimit({ userId: user, projectName: name() });
			return inside.workspaces.createWithinLimit({ userId: user, projectName: name() });
		});
		const answer = await created.catch(({ errno, code }) => errno ?? code);
		assert.ok(["LIMIT_REACHED", 1020].includes(answer), answer);
		assert.equal(await workspaces.countByUser(user), 3);
	});
});

/** Runs a claim into a deadlock with a session that has changed more, so that the server gives up the claim. */
async function deadlock<Result>(host: DataSource, holder: number, claim: () => Promise<Result>): Promise<Result> {
	const other = host.createQueryRunner();
	await other.startTransaction();
	try {
		await other.query(
			"INSERT INTO workspace_logs (user_id, project_name, action) SELECT a.id, 'p', 'start' FROM dashboard_users a, dashboard_users b",
		);
		// What the claim reads while it holds the global row.
		await other.query("UPDATE workspaces SET assigned_port = assigned_port + 1 WHERE id = ?", [holder]);
		const claimed = claim();
		claimed.catch(() => undefined);
		await untilWaiting(other);
		await other.query("SELECT id FROM resource_limits WHERE global_row = 1 FOR UPDATE");
		await other.commitTransaction();
		return await claimed;
	} finally {
		if (other.isTransactionActive) await other.rollbackTransaction();
		await other.release();
	}
}

/** Until another session waits for a row of this one's. */
async function untilWaiting(runner: QueryRunner): Promise<void> {
	for (let attempt = 0; attempt < 100; attempt++) {
		// The server shows the same picture again to who asks more often than every tenth of a second.
		await sleep(150);
		const waiting = await runner.query("SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'");
		if (waiting.length) return;
	}
	throw new Error("No session waits for this one");
}
