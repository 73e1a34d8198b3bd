import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { npm, packProject, start, type Tarball, temporaryFolder } from "../support/processes";

const EXAMPLE = join(__dirname, "..", "..", "examples", "nestjs");

let database: TestDatabase;
let tarball: Tarball;
let folder: ReturnType<typeof temporaryFolder>;
let application: ReturnType<typeof start>;
let address = "";
let ada = 0;

before(async () => {
	database = await createTestDatabase();
	[ada = 0] = await addUsers(database, "ada");
	tarball = await packProject();
	folder = temporaryFolder();
	for (const name of ["src", "package.json", "tsconfig.json"]) {
		cpSync(join(EXAMPLE, name), join(folder.path, name), { recursive: true });
	}
	await npm(folder.path, "pkg", "set", `dependencies.dployr-workspaces-db=file:${tarball.path}`);
	await npm(folder.path, "install");
	await npm(folder.path, "run", "build");
	const { host, port, username, password, name } = database;
	const settings = { DB_HOST: host, DB_PORT: String(port), DB_USERNAME: username, DB_DATABASE: name };
	application = start([process.execPath, join("dist", "main.js")], {
		cwd: folder.path,
		env: { ...settings, ...(password ? { DB_PASSWORD: password } : {}), PORT: "0" },
	});
	address = await new Promise<string>((done, fail) => {
		let output = "";
		application.child.stdout?.on("data", (text: string) => {
			output += text;
			const found = /Listening on (http:\S+)/.exec(output)?.[1];
			if (found) done(found);
		});
		void application.outcome.then(({ output: all }) => fail(new Error(all)));
	});
});

after(async () => {
	application?.child.kill("SIGKILL");
	folder?.remove();
	tarball?.remove();
	await database?.drop();
});

async function call(method: "GET" | "POST", path: string, body?: object): Promise<{ status: number; body: unknown }> {
	const answer = await fetch(`${address}/users/${ada}/workspaces${path}`, {
		method,
		headers: { "content-type": "application/json" },
		...(body ? { body: JSON.stringify(body) } : {}),
	});
	return { status: answer.status, body: await answer.json() };
}

test("repositories are providers, errors become answers, and the application ends when it is asked to", async () => {
	const created = await call("POST", "", { projectName: "one" });
	assert.equal(created.status, 201);
	const { id } = created.body as { id: number };
	assert.deepEqual((await call("POST", `/${id}/start`)).body, { port: 10_000 });
	const [workspace] = (await call("GET", "")).body as { projectName: string; status: string }[];
	assert.deepEqual([workspace?.projectName, workspace?.status], ["one", "starting"]);
	assert.equal((await call("GET", "/count")).body, 1, "TypeORM's plain repository is injected, too");
	const refusals = [
		await call("POST", "", { projectName: "one" }),
		await call("POST", "", { projectName: 7 }),
		await call("POST", "/999999/start"),
		await call("POST", `/${id}/start`),
	];
	assert.deepEqual(
		refusals.map(({ status, body }) => [status, (body as { code: string }).code]),
		[
			[409, "ALREADY_EXISTS"],
			[400, "INVALID_VALUE"],
			[404, "NOT_FOUND"],
			[409, "INVALID_TRANSITION"],
		],
	);
	application.child.kill("SIGTERM");
	await application.outcome;
	const sessions =
		"SELECT COUNT(*) AS count FROM information_schema.PROCESSLIST WHERE DB = ? AND ID <> CONNECTION_ID()";
	const open = async () => Number((await database.rows<{ count: number }>(sessions, [database.name]))[0]?.count);
	// A server lists a session that has ended for a moment longer.
	for (let attempt = 0; attempt < 50 && (await open()) > 0; attempt++) await sleep(100);
	assert.equal(await open(), 0, "Nest closed the connections");
});
