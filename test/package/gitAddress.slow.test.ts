import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { cloneProject, execute, npm, temporaryFolder } from "../support/processes";

let address: string;
let folders: ReturnType<typeof temporaryFolder>[] = [];

async function git(cwd: string, ...args: string[]): Promise<void> {
	const author = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
	const { code, output } = await execute(["git", ...author, ...args], { cwd });
	assert.equal(code, 0, `git ${args[0]}: ${output}`);
}

function folder(): string {
	const made = temporaryFolder();
	folders.push(made);
	return made.path;
}

describe("a git address", () => {
	before(async () => {
		const clone = cloneProject();
		folders.push(clone);
		rmSync(join(clone.path, "node_modules"));
		await git(clone.path, "init", "--quiet");
		await git(clone.path, "add", "--all");
		await git(clone.path, "commit", "--quiet", "--message", "As it is");
		const bare = folder();
		await git(bare, "clone", "--quiet", "--bare", clone.path, "package.git");
		address = `git+file://${join(bare, "package.git")}`;
	});
	after(() => {
		for (const { remove } of folders) remove();
		folders = [];
	});

	test("installs the build, its types and its command", async () => {
		const application = folder();
		writeFileSync(join(application, "package.json"), '{ "name": "application", "private": true }\n');
		await npm(application, "install", address);
		const script = "console.log(typeof require('dployr-workspaces-db').createDataSource)";
		const used = await execute([process.execPath, "-e", script], { cwd: application });
		assert.equal(used.output, "function\n");
		const installed = join(application, "node_modules", "dployr-workspaces-db");
		assert.ok(existsSync(join(installed, "dist", "src", "index.d.ts")));
		assert.ok(!existsSync(join(installed, "test")), "what is no part of the package is left out");
		const command = join(application, "node_modules", ".bin", "dployr-workspaces-db");
		assert.match((await execute([command, "--help"], { cwd: application })).output, /plan/);
		const lock = readFileSync(join(application, "package-lock.json"), "utf8");
		assert.doesNotMatch(lock, /node_modules\/(typescript|playwright-core)"/, "no tool of this repository comes along");
	});

	test("a contributor's npm ci builds nothing", async () => {
		const checkout = folder();
		await git(checkout, "clone", "--quiet", address.replace(/^git\+/, ""), "package");
		const cwd = join(checkout, "package");
		const { code, output } = await execute(["npm", "run", "prepare", "--silent"], { cwd });
		assert.deepEqual({ code, output }, { code: 0, output: "" });
		assert.ok(!existsSync(join(cwd, "dist")));
	});

	test("a folder without build and compiler says what to do", async () => {
		const checkout = folder();
		await git(checkout, "clone", "--quiet", address.replace(/^git\+/, ""), "package");
		const cwd = join(checkout, "package");
		const env = { INIT_CWD: checkout };
		const { code, output } = await execute([process.execPath, join("scripts", "prepare.mjs")], { cwd, env });
		assert.equal(code, 1);
		assert.match(output, /^Error: There is no build and no compiler in .*: run npm ci there, then npm run build\n$/);
	});
});
