import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { cloneProject, execute, type Outcome } from "../support/processes";

let clone: ReturnType<typeof cloneProject>;
let database: TestDatabase;

before(async () => {
	clone = cloneProject();
	database = await createTestDatabase({ dashboardUsers: false });
});

after(async () => {
	await run([process.execPath, "scripts/server.mjs", "stop"]);
	clone.remove();
	await database.drop();
});

function run(command: readonly [string, ...string[]], env?: Record<string, string>): Promise<Outcome> {
	return execute(command, { cwd: clone.path, env });
}

async function quickstart(env?: Record<string, string>): Promise<string> {
	const { code, output } = await run([process.execPath, "scripts/quickstart.mjs"], env);
	assert.equal(code, 0, output);
	return output;
}

/** The command that a line of the output names. */
function printed(output: string, name: string): string {
	const command = new RegExp(`^ +${name}: +(.*?)( {2,}\\(.*)?$`, "m").exec(output)?.[1];
	assert.ok(command, output);
	return command;
}

const COUNT_LIMITS = "SELECT CONCAT('limits=', COUNT(*)) FROM resource_limits";

test("a private server with the schema, and a second call that finds nothing to do", async () => {
	const first = await quickstart();
	assert.match(first, /Made a stand-in for the dashboard's own table dashboard_users/);
	assert.match(first, /workspaces +created/);
	const second = await quickstart();
	assert.match(second, /Everything is up to date/);
	assert.doesNotMatch(second, /Made a stand-in|Making a data folder|Installing/);

	const sql = await run(["sh", "-c", `${printed(second, "SQL")} -e "${COUNT_LIMITS}"`]);
	assert.match(sql.output, /limits=1/);
	const load = printed(second, "Variables");
	const variables = await run(["sh", "-c", `${load}; echo "$DB_HOST $DB_USERNAME $DB_DATABASE \${#DB_PASSWORD}"`]);
	assert.equal(variables.output, "127.0.0.1 dashboard_user dashboard 24\n");
	for (const file of ["env", "client.cnf", "server.json"]) {
		assert.equal(statSync(join(clone.path, ".server", "quickstart", file)).mode & 0o077, 0, file);
	}

	const grants = await run(["sh", "-c", `${printed(second, "SQL")} -e "SHOW GRANTS"`]);
	assert.match(grants.output, /GRANT ALL PRIVILEGES ON `dashboard`\.\*/);
	const status = await run([process.execPath, "scripts/server.mjs", "status"]);
	assert.equal(status.code, 0);
	await run([process.execPath, "scripts/server.mjs", "stop"]);
	assert.equal((await run([process.execPath, "scripts/server.mjs", "status"])).code, 1);
	assert.match(await quickstart(), /Everything is up to date/);
});

test("with DB_HOST it takes that server and starts none", async () => {
	await database.connection.query(`DROP DATABASE ${database.name}`);
	const env = {
		DB_HOST: database.host,
		DB_PORT: String(database.port),
		DB_USERNAME: database.username,
		DB_PASSWORD: database.password,
		DB_DATABASE: database.name,
	};
	const other = cloneProject();
	try {
		for (const expected of [/workspaces +created/, /Everything is up to date/]) {
			const { code, output } = await execute([process.execPath, "scripts/quickstart.mjs"], { cwd: other.path, env });
			assert.equal(code, 0, output);
			assert.match(output, expected);
		}
		assert.equal(existsSync(join(other.path, ".server")), false);
		await database.connection.query(`USE ${database.name}`);
		assert.equal((await database.rows("SELECT id FROM resource_limits")).length, 1);

		const wrong = { ...env, DB_USERNAME: "nobody_of_that_name", DB_PASSWORD: "not-it-3141" };
		const refused = await execute([process.execPath, "scripts/quickstart.mjs"], { cwd: other.path, env: wrong });
		assert.equal(refused.code, 1);
		assert.match(refused.output, /^Error: [^\n]+\n$/);
		assert.doesNotMatch(refused.output, /not-it-3141/);
	} finally {
		other.remove();
	}
});
