import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
	PREVIEW_STATUSES,
	PREVIEW_TRANSITIONS,
	type PreviewStatus,
	WORKSPACE_STATUSES,
	WORKSPACE_TRANSITIONS,
	type WorkspaceStatus,
} from "../../src";
import { addRunning, addUnlimitedUser, type Context, openContext, STARTED, secondsFromNow } from "./context";

let context: Context;
let user: number;

/** A workspace that was running, with a status as if something else had set it. */
async function workspaceIn(status: WorkspaceStatus | null): Promise<number> {
	const id = await addRunning(context, user, `${status} ${Math.random()}`);
	await context.database.rows(
		`UPDATE workspaces SET status = ?, error_message = 'before', started_at = NOW() - INTERVAL 1 DAY,
			last_activity = NOW() - INTERVAL 1 DAY WHERE id = ?`,
		[status, id],
	);
	return id;
}

async function previewIn(status: PreviewStatus | null): Promise<number> {
	const { workspaces, previews, database } = context;
	const workspaceId = await workspaces.createWithinLimit({ userId: user, projectName: `${Math.random()}` });
	const id = await previews.createWithinLimit({ workspaceId, userId: user, previewHash: `${Math.random()}` });
	await database.rows(
		`UPDATE preview_environments SET status = ?, container_id = 'c', assigned_port = 10099, error_message = 'before'
			WHERE id = ?`,
		[status, id],
	);
	return id;
}

/** What a workspace becomes by each change. */
const WORKSPACE_CHANGES: Record<WorkspaceStatus, (id: number) => Promise<unknown>> = {
	starting: (id) => context.workspaces.setStatus(id, "starting"),
	running: (id) => context.workspaces.markRunning(id, STARTED),
	stopping: (id) => context.workspaces.setStatus(id, "stopping"),
	stopped: (id) => context.workspaces.markStopped(id),
	error: (id) => context.workspaces.markFailed(id, "it broke"),
};

const PREVIEW_CHANGES: Record<Exclude<PreviewStatus, "creating">, (id: number) => Promise<unknown>> = {
	running: (id) => context.previews.markRunning(id, { containerId: "c", containerName: "n", previewUrl: "https://u" }),
	stopping: (id) => context.previews.markStopping(id),
	stopped: (id) => context.previews.markStopped(id),
	expired: async (id) => {
		await context.database.rows("UPDATE preview_environments SET expires_at = NOW() WHERE id = ?", [id]);
		return context.previews.markExpired(id);
	},
	error: (id) => context.previews.markFailed(id, "it broke"),
};

describe("a status", () => {
	before(async () => {
		context = await openContext();
		user = await addUnlimitedUser(context, "changer");
	});
	after(() => context.close());

	test("of a workspace changes only from those that it may come from, and is left where it is so already", async () => {
		let changed = 0;
		for (const from of WORKSPACE_STATUSES) {
			for (const to of WORKSPACE_STATUSES) {
				for (const change of [WORKSPACE_CHANGES[to], (id: number) => context.workspaces.setStatus(id, to)]) {
					const id = await workspaceIn(from);
					// A workspace that was running still holds what a stopped one gives back.
					const isAllowed = WORKSPACE_TRANSITIONS[to].includes(from) || (from === "stopped" && to === "stopped");
					const isFailure = change === WORKSPACE_CHANGES.error;
					if (isAllowed || isFailure) assert.equal(await change(id), true, `${from} to ${to}`);
					else if (from === to) assert.equal(await change(id), false, `${from} to ${to}`);
					else await assert.rejects(change(id), { code: "INVALID_TRANSITION", entity: "Workspace", id, from, to });
					const status = isAllowed || isFailure ? to : from;
					assert.equal((await context.workspaces.findById(id))?.status, status, `${from} to ${to}`);
					if (status === to) assert.equal(await change(id), false, `${from} to ${to} again`);
					changed += isAllowed ? 1 : 0;
					await context.workspaces.deleteById(id);
				}
			}
		}
		assert.equal(changed, 30);
	});

	test("of a preview changes only from those that it may come from, and is left where it is so already", async () => {
		let changed = 0;
		for (const from of PREVIEW_STATUSES) {
			for (const to of Object.keys(PREVIEW_CHANGES) as (keyof typeof PREVIEW_CHANGES)[]) {
				const id = await previewIn(from);
				// What has ended but still holds something gives it back.
				const isEnd = from === to && (to === "stopped" || to === "expired");
				const isAllowed = PREVIEW_TRANSITIONS[to].includes(from) || isEnd || to === "error";
				if (isAllowed) assert.equal(await PREVIEW_CHANGES[to](id), true, `${from} to ${to}`);
				else if (from === to) assert.equal(await PREVIEW_CHANGES[to](id), false, `${from} to ${to}`);
				else {
					await assert.rejects(PREVIEW_CHANGES[to](id), {
						code: "INVALID_TRANSITION",
						entity: "PreviewEnvironment",
						id,
						from,
						to,
					});
				}
				const status = isAllowed ? to : from;
				assert.equal((await context.previews.findById(id))?.status, status, `${from} to ${to}`);
				if (status === to) assert.equal(await PREVIEW_CHANGES[to](id), false, `${from} to ${to} again`);
				changed += isAllowed ? 1 : 0;
			}
		}
		assert.equal(changed, 19);
	});

	test("running in another container than the one that is recorded is no repetition", async () => {
		const { workspaces, previews } = context;
		const id = await workspaceIn("running");
		await assert.rejects(workspaces.markRunning(id, { ...STARTED, containerId: "other" }), { from: "running" });
		const preview = await previewIn("running");
		const started = { containerId: "other", containerName: "n", previewUrl: "u" };
		await assert.rejects(previews.markRunning(preview, started), { from: "running" });
	});

	test("that is NULL counts as the column's default", async () => {
		const id = await workspaceIn(null);
		await assert.rejects(context.workspaces.setStatus(id, "stopping"), { code: "INVALID_TRANSITION", from: "stopped" });
		assert.equal(await context.workspaces.setStatus(id, "starting"), true);
		assert.equal((await context.workspaces.findById(id))?.status, "starting");
		const preview = await previewIn(null);
		await assert.rejects(
			PREVIEW_CHANGES.expired(preview).then(() => PREVIEW_CHANGES.running(preview)),
			{
				from: "expired",
			},
		);
		const other = await previewIn(null);
		await PREVIEW_CHANGES.running(other);
		assert.equal((await context.previews.findById(other))?.status, "running");
	});

	test("that the contract does not list is reported as unknown, and can be stopped, failed and reconciled", async () => {
		const { workspaces, previews, database } = context;
		const spoil = async (table: string, id: number) => {
			await database.connection.query("SET SESSION sql_mode = ''");
			await database.rows(`UPDATE ${table} SET status = 'nonsense' WHERE id = ?`, [id]);
			await database.connection.query("SET SESSION sql_mode = DEFAULT");
		};
		for (const [table, change, status] of [
			["workspaces", (id: number) => workspaces.markStopped(id), "stopped"],
			["workspaces", (id: number) => workspaces.markFailed(id, "x"), "error"],
			["workspaces", (id: number) => workspaces.reconcile(id, { running: false }), "stopped"],
			["workspaces", (id: number) => workspaces.reconcile(id, { running: true }), "running"],
			["preview_environments", (id: number) => previews.markStopped(id), "stopped"],
			["preview_environments", (id: number) => previews.markFailed(id, "x"), "error"],
			["preview_environments", (id: number) => previews.reconcile(id, { running: false }), "stopped"],
			["preview_environments", (id: number) => previews.reconcile(id, { running: true }), "running"],
		] as const) {
			const repository = table === "workspaces" ? workspaces : previews;
			const id = table === "workspaces" ? await workspaceIn("running") : await previewIn("running");
			await spoil(table, id);
			assert.ok((await repository.listUnsettled()).some((row) => row.id === id));
			const started = { ...STARTED, previewUrl: "u" };
			if (repository === workspaces) {
				await assert.rejects(workspaces.setStatus(id, "starting"), { from: "unknown", to: "starting" });
			} else {
				const { containerId, containerName, previewUrl } = started;
				const refused = previews.markRunning(id, { containerId, containerName, previewUrl });
				await assert.rejects(refused, { from: "unknown", to: "running" });
			}
			assert.equal(await change(id), true);
			assert.equal((await repository.findById(id))?.status, status);
		}
	});

	test("of what does not exist is not found", async () => {
		for (const change of Object.values(WORKSPACE_CHANGES)) {
			await assert.rejects(change(999_999), { code: "NOT_FOUND", entity: "Workspace" });
		}
		for (const change of Object.values(PREVIEW_CHANGES)) {
			await assert.rejects(change(999_999), { code: "NOT_FOUND", entity: "PreviewEnvironment" });
		}
		await assert.rejects(context.previews.extendExpiry(999_999, new Date()), { code: "NOT_FOUND" });
	});

	test("that is none is refused", async () => {
		const id = await workspaceIn("stopped");
		for (const status of ["deleted", undefined, "constructor"]) {
			await assert.rejects(context.workspaces.setStatus(id, status as WorkspaceStatus), { code: "INVALID_VALUE" });
		}
	});

	test("running brings container, password and times with it and keeps the port", async () => {
		const { workspaces, database } = context;
		const id = await workspaceIn("starting");
		const before = await workspaces.findById(id);
		await workspaces.markRunning(id, { ...STARTED, containerId: "new", containerName: "name" });
		const { containerId, containerName, assignedPort, startedAt, lastActivity } = (await workspaces.findById(id)) ?? {};
		assert.deepEqual([containerId, containerName, assignedPort], ["new", "name", before?.assignedPort]);
		assert.ok(before?.assignedPort);
		assert.ok(Math.abs(await secondsFromNow(database, startedAt)) < 60);
		assert.ok(Math.abs(await secondsFromNow(database, lastActivity)) < 60);
		assert.deepEqual((await workspaces.findCodeServerPassword(id))?.encrypted, STARTED.codeServerPasswordEncrypted);
	});

	test("starting clears the message, stopped the container, the port and the start, error sets the message", async () => {
		const { workspaces } = context;
		const read = async (id: number) => {
			const { containerId, assignedPort, startedAt, errorMessage } = (await workspaces.findById(id)) ?? {};
			return { containerId, hasPort: assignedPort !== null, hasStart: startedAt !== null, errorMessage };
		};
		const failed = await workspaceIn("running");
		assert.equal(await workspaces.markFailed(failed, "no space left 🧨"), true);
		assert.deepEqual(await read(failed), {
			containerId: STARTED.containerId,
			hasPort: true,
			hasStart: true,
			errorMessage: "no space left 🧨",
		});
		await workspaces.setStatus(failed, "starting");
		assert.equal((await read(failed)).errorMessage, null);
		await workspaces.markStopped(failed);
		assert.deepEqual(await read(failed), { containerId: null, hasPort: false, hasStart: false, errorMessage: null });
	});

	test("of all running and starting workspaces becomes stopping at shutdown", async () => {
		const { workspaces, database } = context;
		await database.rows("DELETE FROM workspaces");
		const ids = new Map<WorkspaceStatus, number>();
		for (const status of WORKSPACE_STATUSES) ids.set(status, await workspaceIn(status));
		assert.equal(await workspaces.markAllStopping(), 2);
		assert.equal(await workspaces.markAllStopping(), 0);
		const after = new Map<WorkspaceStatus, unknown>();
		for (const [status, id] of ids) after.set(status, (await workspaces.findById(id))?.status);
		assert.deepEqual(Object.fromEntries(after), {
			stopped: "stopped",
			starting: "stopping",
			running: "stopping",
			stopping: "stopping",
			error: "error",
		});
	});

	test("of a preview brings with it what belongs to it", async () => {
		const { previews } = context;
		const read = async (id: number) => {
			const { containerId, containerName, assignedPort, previewUrl, errorMessage } =
				(await previews.findById(id)) ?? {};
			return { containerId, containerName, assignedPort, previewUrl, errorMessage };
		};
		const id = await previewIn("creating");
		await PREVIEW_CHANGES.running(id);
		const running = { containerId: "c", containerName: "n", assignedPort: 10_099, previewUrl: "https://u" };
		assert.deepEqual(await read(id), { ...running, errorMessage: null });
		await previews.markFailed(id, "it broke");
		assert.deepEqual(await read(id), { ...running, errorMessage: "it broke" });
		await previews.markStopped(id);
		assert.deepEqual(await read(id), { ...running, containerId: null, assignedPort: null, errorMessage: "it broke" });
		const expired = await previewIn("running");
		await PREVIEW_CHANGES.expired(expired);
		const { containerId, assignedPort } = await read(expired);
		assert.deepEqual([containerId, assignedPort], [null, null]);
	});
});
