import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createConnection } from "mysql2/promise";
import { lockName } from "../../src/deploy/lock";
import { migrations } from "../../src/migrations";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { installOldDashboard } from "../../testing/oldDashboard";
import { startProxy } from "../../testing/proxy";
import { type CommandOutcome, runCommand, startCommand, variablesOf } from "./command";

const FIRST = migrations[0]?.name ?? "";
const LAST = migrations.at(-1)?.name ?? "";

async function withOldDashboard(work: (database: TestDatabase) => Promise<void>): Promise<void> {
	const database = await createTestDatabase();
	try {
		await installOldDashboard(database);
		await work(database);
	} finally {
		await database.drop();
	}
}

interface JsonEvent {
	readonly event: string;
	readonly ok?: boolean;
	readonly number?: number;
	readonly total?: number;
	readonly migrations?: string[];
	readonly error?: { readonly code: string; readonly message: string; readonly next?: string };
}

function eventsOf({ stdout }: CommandOutcome): JsonEvent[] {
	return stdout
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line) as JsonEvent);
}

test("each step is announced with what it does, and its end with how long it took", () =>
	withOldDashboard(async (database) => {
		const env = variablesOf(database);
		const plan = await runCommand(["plan"], env);
		assert.match(
			plan.stdout,
			/^-- \d+\/\d+ workspaces: add index .*, in place\): readers and writers go on, about a second or less\nALTER/m,
		);
		const { isCluster, steps: planned } = JSON.parse((await runCommand(["plan", "--json"], env)).stdout);
		assert.equal(isCluster, false);
		assert.ok(planned.every(({ estimatedSeconds }: { estimatedSeconds: number }) => estimatedSeconds <= 1));
		const { code, stdout, stderr } = await runCommand(["migrate"], env);
		assert.equal(code, 0, stderr);
		assert.match(
			stderr,
			/^(\d+)\/(\d+) workspace_logs: column action takes .* rows, \w[\w ]*\)\n\1\/\2 workspace_logs: done in [\d.]+ s$/m,
		);
		assert.match(stdout, /^ {2}workspaces +adopted$/m);
		assert.doesNotMatch(stdout, /^\d+\//m);

		const json = await runCommand(["revert", "--to", FIRST, "--json", "--quiet"], env);
		assert.equal(json.stderr, "");
		const events = eventsOf(json);
		const report = events.at(-1);
		assert.deepEqual([report?.event, report?.ok, report?.migrations?.length], ["report", true, 4]);
		const steps = events.filter(({ event }) => event === "step");
		assert.ok(steps.length > 0);
		assert.deepEqual(
			events
				.slice(0, -1)
				.filter(({ event }) => event !== "stepRunning" && event !== "removing")
				.map(({ event, number }) => [event, number]),
			steps.flatMap(({ number }) => [
				["step", number],
				["stepDone", number],
			]),
		);
		assert.ok(
			steps.every(({ total }) => total === steps.length),
			JSON.stringify(steps),
		);
	}));

test("a plan is SQL that can be executed as it is, whatever an index of the owner's is called", () =>
	withOldDashboard(async (database) => {
		const env = variablesOf(database);
		const name = "`two\nlines; DROP TABLE workspace_logs; -- x`";
		await database.rows(`ALTER TABLE workspaces RENAME INDEX idx_status TO ${name}`);
		const { code, stdout } = await runCommand(["plan"], env);
		assert.equal(code, 0);
		assert.match(stdout, /^-- .*rename index two lines; DROP TABLE workspace_logs; -- x to idx_status/m);
		await database.connection.query(stdout);
		assert.equal((await runCommand(["check"], env)).code, 0);
	}));

test("status says of each migration what became of it", async () => {
	const database = await createTestDatabase();
	try {
		const env = variablesOf(database);
		const before = await runCommand(["status"], env);
		assert.equal(before.code, 1);
		assert.match(before.stdout, new RegExp(`^${LAST} +pending$`, "m"));

		await runCommand(["migrate", "--quiet"], env);
		await database.rows("INSERT INTO migrations (timestamp, name) VALUES (1999999999999, 'Later1999999999999')");
		await database.rows(`UPDATE migrations SET name = CONCAT(name, ' (half reverted)') WHERE name = '${LAST}'`);
		const { code, stdout } = await runCommand(["status", "--json"], env);
		assert.equal(code, 1);
		const states = new Map(
			JSON.parse(stdout).migrations.map((one: { name: string; state: string }) => [one.name, one.state]),
		);
		assert.deepEqual(
			[states.get(FIRST), states.get(LAST), states.get("Later1999999999999")],
			["applied", "half reverted", "unknown"],
		);

		assert.equal((await runCommand(["migrate", "--quiet"], env)).code, 0);
		const done = await runCommand(["status"], env);
		assert.equal(done.code, 0);
		const [, when] = new RegExp(`^${LAST} +applied at (\\S+Z)$`, "m").exec(done.stdout) ?? [];
		assert.ok(Math.abs(Date.parse(when ?? "") - Date.now()) < 600_000, done.stdout);

		await database.rows("ALTER TABLE migrations DROP COLUMN applied_at");
		assert.match((await runCommand(["status"], env)).stdout, new RegExp(`^${LAST} +applied$`, "m"));
	} finally {
		await database.drop();
	}
});

test("a revert that would delete rows is refused as a whole, with what to type where it is meant", async () => {
	const database = await createTestDatabase();
	try {
		const env = variablesOf(database);
		await runCommand(["migrate", "--quiet"], env);
		await database.rows("INSERT INTO dashboard_users (username, password_hash, system_username) VALUES ('a', '', 'a')");
		await database.rows("INSERT INTO workspaces (user_id, project_name) VALUES (1, 'p')");
		const refused = await runCommand(["revert", "--all"], env);
		assert.equal(refused.code, 1);
		assert.match(refused.stderr, /^Error: refused, since reverting would delete 1 row\(s\) of workspaces/m);
		assert.match(
			refused.stderr,
			/^Next: after a backup, if that data may be deleted: dployr-workspaces-db revert --all --allow-data-loss$/m,
		);
		const unknown = await runCommand(["revert", "--to", "NoSuch1795478400000"], env);
		assert.equal(unknown.code, 1);
		assert.match(unknown.stderr, /^Error: NoSuch1795478400000 was not run.*\nNext: dployr-workspaces-db status$/m);
		assert.equal((await database.rows("SELECT id FROM migrations")).length, migrations.length);

		assert.equal((await runCommand(["revert", "--all", "--allow-data-loss", "--quiet"], env)).code, 0);
		const left = await database.rows<{ name: string }>(
			"SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
		);
		assert.deepEqual(
			left.map(({ name }) => name),
			["dashboard_users"],
		);
		assert.match(
			(await runCommand(["revert"], env)).stdout,
			/^Nothing to do: no migrations were run on this database\n$/,
		);
		assert.equal((await runCommand(["revert", "--to", FIRST, "--all"], env)).code, 2);
	} finally {
		await database.drop();
	}
});

test("a table called migrations that is another program's is refused, and a setting gives TypeORM's another name", async () => {
	const database = await createTestDatabase();
	try {
		const env = variablesOf(database);
		await database.rows(
			"CREATE TABLE migrations (id INT AUTO_INCREMENT PRIMARY KEY, migration VARCHAR(255), batch INT)",
		);
		const before = await tablesOf(database);
		for (const command of ["migrate", "plan", "status", "check", "revert"]) {
			const { code, stderr } = await runCommand([command], env);
			assert.equal(code, 1, command + stderr);
			assert.match(stderr, /^Error: .*migrations.*DB_MIGRATIONS_TABLE/m, command);
		}
		const { stderr } = await runCommand(["migrate"], env);
		assert.match(
			stderr,
			/^Next: set DB_MIGRATIONS_TABLE=workspaces_migrations, and keep it set, then dployr-\S+ migrate$/m,
		);
		assert.deepEqual(await tablesOf(database), before);

		const other = { ...env, DB_MIGRATIONS_TABLE: "workspaces_migrations" };
		assert.equal((await runCommand(["migrate", "--quiet"], other)).code, 0);
		assert.equal((await runCommand(["check"], other)).code, 0);
		assert.equal((await database.rows("SELECT id FROM workspaces_migrations")).length, migrations.length);
		assert.equal((await database.rows("SELECT id FROM migrations")).length, 0);
	} finally {
		await database.drop();
	}
});

async function tablesOf(database: TestDatabase): Promise<unknown[]> {
	return database.rows(
		"SELECT TABLE_NAME, CREATE_TIME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1",
	);
}

for (const [signal, exitCode] of [
	["SIGINT", 130],
	["SIGTERM", 143],
] as const) {
	test(`${signal}: the step in progress ends on the server, the lock is free, and the next run completes it`, () =>
		withOldDashboard(async (database) => {
			const env = variablesOf(database);
			const blocker = await createConnection({ uri: database.url });
			try {
				await blocker.query("BEGIN");
				await blocker.query("SELECT * FROM workspaces");
				const { child, stderr, outcome } = startCommand(["migrate"], { ...env, DB_TABLE_TIMEOUT: "60" });
				while (!/workspaces is in use: /.test(stderr()) && child.exitCode === null) await sleep(50);
				child.kill(signal);
				const ended = await outcome;
				assert.equal(ended.code, exitCode, ended.stderr);
				assert.match(
					ended.stderr,
					/^Error: interrupted (after step \d+ of \d+|before the first step); run it again\nNext: dployr-workspaces-db migrate$/m,
				);
				await blocker.query("COMMIT");
			} finally {
				await blocker.end();
			}
			const again = await runCommand(["migrate", "--json"], { ...env, DB_LOCK_TIMEOUT: "5" });
			assert.equal(again.code, 0, again.stderr);
			assert.equal((await runCommand(["check"], env)).code, 0);
		}));
}

test("an interrupted wait for another run changes nothing", async () => {
	const database = await createTestDatabase();
	try {
		const env = variablesOf(database);
		const holder = await createConnection({ uri: database.url });
		await holder.query("SELECT GET_LOCK(?, 0)", [lockName(database.name)]);
		const waiting = startCommand(["migrate", "--json"], env);
		while (!waiting.stdout().includes('"waiting"') && waiting.child.exitCode === null) await sleep(50);
		waiting.child.kill("SIGTERM");
		const { code, stdout } = await waiting.outcome;
		assert.equal(code, 143);
		const error = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "").error;
		assert.deepEqual(
			[error.code, error.message],
			["INTERRUPTED", "interrupted while waiting for another run; nothing was changed"],
		);
		await holder.end();
		assert.equal((await database.rows("SHOW TABLES LIKE 'migrations'")).length, 0);
	} finally {
		await database.drop();
	}
});

test("a second signal ends the command at once, whatever the server does", async (t) => {
	const database = await createTestDatabase();
	t.after(() => database.drop());
	let isSilent = false;
	const silence = new Promise<"forward">(() => undefined);
	const proxy = await startProxy(database, (_, sql) => {
		isSilent ||= sql.startsWith("CREATE TABLE IF NOT EXISTS `workspaces`");
		return isSilent ? silence : "forward";
	});
	t.after(() => proxy.close());
	const { child, stderr, outcome } = startCommand(["migrate"], {
		...variablesOf(database),
		DB_HOST: "127.0.0.1",
		DB_PORT: String(proxy.port),
		DB_ANSWER_TIMEOUT: "600",
	});
	while (!isSilent && child.exitCode === null) await sleep(50);
	child.kill("SIGINT");
	while (!stderr().includes("SIGINT: ") && child.exitCode === null) await sleep(50);
	assert.equal(child.exitCode, null);
	child.kill("SIGTERM");
	assert.equal((await outcome).code, 143);
});
