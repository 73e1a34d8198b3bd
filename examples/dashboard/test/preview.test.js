const assert = require("node:assert/strict");
const { beforeEach, mock, test } = require("node:test");
const { LimitReachedError } = require("dployr-workspaces-db");
const { fakeWorkspaces } = require("dployr-workspaces-db/testing");

// Without a server: repositories in memory stand in for the store's, and the time is what a test says.

const NEW_YEAR = new Date("2030-01-01T00:00:00Z");
let now = NEW_YEAR;
const db = fakeWorkspaces({ clock: () => now });
const pool = { query: async () => [[]] };
require.cache[require.resolve("../store")] = { loaded: true, exports: { db, pool } };

const docker = require("../docker");
const lifecycle = require("../lifecycle");

beforeEach(() => {
	now = NEW_YEAR;
	mock.method(docker, "run", async ({ name }) => ({ id: `id of ${name}` }));
	mock.method(docker, "remove", async () => {});
	mock.method(docker, "removeLabelled", async () => {});
});

test("a preview expires when its time is over, unless it was extended", async () => {
	const workspace = await db.make.workspace({ status: "running" });
	const [expired, extended] = [await lifecycle.createPreview(workspace), await lifecycle.createPreview(workspace)];
	await db.previews.extendBy(extended, { hours: 2 });
	now = new Date("2030-01-02T01:00:00Z");
	await lifecycle.expirePreviews();
	assert.equal((await db.previews.findById(expired)).status, "expired");
	assert.equal((await db.previews.findById(extended)).status, "running");
});

test("a preview that Docker does not start is recorded as failed, with what Docker said", async () => {
	const workspace = await db.make.workspace({ status: "running" });
	mock.method(docker, "run", async () => {
		throw new Error("no such image");
	});
	await assert.rejects(lifecycle.createPreview(workspace), /no such image/);
	const [preview] = await db.previews.listByWorkspaceAndUser(workspace.id, workspace.userId);
	assert.deepEqual([preview.status, preview.errorMessage, preview.assignedPort], ["error", "no such image", null]);
});

test("one preview more than the limit is refused before Docker is asked", async () => {
	const workspace = await db.make.workspace({ status: "running" });
	await db.limits.setOwn(workspace.userId, { maxPreviewsPerWorkspace: 0 });
	await assert.rejects(lifecycle.createPreview(workspace), LimitReachedError);
	assert.equal(docker.run.mock.callCount(), 0);
});
