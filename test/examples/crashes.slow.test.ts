import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { startProxy, type Verdict } from "../../testing/proxy";
import type { temporaryFolder } from "../support/processes";
import { type AroundDocker, type Dashboard, installExample, request, startDashboard, startDocker } from "./application";
import { assertTrue } from "./invariants";

/**
 * The application is killed before and after each statement and each call of Docker's of each operation, and started
 * again: a restart that knows only the rows and Docker brings every row back to the truth.
 */

type Moment = "before" | "after";

/** Kills at one of the events that follow; counts them. */
function createCutter(kill: () => Promise<void>) {
	let left = 0;
	let moment: Moment = "before";
	let happened = false;
	const isNext = () => left > 0 && --left === 0;
	const cut = async () => {
		happened = true;
		await kill();
	};
	const statement = async (): Promise<Verdict> => {
		if (!isNext()) return "forward";
		if (moment === "after") return { whenAnswered: cut };
		await cut();
		return "cut before";
	};
	const docker: AroundDocker = async (_call, perform) => {
		if (!isNext()) return perform();
		if (moment === "after") await perform();
		await cut();
		throw new Error("who called is gone");
	};
	return {
		statement,
		docker,
		/** Kills at the event with this number from now on. */
		at(number: number, when: Moment) {
			left = number;
			moment = when;
			happened = false;
		},
		/** Whether that event came; none is waited for any more. */
		ended(): boolean {
			left = 0;
			return happened;
		},
	};
}

/** A database, a Docker and an application of one worker's own. */
interface Stage {
	readonly database: TestDatabase;
	readonly docker: Awaited<ReturnType<typeof startDocker>>;
	readonly cutter: ReturnType<typeof createCutter>;
	dashboard: Dashboard;
	/** Starts the application, and waits until its workspaces are ready. */
	start(): Promise<void>;
	/** Sends a request that has to succeed. */
	succeed<Body>(call: Parameters<typeof request>[2], body?: object): Promise<Body>;
	close(): Promise<void>;
}

let folder: ReturnType<typeof temporaryFolder>;
let stages = 0;
let cuts = 0;

before(async () => {
	folder = await installExample();
});
after(() => folder?.remove());

async function createStage(): Promise<Stage> {
	const database = await createTestDatabase();
	const cutter = createCutter(() => stage.dashboard.kill());
	const proxy = await startProxy(database, cutter.statement);
	const docker = await startDocker(join(folder.path, `docker-${++stages}.sock`), cutter.docker);
	const place = {
		folder: folder.path,
		database: { ...database, host: "127.0.0.1", port: proxy.port },
		socket: docker.socket,
	};
	const stage: Stage = {
		database,
		docker,
		cutter,
		dashboard: undefined as never,
		async start() {
			stage.dashboard = await startDashboard(place, (dashboard) => {
				stage.dashboard = dashboard;
			});
			await stage.dashboard.printed(/^Workspaces are ready$|not ready/m);
			assert.doesNotMatch(stage.dashboard.output(), /not ready/);
		},
		async succeed<Body>(call: Parameters<typeof request>[2], body?: object) {
			const answer = await request<Body>(stage.dashboard, "root", call, body);
			assert.ok(answer.status < 300, `${call}: ${answer.status} ${JSON.stringify(answer.body)}`);
			return answer.body;
		},
		async close() {
			await stage.dashboard?.kill();
			docker.close();
			await proxy.close();
			await database.drop();
		},
	};
	await addUsers(database, "root");
	await database.connection.query("UPDATE dashboard_users SET is_admin = 1");
	await stage.start();
	await setLimits(stage, 2, 1);
	return stage;
}

async function setLimits({ database }: Stage, workspaces: number, previews: number): Promise<void> {
	const sql = "UPDATE resource_limits SET max_workspaces = ?, max_previews_per_workspace = ?";
	await database.connection.query(sql, [workspaces, previews]);
}

interface Body {
	readonly id: number;
	readonly status: string;
}

const create = (stage: Stage) => stage.succeed<Body>("POST /workspaces", { projectName: "shop" });

async function createRunning(stage: Stage): Promise<Body> {
	const workspace = await create(stage);
	await stage.succeed(`POST /workspaces/${workspace.id}/start`);
	return workspace;
}

async function createPreview(stage: Stage): Promise<Body> {
	const { id } = await createRunning(stage);
	return stage.succeed<Body>(`POST /workspaces/${id}/previews`);
}

/** What is there before, and the operation in which the application is killed. */
type Operation = (stage: Stage) => Promise<() => Promise<unknown>>;

const OPERATIONS: Readonly<Record<string, Operation>> = {
	"creating a workspace": async (stage) => () => create(stage),
	"starting it": async (stage) => {
		const { id } = await create(stage);
		return () => stage.succeed(`POST /workspaces/${id}/start`);
	},
	"a start that Docker refuses": async (stage) => {
		const { id } = await create(stage);
		stage.docker.containers.set("foreign", { id: "foreign", name: "foreign", label: "project", port: 10_000 });
		return () => request(stage.dashboard, "root", `POST /workspaces/${id}/start`);
	},
	"stopping it": async (stage) => {
		const { id } = await createRunning(stage);
		return () => stage.succeed(`POST /workspaces/${id}/stop`);
	},
	"deleting it with its preview": async (stage) => {
		await createPreview(stage);
		const [workspace] = await stage.succeed<Body[]>("GET /workspaces");
		return () => stage.succeed(`DELETE /workspaces/${workspace?.id ?? 0}`);
	},
	"creating a preview": async (stage) => {
		const { id } = await createRunning(stage);
		return () => stage.succeed(`POST /workspaces/${id}/previews`);
	},
	"extending it": async (stage) => {
		const { id } = await createPreview(stage);
		return () => stage.succeed(`POST /previews/${id}/extend`, { hours: 2 });
	},
	"deleting it": async (stage) => {
		const { id } = await createPreview(stage);
		return () => stage.succeed(`DELETE /previews/${id}`);
	},
	"its expiry": async (stage) => {
		await createPreview(stage);
		await stage.database.connection.query("UPDATE preview_environments SET expires_at = NOW() - INTERVAL 1 HOUR");
		return () => stage.succeed("POST /admin/jobs/expire");
	},
	"an idle stop": async (stage) => {
		await createRunning(stage);
		await stage.database.connection.query("UPDATE workspaces SET last_activity = NOW() - INTERVAL 3 HOUR");
		return () => stage.succeed("POST /admin/jobs/idle");
	},
	"finishing what Docker interrupted": async (stage) => {
		await createPreview(stage);
		await stage.database.connection.query(
			`UPDATE preview_environments SET status = 'stopping';
			UPDATE workspaces SET status = 'stopping', updated_at = NOW() - INTERVAL 1 HOUR`,
		);
		return () => stage.succeed("POST /admin/jobs/finish");
	},
	"a start of the application after all of that": async (stage) => {
		await stage.dashboard.kill();
		await leaveEveryState(stage);
		return () => stage.start();
	},
};

/** Rows in each state that a crash, or an older dashboard, leaves behind; some of their containers run. */
async function leaveEveryState(stage: Stage): Promise<void> {
	const { database, docker } = stage;
	await setLimits(stage, 10, 10);
	const [[root]] = [await database.rows<{ id: number }>("SELECT id FROM dashboard_users")];
	const states = [
		{ status: "starting", port: 10_000, isKnown: false, runs: false },
		{ status: "starting", port: 10_001, isKnown: false, runs: true },
		{ status: "running", port: 10_002, isKnown: true, runs: true },
		{ status: "running", port: 10_003, isKnown: true, runs: false },
		{ status: "stopping", port: 10_004, isKnown: true, runs: true },
		{ status: "stopping", port: 10_005, isKnown: true, runs: false },
		{ status: "error", port: 10_002, isKnown: false, runs: false },
		{ status: "error", port: 10_006, isKnown: true, runs: true },
	];
	const leave = async (
		table: string,
		label: string,
		columns: object,
		{ port, isKnown, runs, status }: (typeof states)[0],
	) => {
		const [{ insertId }] = (await database.connection.query(`INSERT INTO ${table} SET ?`, [
			{ ...columns, user_id: root?.id, status, assigned_port: port },
		])) as unknown as [{ insertId: number }];
		const id = `of-${label}-${insertId}`;
		if (isKnown) await database.connection.query(`UPDATE ${table} SET container_id = ? WHERE id = ?`, [id, insertId]);
		if (runs) docker.containers.set(id, { id, name: id, label: `${label}-${insertId}`, port });
		return insertId;
	};
	let parent = 0;
	for (const [index, state] of states.entries()) {
		parent = await leave("workspaces", "workspace", { project_name: `old-${index}` }, state);
	}
	const previews = states.map(({ status, port, ...state }) => ({
		...state,
		status: status.replace("starting", "creating"),
		port: port + 50,
	}));
	for (const [index, state] of previews.entries()) {
		const columns = {
			workspace_id: parent,
			project_name: "old",
			preview_hash: `old-${index}`,
			expires_at: "2030-01-01",
		};
		await leave("preview_environments", "preview", columns, state);
	}
}

/** Whatever state a row was brought to, its user can start, stop and delete it, and have as many as the limit says. */
async function useEverything(stage: Stage): Promise<void> {
	const rest = await stage.succeed<Body[]>("GET /workspaces");
	for (const { id, status } of rest) {
		for (const preview of await stage.succeed<Body[]>(`GET /workspaces/${id}/previews`)) {
			await stage.succeed(`DELETE /previews/${preview.id}`);
		}
		if (status === "running") await stage.succeed(`POST /workspaces/${id}/stop`);
		await stage.succeed(`POST /workspaces/${id}/start`);
	}
	await assertTrue(stage.database, stage.docker.containers);
	for (const { id } of rest.slice(1)) await stage.succeed(`DELETE /workspaces/${id}`);
	const { id } = rest[0] ?? (await createRunning(stage));
	await setLimits(stage, 2, 1);
	await stage.succeed("POST /workspaces", { projectName: "second" });
	assert.equal((await request(stage.dashboard, "root", "POST /workspaces", { projectName: "third" })).status, 409);
	await stage.succeed(`POST /workspaces/${id}/previews`);
	assert.equal((await request(stage.dashboard, "root", `POST /workspaces/${id}/previews`)).status, 409);
	for (const last of await stage.succeed<Body[]>("GET /workspaces"))
		await stage.succeed(`DELETE /workspaces/${last.id}`);
	await assertTrue(stage.database, stage.docker.containers);
	assert.equal(stage.docker.containers.size, 0);
}

/** Runs an operation on what it needs, cuts it at one event, and starts again; false where it has no such event. */
async function cutOnce(stage: Stage, operation: Operation, number: number, moment: Moment): Promise<boolean> {
	const run = await operation(stage);
	stage.cutter.at(number, moment);
	await run().catch(() => undefined);
	const happened = stage.cutter.ended();
	if (happened) await stage.start();
	await assertTrue(stage.database, stage.docker.containers);
	stage.docker.containers.delete("foreign");
	await useEverything(stage);
	return happened;
}

for (const [name, operation] of Object.entries(OPERATIONS)) {
	test(`killed at each event of ${name}, it recovers`, async (context) => {
		const stage = await createStage();
		try {
			let events = 0;
			while (await cutOnce(stage, operation, events + 1, "before")) {
				events++;
				assert.ok(await cutOnce(stage, operation, events, "after"), `event ${events} came once`);
			}
			assert.ok(events > 1);
			cuts += 2 * events;
			context.diagnostic(`${name}: ${2 * events} cuts, ${cuts} so far`);
		} finally {
			await stage.close();
		}
	});
}
