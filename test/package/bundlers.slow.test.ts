import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { execute, npm, packProject, type Tarball, temporaryFolder } from "../support/processes";

/** Uses what depends on names of classes and on decorators. */
const APPLICATION = `
import { AlreadyExistsError, openWorkspaces } from "dployr-workspaces-db";

const db = openWorkspaces();
const { migrations } = await db.migrate({ onEvent() {} });
await db.dataSource.query("INSERT INTO dashboard_users (username, password_hash, system_username) VALUES ('a' , 'x', 'a') ON DUPLICATE KEY UPDATE id = id");
const [{ id: userId }] = await db.dataSource.query("SELECT id FROM dashboard_users");
const id = await db.workspaces.createWithinLimit({ userId, projectName: "p" });
const error = await db.workspaces.createWithinLimit({ userId, projectName: "p" }).catch((reason) => reason);
const port = await db.ports.claimForWorkspace(id);
const running = await db.workspaces.listActive();
console.log(JSON.stringify([error instanceof AlreadyExistsError, error.name, error.entity, port, running[0].user.username]));
await db.workspaces.deleteById(id);
await db.close();
`;
const EXPECTED = '[true,"AlreadyExistsError","Workspace",10000,"a"]\n';
const RUNTIME = ["typeorm", "mysql2", "reflect-metadata"];

let database: TestDatabase;
let tarball: Tarball;
let folder: ReturnType<typeof temporaryFolder>;

async function command(...line: [string, ...string[]]): Promise<string> {
	const { host, port, username, password, name } = database;
	const settings = { DB_HOST: host, DB_PORT: String(port), DB_USERNAME: username, DB_DATABASE: name };
	const env = { ...settings, ...(password ? { DB_PASSWORD: password } : {}) };
	const { code, output } = await execute(line, { cwd: folder.path, env });
	assert.equal(code, 0, output);
	return output;
}

const bin = (name: string) => join("node_modules", ".bin", name);
const runs = async (file: string) => assert.equal(await command(process.execPath, file), EXPECTED);

describe("bundled by", () => {
	before(async () => {
		database = await createTestDatabase();
		tarball = await packProject();
		folder = temporaryFolder();
		writeFileSync(join(folder.path, "package.json"), '{ "private": true, "type": "module" }');
		writeFileSync(join(folder.path, "application.js"), APPLICATION);
		await npm(folder.path, "install", "esbuild@0", "rollup@4", "webpack@5", "webpack-cli@6", tarball.path);
	});
	after(async () => {
		folder?.remove();
		tarball?.remove();
		await database?.drop();
	});

	const ESBUILD = ["application.js", "--bundle", "--platform=node", "--format=esm", "--log-level=error"];

	test("esbuild, with packages as externals", async () => {
		await command(bin("esbuild"), ...ESBUILD, "--packages=external", "--minify", "--outfile=esbuild.js");
		await runs("esbuild.js");
	});

	test("esbuild into one minified file, with what the package depends on as externals", async () => {
		const externals = RUNTIME.map((name) => `--external:${name}`);
		const banner =
			"--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
		await command(bin("esbuild"), ...ESBUILD, ...externals, "--minify", banner, "--outfile=minified.js");
		await runs("minified.js");
	});

	test("rollup, with packages as externals", async () => {
		const options = ["--external", "dployr-workspaces-db", "--format", "es", "--silent"];
		await command(bin("rollup"), "application.js", ...options, "--file", "rollup.js");
		await runs("rollup.js");
	});

	test("webpack, with packages as externals", async () => {
		const config = `export default { mode: "production", target: "node", entry: "./application.js",
			experiments: { outputModule: true }, externals: { "dployr-workspaces-db": "module dployr-workspaces-db" },
			output: { path: import.meta.dirname, filename: "webpack.js", module: true } };`;
		writeFileSync(join(folder.path, "webpack.config.js"), config);
		await command(bin("webpack"), "--stats=errors-only");
		await runs("webpack.js");
	});
});
