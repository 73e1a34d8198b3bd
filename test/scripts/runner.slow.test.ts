import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "../../src/testing/server/processes.mjs";
import { serverUrl } from "../../testing/database";
import { cloneProject, environment, execute, type Outcome } from "../support/processes";

let clone: ReturnType<typeof cloneProject>;

before(() => {
	clone = cloneProject();
	rmSync(join(clone.path, "test"), { recursive: true });
	for (const folder of ["sub", "cluster"]) mkdirSync(join(clone.path, "test", folder), { recursive: true });
	const files = {
		"good.test.ts": "test('holds', () => assert.match(process.env['TEST_DATABASE_URL']!, /^mysql:/));",
		"sub/bad.test.ts": "test('breaks', () => assert.fail('on purpose'));",
		"sub/none.test.ts": "void test; void assert;",
		"long.slow.test.ts": "test('takes long', () => assert.ok(true));",
		"cluster/long.test.ts": "test('needs a cluster', () => assert.fail('on a server'));",
		"hangs.test.ts": [
			"import { spawn } from 'node:child_process';",
			"test('hangs', async () => {",
			"	const { pid } = spawn('sleep', ['600']);",
			"	require('node:fs').writeFileSync('hangs.pid', String(pid));",
			"	await new Promise((done) => setTimeout(done, 600_000));",
			"});",
		].join("\n"),
	};
	for (const [name, body] of Object.entries(files)) {
		const imports = "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\n";
		writeFileSync(join(clone.path, "test", name), `${imports}${body}\n`);
	}
});

after(() => clone.remove());

function run(filters: string[], env?: Record<string, string>): Promise<Outcome> {
	return execute([process.execPath, "scripts/test.mjs", ...filters], { cwd: clone.path, env });
}

const leftovers = (): string[] => readdirSync(join(clone.path, ".server"));

test("a run brings a server of its own and removes it", async () => {
	const { code, output } = await run(["good"]);
	assert.equal(code, 0, output);
	assert.match(output, /^1 passed, 0 failed, 0 skipped$/m);
	assert.deepEqual(leftovers(), []);
});

test("a failure fails the run, which still stops its server", async () => {
	const { code, output } = await run(["good", "bad"]);
	assert.equal(code, 1, output);
	assert.match(output, /^1 passed, 1 failed, 0 skipped$/m);
	assert.match(output, /^test at test\/sub\/bad\.test\.ts:3:1$/m);
	assert.deepEqual(leftovers(), []);
});

test("a file without a test fails the run, and so does a filter that matches nothing", async () => {
	const empty = await run(["good", "none"]);
	assert.equal(empty.code, 1, empty.output);
	assert.match(empty.output, /no test in .*none\.test\.ts/);
	const nothing = await run(["nowhere"]);
	assert.equal(nothing.code, 1);
	assert.match(nothing.output, /No test file matches nowhere/);
});

test("what takes long runs where it is named, and with --all; what needs a cluster does not", async () => {
	const server = { TEST_DATABASE_URLS: serverUrl().href };
	const fast = await run(["good", "long"], server);
	assert.match(fast.output, /^1 passed, 0 failed, 0 skipped$/m);
	const named = await run(["long.slow"], server);
	assert.match(named.output, /^1 passed, 0 failed, 0 skipped$/m);
	const all = await run(["--all", "good", "long"], server);
	assert.match(all.output, /^2 passed, 0 failed, 0 skipped$/m);
});

test("with TEST_DATABASE_URLS the suite runs once on each of them and starts no server", async () => {
	const url = serverUrl().href;
	const { code, output } = await run(["good"], { TEST_DATABASE_URLS: `${url}, ${url}` });
	assert.equal(code, 0, output);
	assert.equal(output.match(/^=== /gm)?.length, 2);
	assert.match(output, /^2 passed, 0 failed, 0 skipped$/m);
	assert.doesNotMatch(output, /Making a data folder/);
});

test("a server that does not answer, or a URL that is none, ends the run with one line", async () => {
	const absent = await run(["good"], { TEST_DATABASE_URLS: "mysql://root:hidden@127.0.0.1:1" });
	assert.equal(absent.code, 1);
	assert.equal(absent.output.trim(), "Error: No MySQL or MariaDB server answers at 127.0.0.1:1");
	const other = await run(["good"], { TEST_DATABASE_URLS: "127.0.0.1" });
	assert.match(other.output, /^Error: TEST_DATABASE_URLS /);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
	test(`${signal} stops the tests, what they started and the server`, async () => {
		const pidFile = join(clone.path, "hangs.pid");
		rmSync(pidFile, { force: true });
		const child = spawn(process.execPath, ["scripts/test.mjs", "hangs"], {
			cwd: clone.path,
			env: environment(),
			stdio: "ignore",
		});
		const ended = new Promise((done) => child.on("close", done));
		while (!existsSync(pidFile) || readFileSync(pidFile, "utf8") === "") {
			assert.equal(child.exitCode, null, "it ended before the signal");
			await sleep(50);
		}
		child.kill(signal);
		assert.equal(await ended, 130);
		assert.equal(isAlive(Number(readFileSync(pidFile, "utf8"))), false);
		assert.deepEqual(leftovers(), []);
	});
}
