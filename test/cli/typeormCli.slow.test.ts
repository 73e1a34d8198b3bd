import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { execute, type Outcome, temporaryFolder } from "../support/processes";
import { freePort, startSessionProxy } from "../support/sessionProxy";

const PROJECT = join(__dirname, "..", "..");
const SECRET = "s3cr3t-passw0rd";

let database: TestDatabase;
let folder: ReturnType<typeof temporaryFolder>;

before(async () => {
	database = await createTestDatabase();
	folder = temporaryFolder();
});
after(async () => {
	folder.remove();
	await database.drop();
});

/** TypeORM's own command on ormconfig.ts, in a folder without a .env unless the test wrote one. */
function typeorm(command: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
	const tsx = join(PROJECT, "node_modules", "tsx", "dist", "loader.mjs");
	const cli = join(PROJECT, "node_modules", "typeorm", "cli.js");
	return execute([process.execPath, "--import", tsx, cli, ...command, "-d", join(PROJECT, "ormconfig.ts")], {
		cwd: folder.path,
		env: {
			TSX_TSCONFIG_PATH: join(PROJECT, "tsconfig.json"),
			NO_COLOR: "1",
			DB_HOST: database.host,
			DB_PORT: String(database.port),
			DB_USERNAME: database.username,
			DB_PASSWORD: database.password,
			DB_DATABASE: database.name,
			DB_CONNECT_TIMEOUT: "0",
			...env,
		},
	});
}

/** TypeORM's own line, which says what failed, and one of the module's, which says why. */
async function failure(command: string, env: Record<string, string>, what = "migration run"): Promise<string> {
	const { code, output } = await typeorm([command], env);
	assert.equal(code, 1, output);
	const [heading, reason, ...more] = output.trimEnd().split("\n");
	assert.equal(heading, `Error during ${what}:`);
	assert.deepEqual(more, [], output);
	assert.ok(!output.includes(SECRET));
	return reason ?? "";
}

async function tables(): Promise<string[]> {
	const rows = await database.rows<{ name: string }>(
		"SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
	);
	return rows.map(({ name }) => name);
}

test("each failure is one clear line and an exit code, and makes nothing", async () => {
	assert.equal(await failure("migration:run", { DB_PORT: "abc" }), "DB_PORT: must be a whole number from 1 to 65535");
	assert.match(
		await failure("migration:run", { DB_PASSWORD: SECRET }),
		/: access denied for user "\w+"; check DB_USERNAME and DB_PASSWORD;/,
	);
	assert.match(
		await failure("migration:run", { DB_DATABASE: "no_such_one" }),
		/: there is no database "no_such_one"; /,
	);
	assert.match(
		await failure("migration:run", { DB_PORT: String(await freePort()) }),
		/: no connection \(.*ECONNREFUSED.*\); check that it runs, and DB_HOST and DB_PORT, or raise DB_CONNECT_TIMEOUT$/,
	);
	assert.match(await failure("schema:drop", {}, "schema drop"), /^dropDatabase is refused: /);
	assert.match(await failure("schema:sync", {}, "schema synchronization"), /^synchronize is refused: /);
	assert.deepEqual(await tables(), ["dashboard_users"]);
});

test("a server that is not supported: one clear line", async () => {
	for (const [version, message] of [
		["8.0.11-TiDB-v8.5.0", "The server is TiDB (8.0.11-TiDB-v8.5.0), which is not supported"],
		["5.7.44-log", "The server is MySQL 5.7.44, which is not supported"],
		["10.5.29-MariaDB-ubu2004", "The server is MariaDB 10.5.29, which is not supported"],
	] as const) {
		const answer = `SELECT '${version}' AS version, '' AS comment`;
		const proxy = await startSessionProxy(database, {
			rewrite: (sql) => (sql.includes("VERSION()") ? answer : sql),
		});
		try {
			const reason = await failure("migration:run", { DB_HOST: proxy.host, DB_PORT: String(proxy.port) });
			assert.ok(reason.startsWith(message), reason);
		} finally {
			await proxy.close();
		}
	}
	assert.deepEqual(await tables(), ["dashboard_users"]);
});

test("the plain commands work, with settings from a .env file too", async () => {
	const show = async () => (await typeorm(["migration:show"])).output.trimEnd().split("\n");
	const pending = await show();
	assert.ok(pending.length >= 4 && pending.every((line) => line.startsWith("[ ] ")), pending.join("\n"));

	const ran = await typeorm(["migration:run"]);
	assert.equal(ran.code, 0, ran.output);
	assert.match(ran.output, /^\d+ migrations: [\s\S]*workspaces +created/);
	assert.deepEqual(
		(await show()).map((line) => line.replace(/^\[X\] \d+ /, "[ ] ")),
		pending,
	);

	const again = await typeorm(["migration:run"]);
	assert.deepEqual(again, { code: 0, signal: null, output: "No migrations are pending\n" });

	const check = await typeorm(["migration:generate", "Nothing", "--check"]);
	assert.deepEqual(check, { code: 0, signal: null, output: "No changes in database schema were found\n" });

	writeFileSync(join(folder.path, ".env"), `DB_DATABASE=no_such_one\nDB_LOG=query\n`);
	const logged = await typeorm(["migration:show"]);
	assert.equal(logged.code, 0, "a variable that is set wins over the file");
	assert.match(logged.output, /^query: SELECT .*-- 2 values$/m);
	writeFileSync(join(folder.path, ".env"), "");

	const reverted = await typeorm(["migration:revert"]);
	assert.equal(reverted.code, 0, reverted.output);
	assert.equal((await show()).filter((line) => line.startsWith("[ ] ")).length, 1);
});

test("a run that waits for the server says so", async () => {
	const { output, code } = await typeorm(["migration:run"], {
		DB_CONNECT_TIMEOUT: "1",
		DB_PORT: String(await freePort()),
	});
	assert.equal(code, 1);
	assert.match(output, /^Database server .* is not up yet \(ECONNREFUSED\): waiting up to 1 s$/m);
	assert.match(output, /: no connection within 1 s /);
});
