import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { execute, npm, packProject, type Tarball, temporaryFolder } from "../support/processes";

const DOCUMENT = join(__dirname, "..", "..", "docs", "testing.md");

/** The files that the document prints: one without a folder belongs to each CommonJS runner. */
function printedFiles(runner: string): Map<string, string> {
	const printed = readFileSync(DOCUMENT, "utf8").matchAll(/^<!-- (?:(\w+)\/)?([\w.]+) -->\n```\w+\n(.*?)^```$/gms);
	const files = [...printed].flatMap(([, folder, name = "", code = ""]): [string, string][] =>
		folder === runner || (folder === undefined && runner !== "vitest") ? [[name, code]] : [],
	);
	return new Map(files);
}

let database: TestDatabase;
let tarball: Tarball;
let folder: ReturnType<typeof temporaryFolder>;

/** Runs what the document prints for a test runner, on the server of this run. */
async function run(runner: string, ...command: [string, ...string[]]): Promise<string> {
	const cwd = join(folder.path, runner);
	mkdirSync(cwd);
	for (const [name, code] of printedFiles(runner)) writeFileSync(join(cwd, name), code);
	const env = { TEST_DATABASE_URL: database.url.replace(/\/[^/]*$/, ""), NO_COLOR: "1" };
	const { code, output } = await execute(command, { cwd, env });
	assert.equal(code, 0, output);
	return output;
}

describe("docs/testing.md, as it is printed, runs under", () => {
	before(async () => {
		database = await createTestDatabase();
		tarball = await packProject();
		folder = temporaryFolder();
		writeFileSync(join(folder.path, "package.json"), '{ "private": true }');
		await npm(folder.path, "install", "jest@30", "vitest@4", tarball.path);
	});
	after(async () => {
		folder?.remove();
		tarball?.remove();
		await database?.drop();
	});

	const bin = (name: string) => join("..", "node_modules", ".bin", name);

	test("Jest", async () => {
		assert.match(await run("jest", bin("jest"), "--ci", "--watchman=false"), /^Tests: +2 passed, 2 total$/m);
	});

	test("Vitest", async () => {
		assert.match(await run("vitest", bin("vitest"), "run"), /^ +Tests +2 passed \(2\)$/m);
	});

	test("node:test", async () => {
		assert.match(await run("node", process.execPath, "--test"), /^\S+ pass 3$/m);
	});
});
