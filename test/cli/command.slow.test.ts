import assert from "node:assert/strict";
import { exec } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { migrations } from "../../src";
import { migrationNames } from "../../src/migrations/names";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { startProxy } from "../../testing/proxy";
import { temporaryFolder } from "../support/processes";
import { runCommand, startCommand, variablesOf } from "./command";

const SECRET = "s3cr3t-passw0rd";

let database: TestDatabase;
before(async () => {
	database = await createTestDatabase();
});
after(() => database.drop());

test("the names that the command reads from the files are those of the classes, in order", () => {
	assert.deepEqual(
		migrationNames(),
		migrations.map((migration) => migration.name),
	);
});

test("plan, migrate, check: results on standard output, and the exit code says how it is", async () => {
	const env = { ...variablesOf(database), DB_LOG: "query" };
	const before = await runCommand(["check", "--json"], env);
	assert.equal(before.code, 1, before.stderr);
	assert.equal(JSON.parse(before.stdout).ok, false);
	assert.match(before.stderr, /^query: SELECT/m);

	const plan = await runCommand(["plan"], env);
	assert.equal(plan.code, 0, plan.stderr);
	const lines = plan.stdout.trimEnd().split("\n");
	assert.ok(lines.length > 5 && lines.every((line) => /^--|;$/.test(line) || !line.startsWith("query")), plan.stdout);
	assert.match(plan.stdout, /^CREATE TABLE/m);

	const copy = await createTestDatabase();
	try {
		await copy.connection.query(plan.stdout);
		assert.equal((await runCommand(["check"], variablesOf(copy))).code, 0, plan.stdout);
	} finally {
		await copy.drop();
	}

	const migrate = await runCommand(["migrate"], env);
	assert.equal(migrate.code, 0, migrate.stderr);
	assert.match(migrate.stdout, new RegExp(`^${migrations.length} migrations: [^\n]+\n {2}workspaces +created$`, "m"));

	const after = await runCommand(["check"], env);
	assert.equal(after.code, 0, after.stderr);
	assert.match(after.stdout, /The database is up to date\.\n$/);
	assert.equal((await runCommand(["plan"], env)).stdout, "-- No migrations are pending\n");
});

test("the page for operators has the keys of each JSON document", async () => {
	const page = readFileSync(join(__dirname, "..", "..", "docs", "deploying.md"), "utf8");
	for (const command of ["status", "plan", "check", "doctor"]) {
		const row = new RegExp(`^\\| \`${command}\` \\| (\`.*:.*|\`isCluster.*) \\|$`, "m").exec(page)?.[1] ?? "";
		const { ok: _, ...document } = JSON.parse((await runCommand([command, "--json"], variablesOf(database))).stdout);
		assert.ok(Object.keys(document).length > 0, command);
		for (const [key, value] of Object.entries(document)) {
			const [item] = [value].flat() as unknown[];
			const fields = typeof item === "object" ? Object.keys(item ?? {}) : [];
			for (const name of [key, ...fields]) assert.ok(row.includes(`\`${name}\``), `${command}: ${name} in "${row}"`);
		}
	}
});

test("a full disk behind standard output is an error of one line, a reader who leaves is none", async () => {
	const main = join(__dirname, "..", "..", "src", "cli", "main.ts");
	const inShell = (end: string) =>
		promisify(exec)(`set -o pipefail; "${process.execPath}" --import tsx "${main}" --help ${end}`, { shell: "bash" });
	await assert.rejects(inShell("> /dev/full"), {
		code: 1,
		stderr: /^Error: standard output takes nothing more: ENOSPC.*\n$/,
	});
	assert.equal((await inShell("| head -n 1")).stdout, "Usage: dployr-workspaces-db <command> [options]\n");
});

test("with nothing pending, migrate loads no TypeORM and sends one statement", async (t) => {
	const folder = temporaryFolder();
	t.after(folder.remove);
	const hook = join(folder.path, "loaded.cjs");
	const marker = "loaded from typeorm: ";
	writeFileSync(
		hook,
		`process.on("exit", () => {
			const files = Object.keys(require.cache);
			const count = (name) => files.filter((file) => file.includes("/node_modules/" + name + "/")).length;
			console.error("${marker}" + count("typeorm") + ", mysql2: " + (count("mysql2") > 0));
		});`,
	);
	const proxy = await startProxy(database);
	t.after(() => proxy.close());
	const env = { ...variablesOf(database), DB_PORT: String(proxy.port), DB_HOST: "127.0.0.1" };
	const before = proxy.commands.length;
	const { code, stdout, stderr } = await runCommand(["migrate"], { ...env, NODE_OPTIONS: `--require=${hook}` });
	assert.equal(code, 0, stderr);
	assert.equal(stdout, "Nothing to do: no migrations are pending\n");
	assert.equal(stderr, `${marker}0, mysql2: true\n`);
	assert.equal(proxy.commands.length - before, 1, JSON.stringify(proxy.commands));

	const json = await runCommand(["migrate", "--json", "--quiet"], env);
	assert.deepEqual(JSON.parse(json.stdout), { event: "report", ok: true, migrations: [], tables: [] });
	assert.equal(json.stderr, "");

	await database.rows("CREATE TABLE dployr_trial_of_workspaces (id INT PRIMARY KEY)");
	const abandoned = await runCommand(["migrate"], env);
	assert.deepEqual([abandoned.code, abandoned.stdout], [0, "Nothing to do: no migrations are pending\n"]);
	assert.deepEqual(await database.rows("SHOW TABLES LIKE 'dployr%'"), []);

	const help = await runCommand(["--help"], { NODE_OPTIONS: `--require=${hook}` });
	assert.equal(help.stderr, `${marker}0, mysql2: false\n`);
});

test("wrong usage and wrong settings: 2, no server or no access: 3, in words and as JSON", async () => {
	const env = variablesOf(database);
	const cases: [string[], Record<string, string>, number, RegExp][] = [
		[["chekc"], {}, 2, /^Error: unknown command chekc; did you mean check\?\nSee dployr-workspaces-db --help\n$/],
		[["check"], { DB_PORT: SECRET }, 2, /^Error: DB_PORT: must be a whole number from 1 to 65535\n/],
		[["check"], { DB_PORT: "1", DB_CONNECT_TIMEOUT: "0" }, 3, /^Error: Database server .*: no connection/],
		[["migrate"], { DB_PORT: "1", DB_CONNECT_TIMEOUT: "0" }, 3, /^Error: Database server .*: no connection/],
		[["migrate"], { DB_PASSWORD: SECRET, DB_USERNAME: "nobody_there" }, 3, /: access denied for user "nobody_there"/],
		[
			["migrate"],
			{ DB_PASSWORD: `${SECRET} `, DB_USERNAME: "nobody_there" },
			3,
			/: the password ends with white space/,
		],
		[["migrate"], { DB_PASSWORD: "", DB_USERNAME: "nobody_there" }, 3, /: no password is set;/],
	];
	for (const [args, variables, code, message] of cases) {
		const outcome = await runCommand(args, { ...env, ...variables });
		assert.equal(outcome.code, code, outcome.stderr);
		assert.match(outcome.stderr, message);
		assert.equal(outcome.stdout, "");
		assert.ok(!outcome.stderr.includes(SECRET));
	}
	const json = await runCommand(["check", "--json"], { ...env, DB_TLS: SECRET });
	assert.equal(json.code, 2);
	const error = { code: "INVALID_SETTING", message: "DB_TLS: must be off, require or verify" };
	assert.deepEqual(JSON.parse(json.stdout), { ok: false, error });
});

test("nothing is set at all: that is said before the wait, with the place of the .env that is not there", async () => {
	const { child, stderr, outcome } = startCommand(["check"], {});
	while (!stderr().includes("waiting") && child.exitCode === null) await sleep(50);
	child.kill();
	await outcome;
	const [notice, wait] = stderr().split("\n");
	assert.match(
		notice ?? "",
		/^warning: no DB_\* variable is set, and there is no \/.*\.env: using dployr-mariadb:3306, /,
	);
	assert.match(wait ?? "", /^Database server dployr-mariadb:3306 is not up yet/);
});

test("a signal before anything was done: that is said, in words or as JSON, and the exit code says which it was", async () => {
	const env = { ...variablesOf(database), DB_PORT: "1" };
	const interrupt = async (args: string[], signal: NodeJS.Signals) => {
		const { child, stderr, outcome } = startCommand(args, env);
		while (!stderr().includes("waiting") && child.exitCode === null) await sleep(50);
		child.kill(signal);
		return outcome;
	};
	const migrate = await interrupt(["migrate", "--json"], "SIGTERM");
	assert.equal(migrate.code, 143);
	const error = { code: "INTERRUPTED", message: "interrupted; nothing was changed" };
	assert.deepEqual(JSON.parse(migrate.stdout), { event: "report", ok: false, error });
	const check = await interrupt(["check"], "SIGINT");
	assert.deepEqual([check.code, check.stdout], [130, ""]);
	assert.match(check.stderr, /^Error: interrupted; nothing was changed\n$/m);
});

test("doctor shows each setting with its origin, no secret, and what the server says", async () => {
	const env = { ...variablesOf(database), DB_PASSWORD: database.password || "", DB_LOCK_TIMEOUT: "77" };
	const { code, stdout, stderr } = await runCommand(["doctor", "--table-timeout", "5"], env);
	assert.equal(code, 0, stderr + stdout);
	assert.match(stdout, /^ {2}DB_LOCK_TIMEOUT +77 +DB_LOCK_TIMEOUT$/m);
	assert.match(stdout, /^ {2}DB_TABLE_TIMEOUT +5 +--table-timeout$/m);
	assert.match(stdout, /^ {2}DB_POOL_SIZE +10 +default$/m);
	for (const fact of ["server", "encryption", "privileges", "cluster", "clock", "lower_case_table_names"]) {
		assert.match(stdout, new RegExp(`^ {2}${fact} +\\S`, "m"));
	}
	const refused = await runCommand(["doctor", "--json"], { ...env, DB_USERNAME: "nobody_there", DB_PASSWORD: SECRET });
	assert.equal(refused.code, 3);
	assert.ok(!(refused.stdout + refused.stderr).includes(SECRET));
	const { ok, settings, error } = JSON.parse(refused.stdout);
	assert.equal(ok, false);
	assert.equal(error.code, "CONNECTION_FAILED");
	const password = { option: "password", variable: "DB_PASSWORD", value: "(set)", from: "DB_PASSWORD" };
	assert.deepEqual(
		settings.find((setting: { option: string }) => setting.option === "password"),
		password,
	);
});
