import assert from "node:assert/strict";
import { WorkspacesError, type WorkspacesRepositories } from "../../src";
import type { Makers } from "../../src/testing";

/** Repositories, real or fake, and rows for them. */
export type Db = WorkspacesRepositories & { readonly make: Makers };

const STARTED = {
	containerId: "c".repeat(12),
	containerName: "ws-1",
	codeServerPasswordEncrypted: Buffer.alloc(40, 1),
	codeServerPasswordIv: Buffer.alloc(16, 2),
};
const PREVIEW = { containerId: "p1", containerName: "pv-1", previewUrl: "https://p.example" };
const KEY = [Buffer.alloc(80, 3), Buffer.alloc(16, 4)] as const;
const MISSING = 999_999;
const at = (year: number) => new Date(Date.UTC(year, 0, 1));
const anything = (value: unknown) => value as never;

/** What came of a call: its answer without ids and instants, or its error with everything that the error says. */
async function outcome(call: () => Promise<unknown>): Promise<unknown> {
	try {
		return plain(await call());
	} catch (error) {
		assert.ok(error instanceof WorkspacesError, `${error}`);
		const { name, code, message } = error;
		return { name, code, message, ...plainObject(error) };
	}
}

const VARIES = /^(id|.*Id|.*At|lastActivity|lastAccessedBy|next|cause|globalRow|expected|username|systemUsername)$/;

function plainObject(value: object): object {
	return Object.fromEntries(
		Object.entries(value)
			.filter(([name, item]) => !VARIES.test(name) && item !== undefined)
			.map(([name, item]) => [name, plain(item)])
			.sort(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
	);
}

function plain(value: unknown): unknown {
	if (value instanceof Map) return [...value.values()].map(plain);
	if (value instanceof Date) return "a date";
	if (Buffer.isBuffer(value)) return value.toString("hex");
	if (Array.isArray(value)) return value.map(plain);
	if (typeof value === "object" && value !== null) return { class: value.constructor.name, ...plainObject(value) };
	return typeof value === "number" && value > 0 && value !== Math.floor(value) ? "a number" : value;
}

type Calls = Record<string, () => Promise<unknown>>;

/** Calls one after the other, by what they show. Every method of every repository is among them. */
export const SCENARIOS: Record<string, (db: Db) => Promise<Calls>> = {
	async "creating workspaces"({ make, workspaces, limits }) {
		const { id: userId } = await make.user({ username: "ada" });
		const create = (projectName: unknown, more = {}) =>
			workspaces.createWithinLimit({ userId, projectName: anything(projectName), ...more }).then(() => "created");
		return {
			first: () => create("one", { cpuLimit: "3" }),
			again: () => create("one"),
			"too long": () => create("x".repeat(101)),
			"no string": () => create(7),
			missing: () => create(undefined),
			"unknown property": () => create("two", { cpu_limit: "2" }),
			second: () => create("two"),
			third: () => create("three"),
			"of nobody": () => workspaces.createWithinLimit({ userId: MISSING, projectName: "x" }),
			"own limit": () => limits.setOwn(userId, { maxWorkspaces: 3, defaultRam: "8g" }),
			"then third": () => create("three"),
			list: () => workspaces.listByUser(userId),
			count: () => workspaces.countByUser(userId),
			route: () => workspaces.listRoutesByProject("one"),
			found: () => workspaces.findByUserAndProject(userId, "three"),
			"not found": () => workspaces.findByUserAndProject(userId, "four"),
			"wrong id": () => workspaces.findById(anything("1")),
		};
	},
	async "the life of a workspace"({ make, workspaces, ports }) {
		const { id, userId } = await make.workspace({ projectName: "p" });
		const { id: other } = await make.workspace({ projectName: "q", assignedPort: 10_000, status: "running" });
		return {
			"running too early": () => workspaces.markRunning(id, STARTED),
			claim: () => ports.claimForWorkspace(id),
			"claim twice": () => ports.claimForWorkspace(id),
			"run of another start": () => workspaces.markRunning(id, STARTED, { port: 10_050 }),
			"run of no port": () => workspaces.markRunning(id, STARTED, anything({ port: "10001" })),
			"run of its own": () => workspaces.markRunning(id, STARTED, { port: 10_001 }),
			"run again": () => workspaces.markRunning(id, STARTED),
			"run late": () => workspaces.markRunning(id, { ...STARTED, containerId: "other" }, { port: 10_001 }),
			password: () => workspaces.findCodeServerPassword(id),
			"start again": () => workspaces.setStatus(id, "starting"),
			"no status": () => workspaces.setStatus(id, anything("gone")),
			heartbeat: () => workspaces.heartbeat(id, userId),
			"heartbeat of nobody": () => workspaces.heartbeat(id, MISSING),
			"heartbeat of undefined": () => workspaces.heartbeat(id, undefined),
			resources: () => workspaces.changeResources(id, { cpuLimit: "2" }),
			"resources too long": () => workspaces.changeResources(id, { ramLimit: "x".repeat(21) }),
			fail: () => workspaces.markFailed(id, "broken"),
			"fail of another start": () => workspaces.markFailed(id, "late", { port: 10_050 }),
			"fail of no port": () => workspaces.markFailed(id, "late", anything({ port: "10050" })),
			row: () => workspaces.findById(id),
			unsettled: () => workspaces.listUnsettled(),
			stop: () => workspaces.markStopped(id),
			"stop again": () => workspaces.markStopped(id),
			"claim after it": () => ports.claimForWorkspace(id, { from: 10_000, to: 10_000 }),
			"claim of nothing": () => ports.claimForWorkspace(MISSING),
			"bad range": () => ports.claimForWorkspace(id, { from: 2, to: 1 }),
			"except one": () => ports.claimForWorkspace(id, { from: 10_000, to: 10_002, except: [10_001] }),
			assigned: () => ports.listAssigned(),
			"is one": () => ports.isAssigned(10_002),
			running: () => workspaces.listRunning(),
			reconcile: () => workspaces.reconcile(other, { running: false }),
			"reconcile a name": () => workspaces.reconcile(other, anything({ run: true })),
			"reconcile back": () => workspaces.reconcile(other, { running: true, containerId: "x", port: 10_005 }),
			stopping: () => workspaces.markAllStopping(),
			deleted: () => workspaces.deleteById(id),
			"deleted again": () => workspaces.deleteById(id),
			"nothing there": () => workspaces.markStopped(id),
		};
	},
	async "idle and old ones"({ make, workspaces }) {
		const old = { status: "running" as const, startedAt: at(2020), lastActivity: at(2020) };
		const { id } = await make.workspace({ ...old, projectName: "idle", idleTimeoutMinutes: 0 });
		await make.workspace({ ...old, projectName: "used", lastActivity: new Date() });
		await make.workspace({ ...old, projectName: "new", startedAt: new Date(), lastActivity: null });
		return {
			idle: () => workspaces.listIdle(),
			old: () => workspaces.listPastLifetime(),
			stop: () => workspaces.beginIdleStop(id),
			"stop again": () => workspaces.beginIdleStop(id),
			active: async () => (await workspaces.listActive()).length,
			"with container": async () => (await workspaces.listWithContainer()).length,
		};
	},
	async previews({ make, previews, ports, limits }) {
		const workspace = await make.workspace({ projectName: "p" });
		const { id: workspaceId, userId } = workspace;
		const expired = await make.preview({ workspaceId, previewHash: "old", expiresAt: at(2020) });
		const create = (previewHash: string, more = {}) =>
			previews.createWithinLimit({ workspaceId, userId, previewHash, ...more }).then(() => "created");
		const id = await previews.createWithinLimit({ workspaceId, userId, previewHash: "h1", expiresAt: at(2030) });
		return {
			"same hash": () => create("h1"),
			second: () => create("h2", { passwordHash: "secret" }),
			"one too many": () => create("h3"),
			"of no workspace": () => previews.createWithinLimit({ workspaceId: MISSING, userId, previewHash: "x" }),
			"wrong date": () => create("h4", { expiresAt: "2030-01-01" }),
			"long hash": () => create("h".repeat(33)),
			"by hash": () => previews.findByHash("h2"),
			"with password": () => previews.findByHashWithPassword("h2"),
			"of another": () => previews.findByIdAndUser(id, MISSING),
			count: () => previews.countActive(workspaceId),
			counts: () => previews.countActiveByWorkspaces([workspaceId, MISSING]),
			"no user": () => previews.countActive(workspaceId, undefined),
			list: () => previews.listByWorkspaceAndUser(workspaceId, userId),
			"list of many": () => previews.listByWorkspaces([workspaceId], userId),
			active: () => previews.listActive(),
			"expired ones": () => previews.listExpired(),
			claim: () => ports.claimForPreview(id),
			"run of another start": () => previews.markRunning(id, PREVIEW, { port: 10_050 }),
			"run of no start": () => previews.markRunning(id, PREVIEW, anything({ ports: 10_050 })),
			run: () => previews.markRunning(id, PREVIEW),
			"run again": () => previews.markRunning(id, PREVIEW),
			"claim late": () => ports.claimForPreview(id),
			extend: () => previews.extendBy(id, { hours: 2 }),
			"extend by nothing": () => previews.extendBy(id, { hours: 0 }),
			"extend too far": () => previews.extendBy(id, { hours: 500_000 }),
			"same expiry": () => previews.extendExpiry(id, new Date(at(2030).getTime() + 7_200_000)),
			"expire early": () => previews.markExpired(id),
			"begin early": () => previews.beginExpiry(id),
			begin: () => previews.beginExpiry(expired.id),
			expire: () => previews.markExpired(expired.id),
			"expire again": () => previews.markExpired(expired.id),
			"stop an expired one": () => previews.markStopped(expired.id),
			"reconcile it": () => previews.reconcile(expired.id, { running: false }),
			stopping: () => previews.markStopping(id),
			fail: () => previews.markFailed(id, "broken"),
			unsettled: () => previews.listUnsettled(),
			stopped: () => previews.markStopped(id),
			deleted: () => previews.deleteById(id),
			"not there": () => previews.markStopping(id),
			"global limit": () => limits.setGlobal({ maxPreviewsPerWorkspace: 0 }),
			"then none": () => create("h9"),
		};
	},
	async "limits, keys and log"({ make, limits, apiKeys, logs, workspaces }) {
		const { id: userId } = await make.user();
		const { id: workspaceId } = await make.workspace({ userId, projectName: "p" });
		const append = (more = {}) =>
			logs.append({ workspaceId, userId, projectName: "p", action: "start", ...more }).then(() => "appended");
		return {
			effective: () => limits.findEffective(userId),
			"own one": () => limits.findOwn(userId),
			"set own": () => limits.setOwn(userId, { defaultCpu: "4" }),
			"set back": () => limits.setOwn(userId, { defaultCpu: null, maxWorkspaces: 9 }),
			"now own": () => limits.findOwn(userId),
			"of nobody": () => limits.setOwn(MISSING, {}),
			"unknown limit": () => limits.setGlobal(anything({ max_workspaces: 3 })),
			"too long": () => limits.setGlobal({ defaultCpu: "x".repeat(21) }),
			general: () => limits.findGlobal(),
			removed: () => limits.removeOwn(userId),
			"removed again": () => limits.removeOwn(userId),
			"no key": () => apiKeys.findKey(userId, "openai"),
			key: () => apiKeys.setKey(userId, "openai", ...KEY),
			"key of nobody": () => apiKeys.setKey(MISSING, "openai", ...KEY),
			"key too long": () => apiKeys.setKey(userId, "openai", Buffer.alloc(513), KEY[1]),
			"no provider": () => apiKeys.hasKey(userId, anything("other")),
			has: () => apiKeys.hasKey(userId, "openai"),
			"has not": () => apiKeys.hasKey(userId, "anthropic"),
			found: () => apiKeys.findKey(userId, "openai"),
			cleared: () => apiKeys.clearKey(userId, "openai"),
			"cleared again": () => apiKeys.clearKey(userId, "openai"),
			append: () => append({ details: { api_key: "s3cret", size: 4 } }),
			"append more": () => append({ action: "stop" }),
			"no action": () => append({ action: "dance" }),
			"no workspace": () => append({ workspaceId: MISSING }),
			page: () => logs.pageOfWorkspace(workspaceId, { limit: 1 }),
			pages: async () => {
				const { next } = await logs.pageOfProject(userId, "p", { limit: 1 });
				return logs.pageOfProject(userId, "p", { limit: 5, before: next });
			},
			"no page": () => logs.pageOfEverybody({ limit: 0 }),
			"after deletion": async () => {
				await workspaces.deleteById(workspaceId);
				return logs.pageOfEverybody();
			},
			old: () => logs.deleteOlderThan(at(2020)),
			"no batch": () => logs.deleteOlderThan(at(2020), { batchSize: 0 }),
		};
	},
};

/** What came of each call of a scenario. */
export async function outcomesOn(db: Db, scenario: string): Promise<Record<string, unknown>> {
	const calls = (await SCENARIOS[scenario]?.(db)) ?? {};
	const outcomes: Record<string, unknown> = {};
	for (const [name, call] of Object.entries(calls)) outcomes[name] = await outcome(call);
	return outcomes;
}
