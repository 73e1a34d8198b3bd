import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { PortRange } from "../../src";
import { addUnlimitedUser, type Context, openContext, STARTED } from "./context";

let context: Context;
let user: number;

const addWorkspace = () =>
	context.workspaces.createWithinLimit({ userId: user, projectName: `project ${Math.random()}` });
const addPreview = async (workspaceId: number) =>
	context.previews.createWithinLimit({ workspaceId, userId: user, previewHash: `${Math.random()}` });

describe("ports", () => {
	before(async () => {
		context = await openContext();
		user = await addUnlimitedUser(context, "porter");
	});
	beforeEach(() => context.database.rows("DELETE FROM workspaces"));
	after(() => context.close());

	test("the lowest free one of the common range is claimed, and free again after stop, expiry and deletion", async () => {
		const { workspaces, previews, ports, database } = context;
		assert.deepEqual(await ports.listAssigned(), []);
		const [one, two, three] = [await addWorkspace(), await addWorkspace(), await addWorkspace()];
		const [preview, other] = [await addPreview(one), await addPreview(one)];
		assert.equal(await ports.claimForWorkspace(one), 10_000);
		assert.equal(await ports.claimForPreview(preview), 10_001);
		assert.equal(await ports.claimForWorkspace(two), 10_002);
		assert.equal((await workspaces.findById(two))?.assignedPort, 10_002);
		assert.equal((await workspaces.findById(two))?.status, "starting");
		assert.equal((await previews.findById(preview))?.assignedPort, 10_001);
		assert.deepEqual(await ports.listAssigned(), [10_000, 10_001, 10_002]);
		assert.equal(await ports.countAssigned(), 3);
		assert.equal(await ports.isAssigned(10_001), true);
		assert.equal(await ports.isAssigned(10_002), true);
		assert.equal(await ports.isAssigned(10_003), false);

		await workspaces.markStopped(one);
		assert.equal(await ports.claimForWorkspace(three), 10_000);
		await database.rows("UPDATE preview_environments SET expires_at = NOW() WHERE id = ?", [preview]);
		await previews.markExpired(preview);
		assert.equal(await ports.claimForPreview(other), 10_001);
		await workspaces.deleteById(two);
		assert.equal(await ports.claimForWorkspace(await addWorkspace()), 10_002);
	});

	test("a port that two rows hold is counted and listed once", async () => {
		const { ports, database } = context;
		const [one, two] = [await addWorkspace(), await addWorkspace()];
		await database.rows("UPDATE workspaces SET assigned_port = 10007 WHERE id IN (?, ?)", [one, two]);
		assert.deepEqual(await ports.listAssigned(), [10_007]);
		assert.equal(await ports.countAssigned(), 1);
	});

	test("a full range is said to be full and nothing starts", async () => {
		const { ports, workspaces, previews } = context;
		const range = { from: 20_000, to: 20_001 };
		const ids = [await addWorkspace(), await addWorkspace(), await addWorkspace()] as const;
		const preview = await addPreview(ids[0]);
		assert.equal(await ports.claimForWorkspace(ids[0], range), 20_000);
		assert.equal(await ports.claimForPreview(preview, range), 20_001);
		await assert.rejects(ports.claimForWorkspace(ids[1], range), { code: "NO_FREE_PORT", from: 20_000, to: 20_001 });
		const second = await addPreview(ids[0]);
		await assert.rejects(ports.claimForPreview(second, range), { code: "NO_FREE_PORT" });
		assert.equal((await workspaces.findById(ids[1]))?.status, "stopped");
		assert.equal((await previews.findById(second))?.assignedPort, null);
		assert.equal(await ports.claimForWorkspace(ids[1], { from: 20_000, to: 20_002 }), 20_002);
		await assert.rejects(ports.claimForWorkspace(ids[2], { from: 20_000, to: 20_000 }), { code: "NO_FREE_PORT" });
	});

	test("only a stopped or failed workspace starts, and keeps a port that it still holds", async () => {
		const { ports, workspaces } = context;
		const id = await addWorkspace();
		await ports.claimForWorkspace(id);
		await assert.rejects(ports.claimForWorkspace(id), { code: "INVALID_TRANSITION", from: "starting" });
		await workspaces.markRunning(id, STARTED);
		await assert.rejects(ports.claimForWorkspace(id), { code: "INVALID_TRANSITION", from: "running" });
		await workspaces.markFailed(id, "broken");
		await ports.claimForWorkspace(await addWorkspace());
		assert.equal(await ports.claimForWorkspace(id), 10_000);
		assert.equal((await workspaces.findById(id))?.errorMessage, null);
		const started = await addWorkspace();
		await workspaces.setStatus(started, "starting");
		assert.equal(await ports.claimForWorkspace(started), 10_002);
		await assert.rejects(ports.claimForWorkspace(999_999), { code: "NOT_FOUND", entity: "Workspace" });
	});

	test("only a creating preview gets a port, and the same one again", async () => {
		const { ports, previews } = context;
		const id = await addPreview(await addWorkspace());
		assert.equal(await ports.claimForPreview(id), 10_000);
		assert.equal(await ports.claimForPreview(id), 10_000);
		await previews.markRunning(id, { containerId: "c", containerName: "n", previewUrl: "u" });
		await assert.rejects(ports.claimForPreview(id), { code: "INVALID_TRANSITION", from: "running" });
		await assert.rejects(ports.claimForPreview(999_999), { code: "NOT_FOUND", entity: "PreviewEnvironment" });
	});

	test("one is claimed where somebody has deleted the global limits", async () => {
		const { ports, limits, database } = context;
		await database.rows("DELETE FROM resource_limits WHERE user_id IS NULL");
		const id = await addWorkspace();
		await database.rows("DELETE FROM resource_limits WHERE user_id IS NULL");
		assert.equal(await ports.claimForWorkspace(id), 10_000);
		assert.ok(await limits.findGlobal());
	});

	test("a range that is none is refused", async () => {
		const { ports } = context;
		const id = await addWorkspace();
		for (const range of [
			{ from: 2, to: 1 },
			{ from: 0, to: 1 },
			{ from: 1, to: 65_536 },
			{ from: 1.5, to: 3 },
			{ from: "1", to: 3 },
			{ from: 20_000 },
			{ from: 1, to: 2, except: "1" },
			{ from: 1, to: 2, except: ["1"] },
		]) {
			const error = { code: "INVALID_VALUE", entity: "PortRange" };
			await assert.rejects(ports.claimForWorkspace(id, range as PortRange), error);
		}
	});
});
