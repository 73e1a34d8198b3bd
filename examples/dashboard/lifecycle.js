const { createCipheriv, randomBytes } = require("node:crypto");
const docker = require("./docker");
const { db, pool } = require("./store");

/**
 * The steps of workspaces and previews. A status is a claim about a container, and the application may end between any
 * two steps: a row is changed first where a container is to come, last where one is to go, and `compareWithDocker`
 * brings every row back to the truth.
 */

const RANGE = {
	from: Number(process.env.WORKSPACE_PORT_RANGE_START ?? 10000),
	to: Number(process.env.WORKSPACE_PORT_RANGE_END ?? 10100),
};

/** Longer than Docker takes to start or to remove a container. */
const IN_PROGRESS_MS = 10 * 60_000;

const key = process.env.ENCRYPTION_KEY ? Buffer.from(process.env.ENCRYPTION_KEY, "hex") : randomBytes(32);

/** AES-256-GCM: the ciphertext followed by its tag of 16 bytes. */
function newPassword() {
	const iv = randomBytes(16);
	const cipher = createCipheriv("aes-256-gcm", key, iv);
	const secret = randomBytes(12).toString("base64url");
	const encrypted = Buffer.concat([cipher.update(secret, "utf8"), cipher.final(), cipher.getAuthTag()]);
	return { codeServerPasswordEncrypted: encrypted, codeServerPasswordIv: iv };
}

/** Ports that the dashboard's projects hold. */
async function projectPorts() {
	const [rows] = await pool.query("SELECT port FROM project_ports");
	return rows.map(({ port }) => port);
}

const workspaceLabel = (id) => `workspace-${id}`;
const previewLabel = (id) => `preview-${id}`;

// recipe: start
async function startWorkspace(id) {
	const port = await db.ports.claimForWorkspace(id, { ...RANGE, except: await projectPorts() });
	const label = workspaceLabel(id);
	const name = docker.newName(label);
	try {
		const container = await docker.run({ name, label, port });
		const started = { containerId: container.id, containerName: name, ...newPassword() };
		await db.workspaces.markRunning(id, started, { port });
	} catch (error) {
		// Only when Docker has said that nothing is on the port any more is it given back.
		await docker.remove(name);
		await db.workspaces.markFailed(id, error.message, { port });
		throw error;
	}
	return port;
}
// end of the recipe

// recipe: stop
async function stopWorkspace(id) {
	await db.workspaces.setStatus(id, "stopping");
	await docker.removeLabelled(workspaceLabel(id));
	await db.workspaces.markStopped(id);
}
// end of the recipe

// recipe: delete
async function deleteWorkspace(id) {
	const byWorkspace = await db.previews.listByWorkspaces([id]);
	for (const preview of byWorkspace.get(id) ?? []) await deletePreview(preview.id);
	await docker.removeLabelled(workspaceLabel(id));
	await db.workspaces.deleteById(id);
}
// end of the recipe

// recipe: idle
async function stopIdleWorkspaces() {
	for (const { id, userId, projectName } of await db.workspaces.listIdle()) {
		if (!(await db.workspaces.beginIdleStop(id))) continue;
		await docker.removeLabelled(workspaceLabel(id));
		await db.workspaces.markStopped(id);
		await db.logs.append({ workspaceId: id, userId, projectName, action: "timeout" });
	}
}
// end of the recipe

// recipe: preview
async function createPreview({ id: workspaceId, userId }) {
	const previewHash = randomBytes(16).toString("hex");
	const id = await db.previews.createWithinLimit({ workspaceId, userId, previewHash });
	const label = previewLabel(id);
	const name = docker.newName(label);
	let port;
	try {
		port = await db.ports.claimForPreview(id, { ...RANGE, except: await projectPorts() });
		const container = await docker.run({ name, label, port });
		const started = { containerId: container.id, containerName: name, previewUrl: `/previews/${previewHash}` };
		await db.previews.markRunning(id, started, { port });
	} catch (error) {
		await docker.remove(name);
		await db.previews.markFailed(id, error.message, port === undefined ? {} : { port });
		throw error;
	}
	return id;
}
// end of the recipe

async function deletePreview(id) {
	await docker.removeLabelled(previewLabel(id));
	await db.previews.deleteById(id);
}

// recipe: expire
async function expirePreviews() {
	for (const { id } of await db.previews.listExpired()) {
		// An extension that came first wins; one that comes later is refused.
		if (await db.previews.beginExpiry(id)) await finishExpiry(id);
	}
}

async function finishExpiry(id) {
	await docker.removeLabelled(previewLabel(id));
	await db.previews.markExpired(id);
}
// end of the recipe

// recipe: finish
/** Where Docker failed in the middle, a row stays starting or stopping: one that is so for long is not in progress. */
async function finishInterrupted() {
	const since = new Date(Date.now() - IN_PROGRESS_MS);
	const workspaces = (await db.workspaces.listUnsettled()).filter(
		({ status, updatedAt }) => (status === "starting" || status === "stopping") && updatedAt < since,
	);
	// A preview that is stopping never starts again, whoever is at work on it.
	const previews = (await db.previews.listUnsettled()).filter(({ status }) => status === "stopping");
	// What fails again is taken up the next time, and holds nothing else up.
	const report = (error) => console.error(error.message);
	for (const { id } of workspaces) await stopWorkspace(id).catch(report);
	for (const { id } of previews) await finishExpiry(id).catch(report);
}
// end of the recipe

// recipe: compare
async function compareWithDocker() {
	const unsettled = [
		...(await db.workspaces.listUnsettled()).map((row) => ({ row, repository: db.workspaces })),
		...(await db.previews.listUnsettled()).map((row) => ({ row, repository: db.previews })),
	];
	// A row knows its container by its id. One that no row knows comes from a start that was cut off: it is removed.
	const known = new Set(unsettled.map(({ row }) => row.containerId));
	const running = new Map();
	for (const container of await docker.list()) {
		if (known.has(container.id)) running.set(container.id, container);
		else if (/^(workspace|preview)-/.test(container.label)) await docker.remove(container.id);
	}
	for (const { row, repository } of unsettled) {
		const port = running.get(row.containerId)?.port;
		await repository.reconcile(row.id, port === undefined ? { running: false } : { running: true, port });
	}
}
// end of the recipe

module.exports = {
	compareWithDocker,
	createPreview,
	deletePreview,
	deleteWorkspace,
	expirePreviews,
	finishInterrupted,
	startWorkspace,
	stopIdleWorkspaces,
	stopWorkspace,
};
