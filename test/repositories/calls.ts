import { BIG } from "./bigTables";
import { type Context, STARTED } from "./context";

/** One call of a method on the big tables. */
export interface Call {
	/** As the tables of `docs/repositories.md` name it. */
	readonly method: string;
	/** Brings about what the call needs; not measured. */
	readonly prepare?: () => Promise<unknown>;
	readonly work: () => Promise<unknown>;
	/** Rows that it returns, counts or changes; undefined: as many as it says. */
	readonly rows?: number;
	/** Reads that each of them costs, where it is not one: a joined owner, or a row that is found and then fetched. */
	readonly readsPerRow?: number;
	/** Statements, where the call makes more of them than one that does the least. */
	readonly statements?: number;
}

const USER = 601;
/** Of its own: 601, 1601, 2601, … belong to the user. */
const WORKSPACE = 601;

/** Every method of every repository, as often as its answer can differ in size. */
export function callsOf(context: Context): Call[] {
	return [...workspaceCalls(context), ...previewCalls(context), ...logCalls(context), ...otherCalls(context)];
}

const section = (repository: string) => (call: Call) => ({ ...call, method: `${repository}.${call.method}` });

function workspaceCalls({ workspaces, database }: Context): Call[] {
	const set = (status: string) => () =>
		database.rows("UPDATE workspaces SET status = ? WHERE id = ?", [status, WORKSPACE]);
	const calls: Call[] = [
		{ method: "findById", work: () => workspaces.findById(50_000), rows: 1 },
		{ method: "findByUserAndProject", work: () => workspaces.findByUserAndProject(USER, "project-600"), rows: 1 },
		{ method: "findByUserAndProject", work: () => workspaces.findByUserAndProject(USER, "none"), rows: 0 },
		{ method: "listByUser", work: () => workspaces.listByUser(USER), rows: BIG.workspacesOfUser },
		{ method: "countByUser", work: () => workspaces.countByUser(USER), rows: BIG.workspacesOfUser },
		{ method: "listRunning", work: () => workspaces.listRunning(), rows: BIG.running, readsPerRow: 2 },
		{
			method: "listActive",
			work: () => workspaces.listActive(),
			rows: BIG.running + BIG.starting + BIG.stopping,
			readsPerRow: 2,
		},
		{ method: "listWithContainer", work: () => workspaces.listWithContainer(), rows: BIG.running + BIG.starting },
		{
			method: "listUnsettled",
			work: () => workspaces.listUnsettled(),
			// No index finds a container without a status, and this is asked once, at boot.
			rows: BIG.running + BIG.starting + BIG.stopping,
			readsPerRow: BIG.workspaces,
		},
		{
			method: "reconcile",
			prepare: set("stopping"),
			work: () => workspaces.reconcile(WORKSPACE, { running: false }),
			rows: 1,
		},
		{ method: "beginIdleStop", prepare: set("running"), work: () => workspaces.beginIdleStop(WORKSPACE), rows: 1 },
		{ method: "listRoutesByProject", work: () => workspaces.listRoutesByProject("project-4711"), rows: 1 },
		{ method: "listIdle", work: () => workspaces.listIdle(), rows: BIG.idle },
		{ method: "listPastLifetime", work: () => workspaces.listPastLifetime(), rows: BIG.pastLifetime },
		{ method: "findCodeServerPassword", work: () => workspaces.findCodeServerPassword(50_000), rows: 1 },
		{
			method: "createWithinLimit",
			work: () => workspaces.createWithinLimit({ userId: 1, projectName: `new ${Math.random()}` }),
			// The limit is checked by counting.
			rows: BIG.workspacesOfUser + 2,
		},
		{ method: "setStatus", prepare: set("stopped"), work: () => workspaces.setStatus(WORKSPACE, "starting"), rows: 1 },
		{
			method: "markRunning",
			prepare: set("starting"),
			work: () => workspaces.markRunning(WORKSPACE, STARTED),
			rows: 1,
		},
		{ method: "markFailed", prepare: set("running"), work: () => workspaces.markFailed(WORKSPACE, "x"), rows: 1 },
		{ method: "markStopped", prepare: set("running"), work: () => workspaces.markStopped(WORKSPACE), rows: 1 },
		{ method: "changeResources", work: () => workspaces.changeResources(WORKSPACE, { cpuLimit: "7" }), rows: 1 },
		{ method: "heartbeat", work: () => workspaces.heartbeat(WORKSPACE, 5), rows: 1 },
		{
			method: "deleteById",
			prepare: () => database.rows("DELETE FROM preview_environments WHERE workspace_id = 99"),
			work: () => workspaces.deleteById(99),
			rows: 1 + BIG.logsOfWorkspace,
		},
		{
			method: "markAllStopping",
			prepare: () =>
				database.rows(
					"UPDATE workspaces SET status = 'running' WHERE id IN (SELECT id FROM (SELECT id FROM workspaces LIMIT 60) few)",
				),
			work: () => workspaces.markAllStopping(),
			rows: BIG.running + BIG.starting + 60,
			// The server finds by the index that it changes: it fetches each row again, which MySQL counts twice.
			readsPerRow: 3,
		},
	];
	return calls.map(section("WorkspaceRepository"));
}

function previewCalls({ previews, database }: Context): Call[] {
	const id = 50_001;
	const set =
		(status: string, expiry = "NOW() + INTERVAL 1 DAY") =>
		() =>
			database.rows(`UPDATE preview_environments SET status = ?, expires_at = ${expiry} WHERE id = ?`, [status, id]);
	const busy = BIG.activeWorkspace;
	const expiresAt = new Date("2031-01-01T00:00:00Z");
	const started = { containerId: "c", containerName: "n", previewUrl: "u" };
	const calls: Call[] = [
		{ method: "findById", work: () => previews.findById(500_000), rows: 1 },
		{ method: "findByIdAndUser", work: () => previews.findByIdAndUser(500_001, 1), rows: 1 },
		{ method: "findByHash", work: () => previews.findByHash("hash-777777"), rows: 1 },
		{ method: "findByHashWithPassword", work: () => previews.findByHashWithPassword("hash-777777"), rows: 1 },
		{
			method: "listByWorkspaceAndUser",
			work: () => previews.listByWorkspaceAndUser(busy, busy),
			rows: BIG.previewsOfWorkspace,
		},
		{ method: "listByWorkspaceAndUser", work: () => previews.listByWorkspaceAndUser(busy, busy + 1), rows: 0 },
		{
			method: "listByWorkspaces",
			work: () => previews.listByWorkspaces([busy, 79, 80, 99_999]),
			rows: 3 * BIG.previewsOfWorkspace,
		},
		{ method: "countActive", work: () => previews.countActive(busy), rows: BIG.activePreviews },
		{ method: "countActive", work: () => previews.countActive(79), rows: 0 },
		{
			method: "countActiveByWorkspaces",
			work: () => previews.countActiveByWorkspaces([busy, 79, 80, 99_999]),
			rows: BIG.activePreviews,
		},
		{ method: "listActive", work: () => previews.listActive(), rows: BIG.activePreviews, readsPerRow: 2 },
		{ method: "listExpired", work: () => previews.listExpired(), rows: BIG.expiredPreviews },
		{
			method: "listUnsettled",
			work: () => previews.listUnsettled(),
			rows: BIG.activePreviews,
			readsPerRow: BIG.previews,
		},
		{
			method: "createWithinLimit",
			work: () => previews.createWithinLimit({ workspaceId: 85, userId: 85, previewHash: `${Math.random()}` }),
			rows: 1,
		},
		{ method: "markRunning", prepare: set("creating"), work: () => previews.markRunning(id, started), rows: 1 },
		{ method: "markFailed", prepare: set("running"), work: () => previews.markFailed(id, "x"), rows: 1 },
		{ method: "markStopping", prepare: set("running"), work: () => previews.markStopping(id), rows: 1 },
		{ method: "markStopped", prepare: set("running"), work: () => previews.markStopped(id), rows: 1 },
		{ method: "extendExpiry", prepare: set("running"), work: () => previews.extendExpiry(id, expiresAt), rows: 1 },
		{ method: "extendBy", prepare: set("running"), work: () => previews.extendBy(id, { hours: 1 }), rows: 1 },
		{ method: "beginExpiry", prepare: set("running", "NOW()"), work: () => previews.beginExpiry(id), rows: 1 },
		{
			method: "reconcile",
			prepare: set("stopping"),
			work: () => previews.reconcile(id, { running: false }),
			rows: 1,
		},
		{ method: "markExpired", prepare: set("running", "NOW()"), work: () => previews.markExpired(id), rows: 1 },
		{ method: "deleteById", work: () => previews.deleteById(50_002), rows: 1 },
	];
	return calls.map(section("PreviewEnvironmentRepository"));
}

function logCalls({ logs }: Context): Call[] {
	const entry = { workspaceId: 5, userId: 5, projectName: "p", action: "start" as const };
	const middle = { before: 500_000 };
	const calls: Call[] = [
		{ method: "append", work: () => logs.append(entry), rows: 1 },
		{ method: "pageOfWorkspace", work: () => logs.pageOfWorkspace(7), rows: 50 },
		{ method: "pageOfWorkspace", work: () => logs.pageOfWorkspace(7, middle), rows: 50 },
		{ method: "pageOfWorkspace", work: () => logs.pageOfWorkspace(77_777), rows: 0 },
		{ method: "pageOfProject", work: () => logs.pageOfProject(7, "project-1"), rows: 50 },
		{ method: "pageOfProject", work: () => logs.pageOfProject(7, "project-1", { ...middle, limit: 20 }), rows: 20 },
		{ method: "pageOfProject", work: () => logs.pageOfProject(7, "none", middle), rows: 0 },
		{ method: "pageOfEverybody", work: () => logs.pageOfEverybody({ limit: 1_000 }), rows: 1_000 },
		{ method: "pageOfEverybody", work: () => logs.pageOfEverybody({ ...middle, limit: 1_000 }), rows: 1_000 },
		{
			method: "deleteOlderThan",
			work: () => logs.deleteOlderThan(new Date(Date.now() - 990_000_000), { batchSize: 4_000 }),
			// Each of the 10,000 seconds before has an entry, and the clock goes on.
			statements: 3,
		},
	];
	return calls.map(section("WorkspaceLogRepository"));
}

function otherCalls({ limits, keys, ports, database, workspaces, previews }: Context): Call[] {
	const [key, iv] = [Buffer.alloc(80, 1), Buffer.alloc(16, 2)];
	const held = BIG.workspacePorts + BIG.previewPorts;
	const stopped = () =>
		database.rows("UPDATE workspaces SET status = 'stopped', assigned_port = NULL WHERE id = ?", [WORKSPACE]);
	let preview = 0;
	const creating = async () => {
		preview = await previews.createWithinLimit({ workspaceId: 86, userId: 86, previewHash: `${Math.random()}` });
	};
	return [
		...[
			{ method: "findEffective", work: () => limits.findEffective(7), rows: 2 },
			{ method: "findGlobal", work: () => limits.findGlobal(), rows: 1 },
			{ method: "setGlobal", work: () => limits.setGlobal({ maxWorkspaces: 3 }), rows: 1 },
			{ method: "findOwn", work: () => limits.findOwn(7), rows: 1 },
			{ method: "setOwn", work: () => limits.setOwn(7, { maxWorkspaces: 300 }), rows: 1 },
			{ method: "removeOwn", work: () => limits.removeOwn(8), rows: 1 },
		].map(section("ResourceLimitRepository")),
		...[
			{ method: "setKey", work: () => keys.setKey(7, "openai", key, iv), rows: 1 },
			{ method: "findKey", work: () => keys.findKey(7, "openai"), rows: 1 },
			{ method: "hasKey", work: () => keys.hasKey(7, "openai"), rows: 1 },
			{ method: "clearKey", work: () => keys.clearKey(7, "openai"), rows: 1 },
		].map(section("UserApiKeyRepository")),
		...[
			{ method: "listAssigned", work: () => ports.listAssigned(), rows: held },
			{ method: "isAssigned", work: () => ports.isAssigned(10_000), rows: 1 },
			{ method: "countAssigned", work: () => ports.countAssigned(), rows: held },
			// What is held in the range is read to find what is free, at most the range; several times, and never the table.
			{
				method: "claimForWorkspace",
				prepare: stopped,
				work: () => ports.claimForWorkspace(WORKSPACE),
				rows: held + 1,
				readsPerRow: 16,
			},
			{
				method: "claimForPreview",
				prepare: creating,
				work: () => ports.claimForPreview(preview),
				rows: held + 2,
				readsPerRow: 16,
			},
		].map(section("PortRepository")),
		...[{ method: "findById", work: () => workspaces.findById(999_999), rows: 0 }].map(section("WorkspaceRepository")),
	];
}
