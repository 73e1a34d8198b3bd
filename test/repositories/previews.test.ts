import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PreviewEnvironment } from "../../src";
import { addUnlimitedUser, type Context, openContext, secondsFromNow } from "./context";

let context: Context;
let user: number;
let hashes = 0;

const hash = () => `hash-${hashes++}`;
const HOUR = 3_600_000;

async function addWorkspace(owner = user): Promise<number> {
	return context.workspaces.createWithinLimit({ userId: owner, projectName: `project ${Math.random()}` });
}

async function addPreview(workspaceId: number, status = "creating", expiresIn = "1 HOUR"): Promise<number> {
	const id = await context.previews.createWithinLimit({ workspaceId, userId: user, previewHash: hash() });
	await context.database.rows(
		`UPDATE preview_environments SET status = ?, expires_at = NOW() + INTERVAL ${expiresIn} WHERE id = ?`,
		[status, id],
	);
	return id;
}

const idsOf = (previews: PreviewEnvironment[]) => previews.map(({ id }) => id);

describe("previews", () => {
	before(async () => {
		context = await openContext();
		user = await addUnlimitedUser(context, "previewer");
	});
	after(() => context.close());

	test("a new one has what was given, the workspace's project, and its own expiry", async () => {
		const { workspaces, previews, database } = context;
		const workspaceId = await addWorkspace();
		const project = (await workspaces.findById(workspaceId))?.projectName;
		const expiresAt = new Date(Math.floor(Date.now() / 1000) * 1000 + 5 * HOUR);
		const previewHash = hash();
		const id = await previews.createWithinLimit({ workspaceId, userId: user, previewHash, expiresAt });
		const created = await previews.findById(id);
		assert.ok(created instanceof PreviewEnvironment);
		const { createdAt, ...rest } = created;
		assert.deepEqual(rest, {
			id,
			workspaceId,
			userId: user,
			projectName: project,
			previewHash,
			previewUrl: null,
			containerId: null,
			containerName: null,
			assignedPort: null,
			status: "creating",
			errorMessage: null,
			expiresAt,
		});
		assert.ok(Math.abs(await secondsFromNow(database, createdAt)) < 60);
	});

	test("without an expiry it lives as long as the user's effective limits say", async () => {
		const { previews, limits, database } = context;
		const workspaceId = await addWorkspace();
		await limits.setGlobal({ defaultPreviewLifetimeHours: 5 });
		const id = await previews.createWithinLimit({ workspaceId, userId: user, previewHash: hash() });
		const seconds = await secondsFromNow(database, (await previews.findById(id))?.expiresAt);
		assert.ok(Math.abs(seconds - 5 * 3600) < 60, `${seconds}`);
		await limits.setOwn(user, { defaultPreviewLifetimeHours: 1 });
		const own = await previews.createWithinLimit({ workspaceId, userId: user, previewHash: hash() });
		const ownSeconds = await secondsFromNow(database, (await previews.findById(own))?.expiresAt);
		assert.ok(Math.abs(ownSeconds - 3600) < 60, `${ownSeconds}`);
	});

	test("one is refused at the limit of active ones, for a known hash, and without workspace or user", async () => {
		const { previews, limits } = context;
		const workspaceId = await addWorkspace();
		const other = await addWorkspace();
		await limits.setOwn(user, { maxPreviewsPerWorkspace: 2 });
		try {
			const first = await addPreview(workspaceId, "running");
			await addPreview(workspaceId);
			await addPreview(other);
			const third = { workspaceId, userId: user, previewHash: hash() };
			await assert.rejects(previews.createWithinLimit(third), {
				code: "LIMIT_REACHED",
				entity: "PreviewEnvironment",
				limit: 2,
			});
			await previews.markStopped(first);
			await previews.createWithinLimit(third);
		} finally {
			await limits.setOwn(user, { maxPreviewsPerWorkspace: 1_000 });
		}
		const previewHash = hash();
		await previews.createWithinLimit({ workspaceId, userId: user, previewHash });
		await assert.rejects(previews.createWithinLimit({ workspaceId, userId: user, previewHash }), {
			code: "ALREADY_EXISTS",
			properties: ["previewHash"],
		});
		await assert.rejects(previews.createWithinLimit({ workspaceId: 999_999, userId: user, previewHash: hash() }), {
			code: "NOT_FOUND",
			entity: "Workspace",
		});
		const empty = { workspaceId: await addWorkspace(), previewHash: hash() };
		await assert.rejects(previews.createWithinLimit({ ...empty, userId: 999_999 }), {
			code: "NOT_FOUND",
			entity: "DashboardUser",
		});
	});

	test("one is found by id, by id and user, and by hash, the password's hash only where asked for", async () => {
		const { previews, ada } = context;
		const [previewHash, passwordHash] = [hash(), "$2b$10$secret"];
		const workspaceId = await addWorkspace();
		const id = await previews.createWithinLimit({ workspaceId, userId: user, previewHash, passwordHash });
		assert.equal((await previews.findByIdAndUser(id, user))?.id, id);
		assert.equal(await previews.findByIdAndUser(id, ada), null);
		assert.equal(await previews.findById(999_999), null);
		const found = await previews.findByHash(previewHash);
		assert.equal(found?.id, id);
		assert.ok(!("passwordHash" in found));
		assert.equal(await previews.findByHash("none"), null);
		assert.equal((await previews.findByHashWithPassword(previewHash))?.passwordHash, passwordHash);
		assert.equal(await previews.findByHashWithPassword("none"), null);
	});

	test("lists of workspaces hold theirs, newest first, history included", async () => {
		const { previews, ada } = context;
		const [one, two, none] = [await addWorkspace(), await addWorkspace(), await addWorkspace()];
		const [a, b] = [await addPreview(one, "expired"), await addPreview(two, "running")];
		const [c, d] = [await addPreview(one, "running"), await addPreview(one, "error")];
		const foreign = await previews.createWithinLimit({ workspaceId: one, userId: ada, previewHash: hash() });
		assert.deepEqual(idsOf(await previews.listByWorkspaceAndUser(one, user)), [d, c, a]);
		assert.deepEqual(idsOf(await previews.listByWorkspaceAndUser(one, ada)), [foreign]);
		assert.deepEqual(await previews.listByWorkspaceAndUser(none, user), []);
		const lists = await previews.listByWorkspaces([two, none, one, one]);
		assert.deepEqual(
			[...lists].map(([workspaceId, list]) => [workspaceId, idsOf(list)]),
			[
				[two, [b]],
				[none, []],
				[one, [foreign, d, c, a]],
			],
		);
		assert.deepEqual(await previews.listByWorkspaces([]), new Map());
	});

	test("only creating and running ones are counted as active", async () => {
		const { previews } = context;
		const [one, two, none] = [await addWorkspace(), await addWorkspace(), await addWorkspace()];
		for (const status of ["creating", "running", "stopping", "stopped", "expired", "error"])
			await addPreview(one, status);
		await addPreview(two, "running");
		assert.equal(await previews.countActive(one), 2);
		assert.equal(await previews.countActive(none), 0);
		assert.deepEqual(
			await previews.countActiveByWorkspaces([none, one, two]),
			new Map([
				[none, 0],
				[one, 2],
				[two, 1],
			]),
		);
		assert.deepEqual(await previews.countActiveByWorkspaces([]), new Map());
	});

	test("active ones come soonest expiry first with the owner, expired ones oldest first", async () => {
		const { previews, database } = context;
		await database.rows("DELETE FROM preview_environments");
		const workspaceId = await addWorkspace();
		const late = await addPreview(workspaceId, "running", "2 HOUR");
		const soon = await addPreview(workspaceId, "creating", "1 HOUR");
		const over = await addPreview(workspaceId, "running", "-1 MINUTE");
		const longOver = await addPreview(workspaceId, "creating", "-1 DAY");
		await addPreview(workspaceId, "expired", "-2 DAY");
		await addPreview(workspaceId, "stopped", "1 DAY");
		const active = await previews.listActive();
		assert.deepEqual(idsOf(active), [longOver, over, soon, late]);
		assert.deepEqual({ ...active[0]?.user }, { username: "previewer", systemUsername: "sys_previewer" });
		assert.deepEqual(idsOf(await previews.listExpired()), [longOver, over]);
	});

	test("the expiry of an active one is extended, of another not", async () => {
		const { previews } = context;
		const workspaceId = await addWorkspace();
		const expiresAt = new Date("2037-12-31T23:59:59Z");
		for (const status of ["creating", "running"]) {
			const id = await addPreview(workspaceId, status);
			await previews.extendExpiry(id, expiresAt);
			assert.deepEqual((await previews.findById(id))?.expiresAt, expiresAt);
		}
		for (const status of ["stopping", "stopped", "expired", "error"]) {
			const id = await addPreview(workspaceId, status);
			await assert.rejects(previews.extendExpiry(id, expiresAt), { code: "INVALID_TRANSITION", from: status });
		}
	});

	test("one whose expiry was extended meanwhile does not expire", async () => {
		const { previews } = context;
		const id = await addPreview(await addWorkspace(), "running", "-1 MINUTE");
		assert.ok(idsOf(await previews.listExpired()).includes(id));
		await previews.extendExpiry(id, new Date(Date.now() + HOUR));
		await assert.rejects(previews.markExpired(id), { code: "INVALID_TRANSITION", from: "running", to: "expired" });
		assert.equal((await previews.findById(id))?.status, "running");
	});

	test("one is deleted once", async () => {
		const { previews } = context;
		const id = await addPreview(await addWorkspace());
		assert.equal(await previews.deleteById(id), true);
		assert.equal(await previews.deleteById(id), false);
	});
});
