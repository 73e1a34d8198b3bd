import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { installOldDashboard } from "../../testing/oldDashboard";
import { environment, npm, packProject, temporaryFolder } from "../support/processes";

const PROJECT = join(__dirname, "..", "..");
const EXAMPLE = join(PROJECT, "examples", "dashboard");
const BETWEEN_MARKS = /(\t\/\/ dployr-workspaces-db: begin\n)(.*?)(\t\/\/ dployr-workspaces-db: end\n)/s;

let folder: ReturnType<typeof temporaryFolder>;
let database: TestDatabase;
/** What runs, so that a failed test leaves nothing behind. */
const running = new Set<ChildProcess>();

/** The block of the README's integration section. */
function printedBlock(): string {
	const readme = readFileSync(join(PROJECT, "README.md"), "utf8");
	const block = /^## Use it in the dashboard$.*?^```js\n(.*?)^```$/ms.exec(readme)?.[1];
	assert.ok(block, "the README has no block of JavaScript in its section on the dashboard");
	return block;
}

before(async () => {
	database = await createTestDatabase({ dashboardUsers: false });
	const tarball = await packProject();
	try {
		folder = temporaryFolder();
		cpSync(EXAMPLE, folder.path, { recursive: true, filter: (source) => !source.includes("node_modules") });
		const server = readFileSync(join(EXAMPLE, "server.js"), "utf8");
		const indented = printedBlock().replace(/^(?=.)/gm, "\t");
		writeFileSync(
			join(folder.path, "server.js"),
			server.replace(BETWEEN_MARKS, (_all, begin, _block, end) => `${begin}${indented}${end}`),
		);
		await npm(folder.path, "install", tarball.path);
	} finally {
		tarball.remove();
	}
});

after(async () => {
	for (const child of running) child.kill("SIGKILL");
	folder?.remove();
	await database?.drop();
});

interface Dashboard {
	readonly url: string;
	/** Ends it as a service manager would, and gives its exit code and all that it printed. */
	stop(): Promise<{ code: number | null; output: string }>;
}

async function start(at: TestDatabase): Promise<Dashboard> {
	const child = spawn(process.execPath, ["server.js"], {
		cwd: folder.path,
		env: environment({
			DB_HOST: at.host,
			DB_PORT: String(at.port),
			DB_USERNAME: at.username,
			DB_PASSWORD: at.password,
			DB_DATABASE: at.name,
			PORT: "0",
		}),
		stdio: ["ignore", "pipe", "pipe"],
	});
	running.add(child);
	let output = "";
	const ended = new Promise<number | null>((done) => {
		child.on("close", (code) => {
			running.delete(child);
			done(code);
		});
	});
	const listening = new Promise<string>((done) => {
		for (const stream of [child.stdout, child.stderr]) {
			stream.setEncoding("utf8").on("data", (text: string) => {
				output += text;
				const url = /listens on (\S+)$/m.exec(output)?.[1];
				if (url) done(url);
			});
		}
	});
	const url = await Promise.race([
		listening,
		ended.then((code) => assert.fail(`it ended with ${code} before it listened: ${output}`)),
	]);
	return {
		url,
		async stop() {
			child.kill("SIGTERM");
			return { code: await ended, output };
		},
	};
}

interface Answer<Body> {
	readonly status: number;
	readonly body: Body;
}

async function request<Body = Record<string, unknown>>(
	{ url }: Dashboard,
	user: string,
	call: `${"GET" | "POST" | "PUT" | "DELETE"} /${string}`,
	body?: object,
): Promise<Answer<Body>> {
	const [method = "", path = ""] = call.split(" ");
	const response = await fetch(`${url}${path}`, {
		method,
		headers: { "X-User": user, "Content-Type": "application/json" },
		...(body ? { body: JSON.stringify(body) } : {}),
	});
	const text = await response.text();
	return { status: response.status, body: (text ? JSON.parse(text) : undefined) as Body };
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

test("the README prints the block that the example has between its marks", () => {
	const server = readFileSync(join(EXAMPLE, "server.js"), "utf8");
	const [, , block = ""] = BETWEEN_MARKS.exec(server) ?? [];
	assert.equal(printedBlock(), block.replace(/^\t/gm, ""));
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
	assert.deepEqual(started, { status: 200, body: { port: 10_000 } });
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
	assert.equal((await dashboard.stop()).code, 0);
});

test("it shuts down cleanly while a workspace runs, and the next start finds nothing to migrate", async () => {
	const first = await start(database);
	const [workspace] = await database.rows<{ id: number }>("SELECT id FROM workspaces WHERE project_name = 'shop'");
	assert.equal((await request(first, "ann", `POST /workspaces/${workspace?.id}/start`)).status, 200);
	assert.equal((await first.stop()).code, 0);
	const [stopping] = await database.rows<{ status: string }>(
		"SELECT status FROM workspaces WHERE project_name = 'shop'",
	);
	assert.equal(stopping?.status, "stopping");

	const second = await start(database);
	assert.equal((await request(second, "ann", `POST /workspaces/${workspace?.id}/stop`)).status, 204);
	const { code, output } = await second.stop();
	assert.equal(code, 0, output);
	assert.match(output, /No migrations are pending/);
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
