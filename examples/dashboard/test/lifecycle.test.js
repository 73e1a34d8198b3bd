const assert = require("node:assert/strict");
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { after, afterEach, before, test } = require("node:test");
const { openTestDatabase } = require("dployr-workspaces-db/testing");
const { TABLES } = require("../database");
const { createStandIn } = require("../docker-stand-in");

// On a database of its own: what the dashboard does, with everything that a server does to it.

const folder = mkdtempSync(join(tmpdir(), "dashboard-"));
const docker = createStandIn();
let db;
let store;
let lifecycle;

before(async () => {
	db = await openTestDatabase({ schema: TABLES });
	const DOCKER_SOCKET = join(folder, "docker.sock");
	await new Promise((done) => docker.server.listen(DOCKER_SOCKET, done));
	// The dashboard's services read these when they are loaded.
	Object.assign(process.env, db.environment, { DOCKER_SOCKET });
	store = require("../store");
	lifecycle = require("../lifecycle");
});

afterEach(async () => {
	docker.containers.clear();
	await db.clear();
});

after(async () => {
	await store.db.close();
	await store.pool.end();
	await db.drop();
	docker.server.close();
	rmSync(folder, { recursive: true });
});

test("a workspace runs on a port that no project has, and gives it back", async () => {
	await store.pool.query("INSERT INTO project_ports (project_name, port) VALUES ('shop', 10000)");
	const { id } = await db.make.workspace();
	assert.equal(await lifecycle.startWorkspace(id), 10_001);
	assert.equal((await db.workspaces.findById(id)).status, "running");
	await lifecycle.stopWorkspace(id);
	assert.deepEqual(await db.ports.listAssigned(), []);
	assert.equal(docker.containers.size, 0);
});

test("of two starts at once one wins", async () => {
	const { id } = await db.make.workspace();
	const starts = await Promise.allSettled([lifecycle.startWorkspace(id), lifecycle.startWorkspace(id)]);
	assert.deepEqual(starts.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
	assert.equal(starts.find(({ reason }) => reason).reason.code, "INVALID_TRANSITION");
	assert.equal(docker.containers.size, 1);
});
