import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import {
	type InvalidTransitionError,
	PREVIEW_TRANSITIONS,
	WORKSPACE_TRANSITIONS,
	type WorkspaceStatus,
} from "../../src";
import { addRunning, addUnlimitedUser, type Context, onHost, openContext, repositoriesOf, STARTED } from "./context";

let context: Context;
let user: number;

const addWorkspace = () =>
	context.workspaces.createWithinLimit({ userId: user, projectName: `project ${Math.random()}` });
const addPreview = async (workspaceId?: number) =>
	context.previews.createWithinLimit({
		workspaceId: workspaceId ?? (await addWorkspace()),
		userId: user,
		previewHash: `${Math.random()}`,
	});
const PREVIEW_STARTED = { containerId: "c", containerName: "n", previewUrl: "https://u" };

/** A preview that runs with a port, and how many hours it still has. */
async function addRunningPreview(hours = 24): Promise<number> {
	const { previews, ports, database } = context;
	const id = await addPreview();
	await ports.claimForPreview(id);
	await previews.markRunning(id, PREVIEW_STARTED);
	await database.rows("UPDATE preview_environments SET expires_at = NOW() + INTERVAL ? HOUR WHERE id = ?", [hours, id]);
	return id;
}

const overdue = () => addRunningPreview(-1);

async function workspace(id: number) {
	const { status, containerId, assignedPort, errorMessage } = (await context.workspaces.findById(id)) ?? {};
	return { status, containerId, assignedPort, errorMessage };
}

async function preview(id: number) {
	const { status, containerId, assignedPort, errorMessage } = (await context.previews.findById(id)) ?? {};
	return { status, containerId, assignedPort, errorMessage };
}

const unsettled = async () => ({
	workspaces: (await context.workspaces.listUnsettled()).map(({ id }) => id),
	previews: (await context.previews.listUnsettled()).map(({ id }) => id),
});

describe("a life cycle", () => {
	before(async () => {
		context = await openContext();
		user = await addUnlimitedUser(context, "cyclist");
	});
	beforeEach(() => context.database.rows("DELETE FROM workspaces"));
	after(() => context.close());

	test("that a shut-down cut off goes on after a restart", async () => {
		const { workspaces, ports } = context;
		const [runs, gone] = [await addRunning(context, user, "runs"), await addRunning(context, user, "gone")];
		assert.equal(await workspaces.markAllStopping(), 2);
		assert.deepEqual((await unsettled()).workspaces.sort(), [runs, gone].sort());
		assert.equal(await workspaces.reconcile(runs, { running: true }), true);
		assert.equal(await workspaces.reconcile(gone, { running: false }), true);
		assert.equal((await workspace(runs)).status, "running");
		assert.deepEqual(await workspace(gone), {
			status: "stopped",
			containerId: null,
			assignedPort: null,
			errorMessage: null,
		});
		assert.deepEqual((await unsettled()).workspaces, [runs]);
		assert.equal(await workspaces.reconcile(runs, { running: true }), false);
		assert.equal(await workspaces.reconcile(gone, { running: false }), false);
		assert.equal(await ports.countAssigned(), 1);
		await ports.claimForWorkspace(gone);
	});

	test("is reconciled from every status to what Docker says, with the port", async () => {
		const { workspaces, previews, database, ports } = context;
		const container = { containerId: "found", containerName: "by name", port: 10_077 };
		for (const status of ["stopped", "starting", "running", "stopping", "error", null]) {
			const id = await addWorkspace();
			await database.rows("UPDATE workspaces SET status = ?, assigned_port = 10050 WHERE id = ?", [status, id]);
			assert.ok((await unsettled()).workspaces.includes(id), `${status}`);
			assert.equal(await workspaces.reconcile(id, { running: true, ...container }), true);
			const { startedAt, lastActivity, containerName } = (await workspaces.findById(id)) ?? {};
			assert.ok(startedAt && lastActivity);
			assert.equal(containerName, "by name");
			assert.deepEqual(await workspace(id), {
				status: "running",
				containerId: "found",
				assignedPort: 10_077,
				errorMessage: null,
			});
			assert.equal(await workspaces.reconcile(id, { running: true, ...container }), false);
			await database.rows("UPDATE workspaces SET status = ? WHERE id = ?", [status, id]);
			assert.equal(await workspaces.reconcile(id, { running: false }), true);
			assert.equal((await workspace(id)).status, "stopped");
			assert.equal(await workspaces.reconcile(id, { running: false }), false);
		}
		for (const status of ["creating", "running", "stopping", "stopped", "expired", "error", null]) {
			const id = await addPreview();
			await database.rows("UPDATE preview_environments SET status = ?, container_id = 'c' WHERE id = ?", [status, id]);
			assert.ok((await unsettled()).previews.includes(id), `${status}`);
			assert.equal(await previews.reconcile(id, { running: true, ...container }), true);
			assert.equal((await preview(id)).status, "running");
			assert.equal((await preview(id)).assignedPort, 10_077);
			assert.equal(await previews.reconcile(id, { running: true, ...container }), false);
			await database.rows("UPDATE preview_environments SET status = ? WHERE id = ?", [status, id]);
			assert.equal(await previews.reconcile(id, { running: false }), true);
			assert.equal((await preview(id)).status, status === "expired" ? "expired" : "stopped");
			assert.equal(await previews.reconcile(id, { running: false }), false);
		}
		assert.deepEqual(await unsettled(), { workspaces: [], previews: [] });
		assert.equal(await ports.countAssigned(), 0);
		await assert.rejects(workspaces.reconcile(999_999, { running: true }), { code: "NOT_FOUND" });
		await assert.rejects(previews.reconcile(999_999, { running: false }), { code: "NOT_FOUND" });
		const missing = workspaces.reconcile(1, {} as { running: boolean });
		await assert.rejects(missing, { code: "INVALID_VALUE", property: "running" });
	});

	test("is settled where it is at rest and holds nothing", async () => {
		const { workspaces, previews, database } = context;
		await addWorkspace();
		const failed = await addWorkspace();
		await workspaces.markFailed(failed, "no");
		const id = await addPreview();
		await previews.markFailed(id, "no");
		assert.deepEqual(await unsettled(), { workspaces: [], previews: [] });
		await database.rows("UPDATE workspaces SET container_id = 'left over' WHERE id = ?", [failed]);
		await database.rows("UPDATE preview_environments SET assigned_port = 10000 WHERE id = ?", [id]);
		assert.deepEqual(await unsettled(), { workspaces: [failed], previews: [id] });
	});

	test("keeps a port of its own only where no other row holds it", async () => {
		const { workspaces, ports, database } = context;
		const [running, failed] = [await addRunning(context, user, "one"), await addWorkspace()];
		await database.rows("UPDATE workspaces SET status = 'error', assigned_port = 10000 WHERE id = ?", [failed]);
		assert.equal(await ports.countAssigned(), 1);
		assert.equal(await ports.claimForWorkspace(failed), 10_001);
		assert.equal((await workspace(running)).assignedPort, 10_000);
		await workspaces.markFailed(failed, "again");
		await database.rows("UPDATE workspaces SET assigned_port = 10030 WHERE id = ?", [failed]);
		assert.equal(await ports.claimForWorkspace(failed), 10_030);
		const [one, other] = [await addPreview(), await addPreview()];
		await database.rows("UPDATE preview_environments SET assigned_port = 10030 WHERE id = ?", [one]);
		await database.rows("UPDATE preview_environments SET assigned_port = 10031 WHERE id = ?", [other]);
		assert.equal(await ports.claimForPreview(one), 10_001);
		assert.equal(await ports.claimForPreview(other), 10_031);
	});

	test("gets no port that the caller excepts, not even its own", async () => {
		const { workspaces, ports } = context;
		const id = await addWorkspace();
		const except = [10_000, 10_001, 10_003, 7, 70_000];
		assert.equal(await ports.claimForWorkspace(id, { except }), 10_002);
		await workspaces.markRunning(id, STARTED);
		await workspaces.markFailed(id, "broke");
		assert.equal((await workspace(id)).assignedPort, 10_002);
		assert.equal(await ports.claimForWorkspace(id, { except: [10_000, 10_002] }), 10_001);
		const range = { from: 20_000, to: 20_003 };
		assert.equal(await ports.claimForPreview(await addPreview(), { ...range, except: [20_000, 20_002] }), 20_001);
		const full = ports.claimForPreview(await addPreview(), { ...range, except: [20_000, 20_002, 20_003] });
		await assert.rejects(full, { code: "NO_FREE_PORT", ...range });
	});

	test("that fails gives its port back unless a container is known", async () => {
		const { workspaces, previews, ports } = context;
		const range = { from: 30_000, to: 30_001 };
		const [id, other] = [await addWorkspace(), await addPreview()];
		for (let turn = 0; turn < 5; turn++) {
			const port = await ports.claimForWorkspace(id, range);
			assert.equal(await workspaces.markFailed(id, `outage ${turn}`, { port }), true);
			assert.deepEqual(await workspace(id), {
				status: "error",
				containerId: null,
				assignedPort: null,
				errorMessage: `outage ${turn}`,
			});
			const failing = await addPreview();
			await ports.claimForPreview(failing, range);
			assert.equal(await previews.markFailed(failing, "outage"), true);
			assert.equal((await preview(failing)).assignedPort, null);
		}
		assert.equal(await ports.countAssigned(), 0);
		await ports.claimForWorkspace(id, range);
		await workspaces.markRunning(id, STARTED);
		await workspaces.markFailed(id, "cannot be removed");
		assert.equal((await workspace(id)).assignedPort, 30_000);
		await ports.claimForPreview(other, range);
		await previews.markRunning(other, PREVIEW_STARTED);
		await previews.markFailed(other, "cannot be removed");
		assert.equal((await preview(other)).assignedPort, 30_001);
		assert.equal(await workspaces.markStopped(id), true);
		assert.equal(await previews.markStopped(other), true);
		assert.equal(await ports.countAssigned(), 0);
	});

	test("is failed by the start that failed, and by none that lost or came before", async () => {
		const { workspaces, ports } = context;
		const id = await addWorkspace();
		const port = await ports.claimForWorkspace(id);
		await assert.rejects(ports.claimForWorkspace(id), { code: "INVALID_TRANSITION", from: "starting", to: "starting" });
		assert.equal(await workspaces.markFailed(id, "lost", { port: port + 1 }), false);
		assert.equal((await workspace(id)).status, "starting");
		await workspaces.markStopped(id);
		assert.equal(await workspaces.markFailed(id, "too late", { port }), false);
		assert.equal((await workspace(id)).status, "stopped");
		const full = ports.claimForWorkspace(id, { from: 1, to: 1, except: [1] });
		await assert.rejects(full, { code: "NO_FREE_PORT" });
		assert.equal(await workspaces.markFailed(id, "no free port"), true);
		assert.equal(await workspaces.markFailed(id, "no free port"), false);
		assert.deepEqual(await workspace(id), {
			status: "error",
			containerId: null,
			assignedPort: null,
			errorMessage: "no free port",
		});
		await assert.rejects(workspaces.markFailed(999_999, "x"), { code: "NOT_FOUND" });
	});

	test("is not continued by a start that another one has overtaken", async () => {
		const { workspaces, previews, ports } = context;
		const id = await addWorkspace();
		const port = await ports.claimForWorkspace(id);
		await workspaces.markStopped(id);
		assert.equal(await ports.claimForWorkspace(await addWorkspace()), port);
		const later = await ports.claimForWorkspace(id);
		assert.notEqual(later, port);
		const late = { ...STARTED, containerId: "late" };
		await assert.rejects(workspaces.markRunning(id, late, { port }), {
			code: "INVALID_TRANSITION",
			from: "starting",
			to: "running",
			message: /this start was ended, or another one took its place/,
		});
		const held = { status: "starting", containerId: null, assignedPort: later, errorMessage: null };
		assert.deepEqual(await workspace(id), held);
		assert.equal(await workspaces.markRunning(id, STARTED, { port: later }), true);
		assert.equal(await workspaces.markRunning(id, STARTED, { port: later }), false);
		await assert.rejects(workspaces.markRunning(id, late, { port }), { from: "running", to: "running" });
		assert.deepEqual(await workspace(id), { ...held, status: "running", containerId: STARTED.containerId });

		const other = await addPreview();
		const first = await ports.claimForPreview(other);
		const second = await ports.claimForPreview(other, { from: first + 50, to: first + 99 });
		const overtaken = previews.markRunning(other, PREVIEW_STARTED, { port: first });
		await assert.rejects(overtaken, { code: "INVALID_TRANSITION", from: "creating", to: "running" });
		assert.equal((await preview(other)).status, "creating");
		assert.equal(await previews.markRunning(other, PREVIEW_STARTED, { port: second }), true);
		assert.deepEqual((await preview(other)).assignedPort, second);
		const without = previews.markRunning(await addPreview(), PREVIEW_STARTED, { port: first });
		await assert.rejects(without, { from: "creating" }, "it holds none");
	});

	test("of a preview ends by expiring or goes on by extending, never both", async () => {
		const { previews, ports } = context;
		const id = await overdue();
		assert.equal(await previews.beginExpiry(id), true);
		assert.equal(await previews.beginExpiry(id), false);
		const { status, assignedPort, containerId } = await preview(id);
		assert.deepEqual([status, assignedPort, containerId], ["stopping", 10_000, "c"]);
		const lost = {
			code: "INVALID_TRANSITION",
			from: "stopping",
			to: "extended",
			message: /^The preview is being stopped/,
		};
		await assert.rejects(previews.extendBy(id, { hours: 1 }), lost);
		await assert.rejects(previews.extendExpiry(id, new Date("2031-01-01")), lost);
		assert.equal(await previews.markExpired(id), true);
		assert.equal(await previews.markExpired(id), false);
		assert.equal(await ports.countAssigned(), 0);

		const extended = await overdue();
		const expiresAt = await previews.extendBy(extended, { hours: 2 });
		assert.deepEqual((await previews.findById(extended))?.expiresAt, expiresAt);
		assert.equal(await previews.beginExpiry(extended), false);
		await assert.rejects(previews.markExpired(extended), {
			code: "INVALID_TRANSITION",
			from: "running",
			to: "expired",
		});
		assert.equal(await previews.beginExpiry(999_999), false);

		const contended = await Promise.all(Array.from({ length: 10 }, overdue));
		const outcomes = await Promise.all(
			contended.flatMap((one) => [
				previews.beginExpiry(one),
				previews.extendBy(one, { hours: 5 }).then(
					() => true,
					({ code }) => code === "LIMIT_REACHED",
				),
			]),
		);
		for (let index = 0; index < outcomes.length; index += 2) assert.notEqual(outcomes[index], outcomes[index + 1]);
	});

	test("of a preview is put off by every one of twenty extensions at once", async () => {
		const { previews } = context;
		const id = await addRunningPreview();
		const before = (await previews.findById(id))?.expiresAt.getTime() ?? 0;
		const expiries = await Promise.all(Array.from({ length: 20 }, () => previews.extendBy(id, { hours: 3 })));
		const hours = expiries.map((expiry) => (expiry.getTime() - before) / 3_600_000).sort((a, b) => a - b);
		assert.deepEqual(
			hours,
			Array.from({ length: 20 }, (_, index) => 3 * (index + 1)),
		);
		const most = { code: "INVALID_VALUE", property: "hours", message: /2038/ };
		await assert.rejects(previews.extendBy(id, { hours: 200_000 }), most);
		for (const value of [0, -1, 1.5, "1", undefined]) {
			const wrong = previews.extendBy(id, { hours: value as number });
			await assert.rejects(wrong, { code: "INVALID_VALUE", property: "hours" });
		}
		await assert.rejects(previews.extendBy(id, { hours: "1" } as never), { message: /got a string; use Number\(\)$/ });
		await assert.rejects(previews.extendBy(999_999, { hours: 1 }), { code: "NOT_FOUND" });
	});

	test("of an idle workspace ends unless it is used meanwhile", async () => {
		const { workspaces, database } = context;
		const [idle, used, fresh] = [
			await addRunning(context, user, "idle"),
			await addRunning(context, user, "used"),
			await addRunning(context, user, "fresh"),
		];
		await database.rows("UPDATE workspaces SET last_activity = NOW() - INTERVAL 31 MINUTE WHERE id IN (?, ?)", [
			idle,
			used,
		]);
		assert.equal((await workspaces.listIdle()).length, 2);
		await workspaces.heartbeat(used);
		assert.equal(await workspaces.beginIdleStop(idle), true);
		assert.equal(await workspaces.beginIdleStop(idle), false);
		assert.equal(await workspaces.beginIdleStop(used), false);
		assert.equal(await workspaces.beginIdleStop(fresh), false);
		assert.equal(await workspaces.beginIdleStop(999_999), false);
		assert.equal((await workspace(idle)).status, "stopping");
		assert.equal((await workspace(used)).status, "running");
		assert.equal((await workspaces.findById(used))?.lastAccessedBy, null);
	});

	test("says which status refused a change, of 600 at once never one that allows it", async () => {
		const { workspaces, previews } = context;
		const ids = await Promise.all([addWorkspace(), addWorkspace()]);
		const previewIds = await Promise.all([addPreview(), addPreview()]);
		let refused = 0;
		const check = (allowed: Record<string, readonly string[]>) => (error: InvalidTransitionError) => {
			assert.equal(error.code, "INVALID_TRANSITION");
			assert.ok(!allowed[error.to]?.includes(error.from), `${error.from} refuses to become ${error.to}`);
			refused++;
		};
		const statuses: WorkspaceStatus[] = ["starting", "running", "stopping", "stopped", "error"];
		const changes = Array.from({ length: 300 }, async (_, index) => {
			const id = ids[index % 2] ?? 0;
			const status = statuses[(index * 7) % 5] ?? "starting";
			await workspaces.setStatus(id, status).catch(check(WORKSPACE_TRANSITIONS));
		});
		const ends: ((id: number) => Promise<unknown>)[] = [
			(id) => previews.markRunning(id, PREVIEW_STARTED),
			(id) => previews.markStopping(id),
			(id) => previews.markFailed(id, `${Math.random()}`),
			(id) => previews.markStopped(id),
			(id) => previews.markExpired(id),
		];
		const previewChanges = Array.from({ length: 300 }, async (_, index) => {
			const change = ends[(index * 3) % 5];
			await change?.(previewIds[index % 2] ?? 0).catch((error: InvalidTransitionError) => {
				// Whether its time is over decides here, not the status alone.
				if (error.to === "expired" && ["creating", "running"].includes(error.from)) return;
				check(PREVIEW_TRANSITIONS)(error);
			});
		});
		await Promise.all([...changes, ...previewChanges]);
		assert.ok(refused > 50, `${refused}`);
	});

	test("is the same on a connection that counts only changed rows", async () => {
		await onHost(context, { flags: ["-FOUND_ROWS"] }, async (host) => {
			const { workspaces, previews, ports } = repositoriesOf(host);
			const id = await addWorkspace();
			const port = await ports.claimForWorkspace(id);
			for (const [change, to] of [
				[() => workspaces.markRunning(id, STARTED), "running"],
				[() => workspaces.setStatus(id, "stopping"), "stopping"],
				[() => workspaces.markFailed(id, "x", { port }), "error"],
				[() => workspaces.reconcile(id, { running: true }), "running"],
				[() => workspaces.markStopped(id), "stopped"],
			] as const) {
				assert.equal(await change(), true, to);
				assert.equal(await change(), false, to);
				assert.equal((await workspace(id)).status, to);
			}
			const other = await addPreview();
			assert.equal(await ports.claimForPreview(other), 10_000);
			assert.equal(await ports.claimForPreview(other), 10_000);
			const expiresAt = new Date("2031-01-01T00:00:00Z");
			for (const change of [
				() => previews.markRunning(other, PREVIEW_STARTED),
				() => previews.extendExpiry(other, expiresAt),
				() => previews.markStopping(other),
				() => previews.markExpired(other),
			]) {
				assert.equal(await change(), true);
				assert.equal(await change(), false);
			}
			await workspaces.heartbeat(id, user);
			await workspaces.heartbeat(id, user);
			await assert.rejects(workspaces.heartbeat(999_999, user), { code: "NOT_FOUND" });
			await assert.rejects(workspaces.heartbeat(999_999), { code: "NOT_FOUND" });
		});
	});

	test("holds no port of a workspace or preview that does not exist any more", async () => {
		const { workspaces, ports, database } = context;
		const id = await addRunning(context, user, "parent");
		const other = await addPreview(id);
		await ports.claimForPreview(other);
		await workspaces.deleteById(id);
		assert.equal(await ports.countAssigned(), 0);
		assert.deepEqual(await database.rows("SELECT id FROM preview_environments"), []);
	});
});
