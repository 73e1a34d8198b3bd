import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { installOldDashboard } from "../../testing/oldDashboard";
import { execute, type temporaryFolder } from "../support/processes";
import { type AroundDocker, type Dashboard, installExample, request, startDashboard, startDocker } from "./application";
import { assertTrue } from "./invariants";

let folder: ReturnType<typeof temporaryFolder>;
let database: TestDatabase;
let docker: Awaited<ReturnType<typeof startDocker>>;
/** What a test does around each of Docker's calls. */
let around: AroundDocker = (_call, perform) => perform();
/** What was started, so that a failed test leaves nothing behind. */
const started: Dashboard[] = [];

before(async () => {
	database = await createTestDatabase({ dashboardUsers: false });
	folder = await installExample();
	docker = await startDocker(join(folder.path, "docker.sock"), (call, perform) => around(call, perform));
});

after(async () => {
	for (const dashboard of started) await dashboard.kill();
	docker?.close();
	folder?.remove();
	await database?.drop();
});

async function listening(
	at: Pick<TestDatabase, "host" | "port" | "username" | "password" | "name">,
): Promise<Dashboard> {
	const env = { RETRY_MS: "50", DB_CONNECT_TIMEOUT: "0" };
	return startDashboard({ folder: folder.path, database: at, socket: docker.socket, env }, (one) => started.push(one));
}

async function start(at: TestDatabase): Promise<Dashboard> {
	const dashboard = await listening(at);
	await dashboard.printed(/^Workspaces are ready$/m);
	return dashboard;
}

interface WorkspaceBody {
	id: number;
	projectName: string;
	status: string;
}

interface LogBody {
	entries: { action: string; details: unknown }[];
	next: number | null;
}

test("its own tests pass, on a database of theirs and with fakes", async () => {
	const env = { TEST_DATABASE_URL: database.url.replace(/\/[^/]*$/, ""), NO_COLOR: "1" };
	const { code, output } = await execute(["npm", "test"], { cwd: folder.path, env });
	assert.equal(code, 0, output);
	assert.match(output, /^\S+ pass 5$/m);
});

test("without a database it starts, and says what is missing when a workspace is touched", async () => {
	const dashboard = await listening({ ...database, port: 1 });
	assert.equal((await request(dashboard, "ann", "GET /")).status, 200);
	await dashboard.printed(/not ready/);
	const { status, body } = await request(dashboard, "ann", "GET /workspaces");
	assert.equal(status, 503);
	assert.match(String(body["error"]), /^Workspaces are not available: .*ECONNREFUSED/);
	assert.equal((await dashboard.stop()).code, 0);
});

test("a refused migration does not take it down, and it is ready once the reason is gone", async () => {
	const refused = await createTestDatabase();
	try {
		await refused.connection.query("CREATE TABLE workspaces (id INT PRIMARY KEY)");
		const dashboard = await listening(refused);
		await dashboard.printed(/not ready/);
		assert.equal((await request(dashboard, "ann", "GET /")).status, 200);
		const { status, body } = await request(dashboard, "ann", "POST /workspaces", { projectName: "shop" });
		assert.equal(status, 503);
		assert.match(String(body["error"]), /^Workspaces are not available: .*workspaces/s);
		await refused.connection.query("DROP TABLE workspaces");
		await dashboard.printed(/^Workspaces are ready$/m);
		assert.equal((await request(dashboard, "ann", "GET /workspaces")).status, 401);
		assert.equal((await dashboard.stop()).code, 0);
	} finally {
		await refused.drop();
	}
});

test("the first start makes the dashboard's tables and the module's", async () => {
	const dashboard = await start(database);
	const { code, output } = await dashboard.stop();
	assert.equal(code, 0, output);
	assert.match(output, /workspaces +created/);
	assert.equal((await database.rows("SELECT id FROM resource_limits")).length, 1);
	await addUsers(database, "ann", "bob", "root");
	await database.connection.query("UPDATE dashboard_users SET is_admin = 1 WHERE username = 'root'");
});

test("a workspace is made, started, used, stopped and logged", async () => {
	const dashboard = await start(database);
	const created = await request<WorkspaceBody>(dashboard, "ann", "POST /workspaces", { projectName: "shop" });
	assert.equal(created.status, 201);
	const at = `/workspaces/${created.body.id}` as const;

	const started = await request(dashboard, "ann", `POST ${at}/start`);
	assert.deepEqual([started.status, started.body], [200, { port: 10_000 }]);
	assert.equal((await request(dashboard, "ann", `POST ${at}/start`)).body["code"], "INVALID_TRANSITION");
	assert.equal((await request(dashboard, "ann", `POST ${at}/heartbeat`)).status, 204);
	const [row] = await database.rows<{ last_accessed_by: number; user_id: number; password: Buffer }>(
		"SELECT last_accessed_by, user_id, code_server_password_encrypted AS password FROM workspaces",
	);
	assert.equal(row?.last_accessed_by, row?.user_id);
	assert.ok(row?.password.length);

	const listed = await request<WorkspaceBody[]>(dashboard, "ann", "GET /workspaces");
	assert.deepEqual(
		listed.body.map(({ projectName, status }) => ({ projectName, status })),
		[{ projectName: "shop", status: "running" }],
	);
	assert.doesNotMatch(JSON.stringify(listed.body), /password/i);
	assert.equal((await request(dashboard, "ann", `POST ${at}/stop`)).status, 204);

	const latest = await request<LogBody>(dashboard, "ann", `GET ${at}/log?limit=2`);
	assert.deepEqual(
		latest.body.entries.map(({ action, details }) => [action, details]),
		[
			["stop", null],
			["start", { port: 10_000 }],
		],
	);
	const older = await request<LogBody>(dashboard, "ann", `GET ${at}/log?before=${latest.body.next}`);
	assert.deepEqual(
		older.body.entries.map(({ action }) => action),
		["create"],
	);
	assert.equal((await dashboard.stop()).code, 0);
});

test("nobody gets at another user's workspace, nor without a login, nor at the limits", async () => {
	const dashboard = await start(database);
	const [workspace] = await database.rows<{ id: number }>("SELECT id FROM workspaces");
	const at = `/workspaces/${workspace?.id}` as const;
	assert.equal((await request(dashboard, "bob", `POST ${at}/start`)).status, 404);
	assert.equal((await request(dashboard, "bob", `GET ${at}/log`)).status, 404);
	assert.equal((await request(dashboard, "nobody", "GET /workspaces")).status, 401);
	assert.equal((await request(dashboard, "bob", "GET /admin/limits")).status, 403);
	assert.equal((await request(dashboard, "bob", "POST /workspaces", { projectName: "x".repeat(101) })).status, 400);
	assert.equal((await request(dashboard, "bob", "POST /workspaces", {})).status, 400);
	assert.equal((await dashboard.stop()).code, 0);
});

test("tabs that create at the same time stay within the limits that an administrator set", async () => {
	const dashboard = await start(database);
	const [bob] = await database.rows<{ id: number }>("SELECT id FROM dashboard_users WHERE username = 'bob'");
	const limits = await request(dashboard, "root", "PUT /admin/limits", { maxWorkspaces: 1 });
	assert.equal(limits.body["maxWorkspaces"], 1);
	const own = await request(dashboard, "root", `PUT /admin/limits/${bob?.id}`, { maxWorkspaces: 3 });
	assert.equal(own.body["maxWorkspaces"], 3);

	const names = ["a", "b", "c", "d", "e"];
	const answers = await Promise.all(
		names.map((projectName) => request(dashboard, "bob", "POST /workspaces", { projectName })),
	);
	assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 201, 409, 409]);

	assert.equal((await request(dashboard, "root", `DELETE /admin/limits/${bob?.id}`)).status, 204);
	const effective = await request(dashboard, "root", `GET /admin/limits/${bob?.id}`);
	assert.equal(effective.body["maxWorkspaces"], 1);
	await request(dashboard, "root", "PUT /admin/limits", { maxWorkspaces: 3 });
	assert.equal((await dashboard.stop()).code, 0);
});

test("a preview is made, extended, and expires; a workspace that is idle stops", async () => {
	const dashboard = await start(database);
	const [shop] = await database.rows<{ id: number }>("SELECT id FROM workspaces WHERE project_name = 'shop'");
	const at = `/workspaces/${shop?.id ?? 0}` as const;
	assert.equal((await request(dashboard, "ann", `POST ${at}/start`)).status, 200);
	const preview = await request<{ id: number; assignedPort: number }>(dashboard, "ann", `POST ${at}/previews`);
	assert.deepEqual([preview.status, preview.body.assignedPort], [201, 10_001]);
	const [before] = await database.rows<{ expires: number }>(
		"SELECT UNIX_TIMESTAMP(expires_at) AS expires FROM preview_environments",
	);
	const extended = await request(dashboard, "ann", `POST /previews/${preview.body.id}/extend`, { hours: 2 });
	assert.equal(Date.parse(String(extended.body["expiresAt"])) / 1000, Number(before?.expires) + 7200);
	await assertTrue(database, docker.containers);

	await database.connection.query(
		`UPDATE preview_environments SET expires_at = NOW() - INTERVAL 1 HOUR;
		UPDATE workspaces SET last_activity = NOW() - INTERVAL 3 HOUR`,
	);
	for (const job of ["expire", "idle"] as const) {
		assert.equal((await request(dashboard, "root", `POST /admin/jobs/${job}`)).status, 204);
	}
	const listed = await request<WorkspaceBody[]>(dashboard, "ann", `GET ${at}/previews`);
	assert.deepEqual(
		listed.body.map(({ status }) => status),
		["expired"],
	);
	assert.equal(docker.containers.size, 0);
	await assertTrue(database, docker.containers);
	assert.equal((await dashboard.stop()).code, 0);
});

/** A workspace that is started before each test of Docker's failures. */
async function startShop(dashboard: Dashboard): Promise<`/workspaces/${number}`> {
	const [shop] = await database.rows<{ id: number }>("SELECT id FROM workspaces WHERE project_name = 'shop'");
	const at = `/workspaces/${shop?.id ?? 0}` as const;
	assert.equal((await request(dashboard, "ann", `POST ${at}/start`)).status, 200);
	return at;
}

test("what Docker interrupted is finished by the job, without a restart", async () => {
	const dashboard = await start(database);
	const at = await startShop(dashboard);
	assert.equal((await request(dashboard, "ann", `POST ${at}/previews`)).status, 201);
	await database.connection.query(
		`UPDATE preview_environments SET expires_at = NOW() - INTERVAL 1 HOUR WHERE status = 'running';
		UPDATE workspaces SET last_activity = NOW() - INTERVAL 3 HOUR`,
	);
	around = async () => {
		throw new Error("on purpose");
	};
	for (const job of ["expire", "idle"] as const) {
		assert.equal((await request(dashboard, "root", `POST /admin/jobs/${job}`)).status, 502);
	}
	assert.equal((await request(dashboard, "root", "POST /admin/jobs/finish")).status, 204, "Docker still fails");
	const states = () =>
		database.rows<{ status: string; port: number | null }>(
			`SELECT status, assigned_port AS port FROM workspaces WHERE project_name = 'shop'
			UNION ALL (SELECT status, assigned_port FROM preview_environments ORDER BY id DESC LIMIT 1)`,
		);
	const stopping = ({ status, port }: { status: string; port: number | null }) =>
		status === "stopping" && port !== null;
	assert.ok((await states()).every(stopping));

	around = (_call, perform) => perform();
	assert.equal((await request(dashboard, "root", "POST /admin/jobs/finish")).status, 204);
	assert.ok((await states()).some(stopping), "a stop of a moment ago may still be in progress");
	await database.connection.query(
		"UPDATE workspaces SET updated_at = NOW() - INTERVAL 1 HOUR WHERE status = 'stopping'",
	);
	assert.equal((await request(dashboard, "root", "POST /admin/jobs/finish")).status, 204);
	const finished = [
		{ status: "stopped", port: null },
		{ status: "expired", port: null },
	];
	assert.deepEqual(await states(), finished);

	around = async () => {
		throw new Error("on purpose");
	};
	assert.equal((await request(dashboard, "ann", `POST ${at}/start`)).status, 502);
	assert.equal((await states())[0]?.status, "starting", "nobody knows what is on its port");
	await database.connection.query(
		"UPDATE workspaces SET updated_at = NOW() - INTERVAL 1 HOUR WHERE status = 'starting'",
	);
	around = (_call, perform) => perform();
	assert.equal((await request(dashboard, "root", "POST /admin/jobs/finish")).status, 204);
	assert.deepEqual(await states(), finished);
	await assertTrue(database, docker.containers);
	assert.equal((await dashboard.stop()).code, 0);
});

test("a start that Docker answers late does not take the place of the one that came after it", async () => {
	const dashboard = await start(database);
	const [shop] = await database.rows<{ id: number }>("SELECT id FROM workspaces WHERE project_name = 'shop'");
	const { body: other } = await request<WorkspaceBody>(dashboard, "ann", "POST /workspaces", { projectName: "other" });
	const held: (() => void)[] = [];
	let began = () => {};
	around = async ({ method }, perform) => {
		const answer = await perform();
		if (method !== "POST") return answer;
		await new Promise<void>((answered) => {
			held.push(answered);
			began();
		});
		return answer;
	};
	/** A start whose container is there, and whose answer is held back. */
	const begin = async (id = 0) => {
		const begun = new Promise<void>((done) => {
			began = done;
		});
		const answer = request(dashboard, "ann", `POST /workspaces/${id}/start`);
		await begun;
		return { answer };
	};
	const late = await begin(shop?.id);
	assert.equal((await request(dashboard, "ann", `POST /workspaces/${shop?.id ?? 0}/stop`)).status, 204);
	const between = await begin(other.id);
	const again = await begin(shop?.id);
	held[0]?.();
	const refused = await late.answer;
	for (const answered of held) answered();
	assert.deepEqual([refused.status, refused.body["code"]], [409, "INVALID_TRANSITION"]);
	assert.deepEqual((await between.answer).body, { port: 10_000 });
	assert.deepEqual((await again.answer).body, { port: 10_001 });
	await assertTrue(database, docker.containers);
	around = (_call, perform) => perform();
	assert.equal((await request(dashboard, "ann", `DELETE /workspaces/${other.id}`)).status, 204);
	assert.equal((await request(dashboard, "ann", `POST /workspaces/${shop?.id ?? 0}/stop`)).status, 204);
	assert.equal((await dashboard.stop()).code, 0);
});

test("workspaces run on while it is down, and the next start finds them and nothing to migrate", async () => {
	const first = await start(database);
	const [workspace] = await database.rows<{ id: number }>("SELECT id FROM workspaces WHERE project_name = 'shop'");
	assert.equal((await request(first, "ann", `POST /workspaces/${workspace?.id ?? 0}/start`)).status, 200);
	assert.equal((await first.stop()).code, 0);
	assert.equal(docker.containers.size, 1);

	const second = await start(database);
	const [running] = await database.rows<{ status: string }>(
		"SELECT status FROM workspaces WHERE project_name = 'shop'",
	);
	assert.equal(running?.status, "running");
	assert.equal((await request(second, "ann", `POST /workspaces/${workspace?.id ?? 0}/stop`)).status, 204);
	assert.equal((await request(second, "ann", `DELETE /workspaces/${workspace?.id ?? 0}`)).status, 204);
	const { code, output } = await second.stop();
	assert.equal(code, 0, output);
	assert.match(output, /No migrations are pending/);
	assert.equal(docker.containers.size, 0);
});

test("two of them that start at once on an older dashboard's database both come up", async () => {
	const old = await createTestDatabase();
	try {
		await installOldDashboard(old);
		const dashboards = await Promise.all([start(old), start(old)]);
		const ends = await Promise.all(dashboards.map((dashboard) => dashboard.stop()));
		assert.deepEqual(
			ends.map(({ code }) => code),
			[0, 0],
		);
		assert.equal(ends.filter(({ output }) => /workspaces +adopted/.test(output)).length, 1);
	} finally {
		await old.drop();
	}
});
