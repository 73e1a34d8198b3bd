import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DashboardUser, Workspace } from "../../src";
import { addRunning, addUnlimitedUser, type Context, openContext, STARTED, secondsFromNow } from "./context";

let context: Context;

describe("workspaces", () => {
	before(async () => {
		context = await openContext();
	});
	after(() => context.close());

	test("a new one has the effective limits as defaults and all that was given", async () => {
		const { workspaces, limits, ada, bob, database } = context;
		await limits.setGlobal({ defaultCpu: "3", defaultRam: null });
		await limits.setOwn(ada, { defaultDisk: "99g" });
		const id = await workspaces.createWithinLimit({ userId: ada, projectName: "naïve 🚀" });
		const created = await workspaces.findById(id);
		assert.ok(created instanceof Workspace);
		const { createdAt, updatedAt, ...rest } = created;
		const expected: Record<string, unknown> = {
			id,
			userId: ada,
			projectName: "naïve 🚀",
			status: "stopped",
			internalPort: 8080,
			cpuLimit: "3",
			ramLimit: "2g",
			diskLimit: "99g",
			idleTimeoutMinutes: 30,
			maxLifetimeHours: 24,
		};
		for (const [property, value] of Object.entries(rest)) assert.deepEqual(value, expected[property] ?? null, property);
		for (const property of Object.keys(expected)) assert.ok(property in rest, property);
		assert.ok(Math.abs(await secondsFromNow(database, createdAt)) < 60);
		assert.deepEqual(updatedAt, createdAt);
		const own = { cpuLimit: "8", ramLimit: "16g", diskLimit: "1t", idleTimeoutMinutes: 5 };
		const second = await workspaces.createWithinLimit({ userId: bob, projectName: "second", ...own });
		const { cpuLimit, ramLimit, diskLimit, idleTimeoutMinutes } = (await workspaces.findById(second)) ?? {};
		assert.deepEqual({ cpuLimit, ramLimit, diskLimit, idleTimeoutMinutes }, own);
	});

	test("one is refused when the user has as many as allowed, when it exists, and when the user does not", async () => {
		const { workspaces, limits, database } = context;
		const user = await addUnlimitedUser(context, "refused");
		await workspaces.createWithinLimit({ userId: user, projectName: "first" });
		await assert.rejects(workspaces.createWithinLimit({ userId: user, projectName: "first" }), {
			code: "ALREADY_EXISTS",
			entity: "Workspace",
			properties: ["userId", "projectName"],
		});
		await limits.setOwn(user, { maxWorkspaces: 1 });
		await assert.rejects(workspaces.createWithinLimit({ userId: user, projectName: "second" }), {
			code: "LIMIT_REACHED",
			entity: "Workspace",
			limit: 1,
		});
		// At the limit, too, what is wrong with the call itself is said first.
		await assert.rejects(workspaces.createWithinLimit({ userId: user, projectName: "first" }), {
			code: "ALREADY_EXISTS",
		});
		await assert.rejects(workspaces.createWithinLimit({ userId: 999_999, projectName: "first" }), {
			code: "NOT_FOUND",
			entity: "DashboardUser",
		});
		assert.equal(await workspaces.countByUser(user), 1);
		assert.equal(
			(await database.rows("SELECT 1 FROM workspaces WHERE project_name = 'second' AND user_id = ?", [user])).length,
			0,
		);
	});

	test("one is created where somebody has deleted the global limits, which are there again then", async () => {
		const { workspaces, limits, database } = context;
		const user = await addUnlimitedUser(context, "restoring");
		await database.rows("DELETE FROM resource_limits WHERE user_id IS NULL");
		await workspaces.createWithinLimit({ userId: user, projectName: "first" });
		assert.equal((await limits.findGlobal())?.maxWorkspaces, 2);
	});

	test("they are found by id, by user and project, by user newest first, and by project alone", async () => {
		const { workspaces, database } = context;
		const [carol, dave] = [await addUnlimitedUser(context, "carol"), await addUnlimitedUser(context, "dave")];
		const old = await workspaces.createWithinLimit({ userId: carol, projectName: "old" });
		const older = await workspaces.createWithinLimit({ userId: carol, projectName: "older" });
		const shared = await workspaces.createWithinLimit({ userId: carol, projectName: "shared" });
		const other = await addRunning(context, dave, "shared");
		await database.rows("UPDATE workspaces SET created_at = NOW() - INTERVAL 1 DAY WHERE id = ?", [old]);
		await database.rows("UPDATE workspaces SET created_at = NOW() - INTERVAL 2 DAY WHERE id = ?", [older]);

		assert.equal((await workspaces.findByUserAndProject(carol, "old"))?.id, old);
		assert.equal(await workspaces.findByUserAndProject(dave, "old"), null);
		assert.equal(await workspaces.findById(999_999), null);
		assert.deepEqual(
			(await workspaces.listByUser(carol)).map(({ id }) => id),
			[shared, old, older],
		);
		assert.deepEqual(await workspaces.listByUser(999_999), []);
		assert.equal(await workspaces.countByUser(carol), 3);
		assert.equal(await workspaces.countByUser(999_999), 0);
		const routes = await workspaces.listRoutesByProject("shared");
		assert.deepEqual(
			routes.map((route) => ({ ...route })).sort((a, b) => a.id - b.id),
			[
				{ id: shared, userId: carol, containerId: null, status: "stopped" },
				{ id: other, userId: dave, containerId: STARTED.containerId, status: "running" },
			],
		);
	});

	test("lists by status hold those and no others, with the owner, the latest start first", async () => {
		const { workspaces, database } = context;
		await database.rows("DELETE FROM workspaces");
		const user = await addUnlimitedUser(context, "lister");
		const ids: Record<string, number> = {};
		for (const [name, status, started] of [
			["late", "running", "NOW()"],
			["early", "running", "NOW() - INTERVAL 1 HOUR"],
			["never", "running", "NULL"],
			["starting", "starting", "NOW() - INTERVAL 2 HOUR"],
			["stopping", "stopping", "NOW() - INTERVAL 3 HOUR"],
			["stopped", "stopped", "NULL"],
			["failed", "error", "NULL"],
		] as const) {
			const id = await workspaces.createWithinLimit({ userId: user, projectName: name });
			await database.rows(`UPDATE workspaces SET status = ?, started_at = ${started} WHERE id = ?`, [status, id]);
			ids[name] = id;
		}
		const running = await workspaces.listRunning();
		assert.deepEqual(
			running.map(({ projectName }) => projectName),
			["late", "early", "never"],
		);
		assert.ok(running[0]?.user instanceof DashboardUser);
		assert.deepEqual({ ...running[0].user }, { username: "lister", systemUsername: "sys_lister" });
		assert.deepEqual(
			Object.keys(running[0]).filter((property) => property.startsWith("user")),
			["userId", "user"],
		);
		const active = await workspaces.listActive();
		assert.deepEqual(
			active.map(({ projectName }) => projectName),
			["late", "early", "starting", "stopping", "never"],
		);
		assert.deepEqual({ ...active[0]?.user }, { username: "lister", systemUsername: "sys_lister" });
		assert.deepEqual((await workspaces.listWithContainer()).map(({ projectName }) => projectName).sort(), [
			"early",
			"late",
			"never",
			"starting",
		]);
	});

	test("resources change as far as they are given", async () => {
		const { workspaces } = context;
		const user = await addUnlimitedUser(context, "resizer");
		const id = await workspaces.createWithinLimit({ userId: user, projectName: "p", cpuLimit: "1", ramLimit: "1g" });
		const read = async () => {
			const { cpuLimit, ramLimit, diskLimit, idleTimeoutMinutes } = (await workspaces.findById(id)) ?? {};
			return [cpuLimit, ramLimit, diskLimit, idleTimeoutMinutes];
		};
		await workspaces.changeResources(id, { cpuLimit: "4" });
		assert.deepEqual(await read(), ["4", "1g", "10g", 30]);
		await workspaces.changeResources(id, { ramLimit: "8g", idleTimeoutMinutes: 90 });
		assert.deepEqual(await read(), ["4", "8g", "10g", 90]);
		await workspaces.changeResources(id, {});
		assert.deepEqual(await read(), ["4", "8g", "10g", 90]);
		await assert.rejects(workspaces.changeResources(999_999, { cpuLimit: "4" }), {
			code: "NOT_FOUND",
			entity: "Workspace",
		});
	});

	test("a heartbeat is recorded as of now, whoever sends it, and twice in a second", async () => {
		const { workspaces, database, ada, bob } = context;
		const id = await addRunning(context, await addUnlimitedUser(context, "beating"), "p");
		await database.rows("UPDATE workspaces SET last_activity = NOW() - INTERVAL 1 DAY WHERE id = ?", [id]);
		await workspaces.heartbeat(id, ada);
		await workspaces.heartbeat(id, bob);
		await workspaces.heartbeat(id, bob);
		const { lastActivity, lastAccessedBy } = (await workspaces.findById(id)) ?? {};
		assert.equal(lastAccessedBy, bob);
		assert.ok(Math.abs(await secondsFromNow(database, lastActivity)) < 60);
		await assert.rejects(workspaces.heartbeat(999_999, ada), { code: "NOT_FOUND", entity: "Workspace" });
		await assert.rejects(workspaces.heartbeat(id, 999_999), { code: "NOT_FOUND", entity: "DashboardUser" });
	});

	test("idle are those past their own timeout, since the start where they were never active", async () => {
		const { workspaces, database } = context;
		await database.rows("DELETE FROM workspaces");
		const user = await addUnlimitedUser(context, "idler");
		for (const [name, status, timeout, active, started] of [
			["idle", "running", 10, "NOW() - INTERVAL 11 MINUTE", "NOW() - INTERVAL 1 DAY"],
			["active", "running", 10, "NOW() - INTERVAL 9 MINUTE", "NOW() - INTERVAL 1 DAY"],
			["patient", "running", 60, "NOW() - INTERVAL 11 MINUTE", "NOW() - INTERVAL 1 DAY"],
			["never active", "running", 10, "NULL", "NOW() - INTERVAL 11 MINUTE"],
			["just started", "running", 10, "NULL", "NOW() - INTERVAL 9 MINUTE"],
			["default", "running", null, "NOW() - INTERVAL 31 MINUTE", "NOW() - INTERVAL 1 DAY"],
			["zero", "running", 0, "NOW() - INTERVAL 31 MINUTE", "NOW() - INTERVAL 1 DAY"],
			["within the default", "running", null, "NOW() - INTERVAL 29 MINUTE", "NOW() - INTERVAL 1 DAY"],
			["within zero", "running", 0, "NOW() - INTERVAL 29 MINUTE", "NOW() - INTERVAL 1 DAY"],
			["stopped", "stopped", 10, "NOW() - INTERVAL 1 DAY", "NOW() - INTERVAL 1 DAY"],
			["starting", "starting", 10, "NOW() - INTERVAL 1 DAY", "NOW() - INTERVAL 1 DAY"],
		] as const) {
			await database.rows(
				`INSERT INTO workspaces (user_id, project_name, status, idle_timeout_minutes, last_activity, started_at)
					VALUES (?, ?, ?, ?, ${active}, ${started})`,
				[user, name, status, timeout],
			);
		}
		const idle = await workspaces.listIdle();
		assert.deepEqual(idle.map(({ projectName }) => projectName).sort(), ["default", "idle", "never active", "zero"]);
		assert.ok(idle[0] instanceof Workspace);
	});

	test("past their lifetime are those that started longer ago than they may run", async () => {
		const { workspaces, database } = context;
		await database.rows("DELETE FROM workspaces");
		const user = await addUnlimitedUser(context, "elder");
		for (const [name, status, hours, started] of [
			["old", "running", 24, "NOW() - INTERVAL 25 HOUR"],
			["young", "running", 24, "NOW() - INTERVAL 23 HOUR"],
			["long-lived", "running", 48, "NOW() - INTERVAL 25 HOUR"],
			["default", "running", null, "NOW() - INTERVAL 25 HOUR"],
			["zero", "running", 0, "NOW() - INTERVAL 25 HOUR"],
			["within the default", "running", null, "NOW() - INTERVAL 23 HOUR"],
			["stopped", "stopped", 24, "NOW() - INTERVAL 25 HOUR"],
		] as const) {
			await database.rows(
				`INSERT INTO workspaces (user_id, project_name, status, max_lifetime_hours, last_activity, started_at)
					VALUES (?, ?, ?, ?, NOW(), ${started})`,
				[user, name, status, hours],
			);
		}
		const past = await workspaces.listPastLifetime();
		assert.deepEqual(past.map(({ projectName }) => projectName).sort(), ["default", "old", "zero"]);
	});

	test("the code-server password comes back byte for byte, or null", async () => {
		const { workspaces } = context;
		const user = await addUnlimitedUser(context, "secretive");
		const id = await addRunning(context, user, "p");
		const password = await workspaces.findCodeServerPassword(id);
		assert.deepEqual(password?.encrypted, STARTED.codeServerPasswordEncrypted);
		assert.deepEqual(password?.iv, STARTED.codeServerPasswordIv);
		const without = await workspaces.createWithinLimit({ userId: user, projectName: "without" });
		assert.equal(await workspaces.findCodeServerPassword(without), null);
		assert.equal(await workspaces.findCodeServerPassword(999_999), null);
	});

	test("deleting one takes its previews along and leaves its log", async () => {
		const { workspaces, previews, logs } = context;
		const user = await addUnlimitedUser(context, "deleter");
		const id = await addRunning(context, user, "p");
		const preview = await previews.createWithinLimit({ workspaceId: id, userId: user, previewHash: "deleted-with" });
		await logs.append({ workspaceId: id, userId: user, projectName: "p", action: "delete" });
		assert.equal(await workspaces.deleteById(id), true);
		assert.equal(await workspaces.deleteById(id), false);
		assert.equal(await workspaces.findById(id), null);
		assert.equal(await previews.findById(preview), null);
		const { entries } = await logs.pageOfProject(user, "p");
		assert.deepEqual(
			entries.map(({ action, workspaceId }) => ({ action, workspaceId })),
			[{ action: "delete", workspaceId: null }],
		);
	});
});
