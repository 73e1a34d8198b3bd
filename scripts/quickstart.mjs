import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseEnv } from "node:util";
import { HOST, startServer } from "../src/testing/server/private-server.mjs";
import { findProgram } from "../src/testing/server/server-binary.mjs";
import { installDependencies, PROJECT, run, SERVERS } from "./lib/project.mjs";

const FOLDER = join(SERVERS, "quickstart");
const VARIABLES = join(FOLDER, "env");
const CLIENT_OPTIONS = join(FOLDER, "client.cnf");

/** Set, though to nothing, so that no `.env` file leads past the private server. */
const NO_OTHER_WAY = { DB_SOCKET: "", DB_TLS: "", DB_TLS_CA: "", DB_TLS_CERT: "", DB_TLS_KEY: "" };

/** @param {Record<string, string | undefined>} environment variables of the connection that the migrations use */
function migrate(environment) {
	const script = join("scripts", "quickstart-database.ts");
	const { status } = spawnSync(process.execPath, ["--import", "tsx", script], {
		cwd: PROJECT,
		env: environment,
		stdio: ["ignore", "inherit", "inherit"],
	});
	return status ?? 1;
}

/** The private server's user keeps its password, so that what was configured with it goes on working. */
function savedPassword() {
	const saved = existsSync(VARIABLES) ? parseEnv(readFileSync(VARIABLES, "utf8"))["DB_PASSWORD"] : undefined;
	return saved || randomBytes(18).toString("base64url");
}

/** @param {Record<string, string>} variables */
function saveVariables(variables) {
	const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
	writeFileSync(VARIABLES, lines.join(""), { mode: 0o600 });
	const { DB_HOST, DB_PORT, DB_USERNAME, DB_PASSWORD } = variables;
	const options = `[client]\nhost=${DB_HOST}\nport=${DB_PORT}\nuser=${DB_USERNAME}\npassword=${DB_PASSWORD}\n`;
	writeFileSync(CLIENT_OPTIONS, options, { mode: 0o600 });
}

async function onPrivateServer() {
	const server = await startServer(FOLDER, { say: console.log });
	const variables = {
		DB_HOST: HOST,
		DB_PORT: String(server.port),
		DB_USERNAME: "dashboard_user",
		DB_PASSWORD: savedPassword(),
		DB_DATABASE: "dashboard",
	};
	saveVariables(variables);
	const code = migrate({ ...process.env, ...NO_OTHER_WAY, ...variables, QUICKSTART_ROOT_PASSWORD: server.password });
	if (code !== 0) return code;

	const client = findProgram(["mariadb", "mysql"]);
	const file = relative(PROJECT, VARIABLES);
	console.log(
		`\n${server.engine} ${server.version} on ${HOST}:${server.port}, database dashboard, user dashboard_user`,
	);
	if (client) console.log(`  SQL:       ${client} --defaults-file=${relative(PROJECT, CLIENT_OPTIONS)} dashboard`);
	console.log(
		`  Variables: set -a; . ./${file}; set +a      (DB_HOST, DB_PORT, DB_USERNAME, DB_PASSWORD, DB_DATABASE)`,
	);
	console.log("  Next:      npm run migration:show");
	console.log("  Stop it:   npm run server -- stop");
	return 0;
}

async function onGivenServer() {
	const code = migrate(process.env);
	if (code !== 0) return code;
	const { DB_HOST, DB_PORT = "3306", DB_USERNAME = "dashboard_user", DB_DATABASE = "dashboard" } = process.env;
	console.log(`\nDatabase ${DB_DATABASE} at ${DB_HOST}:${DB_PORT}, with the variables that are set already`);
	console.log(
		`  SQL:       mariadb --host=${DB_HOST} --port=${DB_PORT} --user=${DB_USERNAME} --password ${DB_DATABASE}`,
	);
	console.log("  Next:      npm run migration:show");
	return 0;
}

await run(async () => {
	installDependencies(console.log);
	if (existsSync(join(PROJECT, ".env"))) process.loadEnvFile(join(PROJECT, ".env"));
	return process.env["DB_HOST"] ? onGivenServer() : onPrivateServer();
});
