import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { execute, type Outcome, temporaryFolder } from "../support/processes";

const PROJECT = join(__dirname, "..", "..");
const EXAMPLES = join(PROJECT, "examples", "deploy");
const PASSWORD = "s3cr3t of the examples";
const UP_TO_DATE = "Nothing to do: no migrations are pending\n";

const read = (name: string): string => readFileSync(join(EXAMPLES, name), "utf8");

let database: TestDatabase;
let user: string;
/** A project that has the package installed, as far as its command is concerned. */
let installed: ReturnType<typeof temporaryFolder>;

before(async () => {
	database = await createTestDatabase();
	user = database.name;
	for (const host of ["localhost", "%"]) {
		await database.rows("CREATE USER ?@? IDENTIFIED BY ?", [user, host, PASSWORD]);
		await database.rows(`GRANT ALL ON ${database.name}.* TO ?@?`, [user, host]);
	}
	installed = temporaryFolder();
	const bin = join(installed.path, "node_modules", ".bin");
	mkdirSync(bin, { recursive: true });
	const command = join(bin, "dployr-workspaces-db");
	const loader = join(PROJECT, "node_modules", "tsx", "dist", "loader.mjs");
	const main = join(PROJECT, "src", "cli", "main.ts");
	writeFileSync(
		command,
		`#!/bin/sh\nTSX_TSCONFIG_PATH=${join(PROJECT, "tsconfig.json")} exec ${process.execPath} --import ${loader} ${main} "$@"\n`,
	);
	chmodSync(command, 0o755);
	writeFileSync(join(installed.path, "package.json"), '{ "name": "dashboard", "private": true }');
	writeFileSync(join(installed.path, "password"), `${PASSWORD}\n`);
});

after(async () => {
	installed?.remove();
	for (const host of ["localhost", "%"]) await database?.rows("DROP USER IF EXISTS ?@?", [user, host]);
	await database?.drop();
});

/** What an example's variables must be here: the same names, and this machine's database and paths. */
function here(variables: Record<string, string>): Record<string, string> {
	const values: Record<string, string> = {
		DB_HOST: database.host,
		DB_USERNAME: user,
		DB_DATABASE: database.name,
		DB_PASSWORD: PASSWORD,
		DB_PASSWORD_FILE: join(installed.path, "password"),
	};
	const replaced = Object.keys(variables).map((name) => {
		assert.ok(values[name], `${name} is not a variable of these examples`);
		return [name, values[name]];
	});
	return { ...Object.fromEntries(replaced), DB_PORT: String(database.port) };
}

/** Runs a command as the example has it, in the project that has the package installed. */
function runExample(command: readonly string[], variables: Record<string, string>): Promise<Outcome> {
	const path = [join(installed.path, "node_modules", ".bin"), process.env["PATH"]].join(delimiter);
	const [program = "", ...args] = command;
	return execute([program, ...args], { cwd: installed.path, env: { ...here(variables), PATH: path } });
}

interface Container {
	readonly name: string;
	readonly image: string;
	readonly command?: string[];
	readonly env: { readonly name: string; readonly value: string }[];
	readonly volumeMounts: { readonly name: string; readonly mountPath: string }[];
}

interface PodSpec {
	readonly restartPolicy?: string;
	readonly initContainers?: Container[];
	readonly containers: Container[];
	readonly volumes: { readonly name: string; readonly secret: object }[];
}

async function runContainer({ command, env, volumeMounts }: Container, { volumes }: PodSpec): Promise<void> {
	const variables = Object.fromEntries(env.map(({ name, value }) => [name, value]));
	const mounted = volumeMounts.map(({ mountPath }) => mountPath);
	assert.ok(mounted.some((path) => variables["DB_PASSWORD_FILE"]?.startsWith(`${path}/`)));
	assert.deepEqual(
		volumeMounts.map(({ name }) => name),
		volumes.map(({ name }) => name),
	);
	const { code, output } = await runExample(command ?? [], variables);
	assert.equal(code, 0, output);
}

test("compose.yaml: the migrations end before the dashboard starts, with the password as a secret", async () => {
	const { services, secrets, volumes } = parse(read("compose.yaml"));
	const { database: server, migrate, dashboard } = services;
	assert.deepEqual(dashboard.depends_on, { migrate: { condition: "service_completed_successfully" } });
	assert.deepEqual(migrate.depends_on, { database: { condition: "service_healthy" } });
	assert.deepEqual(dashboard.environment, migrate.environment);
	assert.equal(migrate.environment.DB_PASSWORD_FILE, `/run/secrets/${Object.keys(secrets)[0]}`);
	assert.equal(server.environment.MARIADB_PASSWORD_FILE, migrate.environment.DB_PASSWORD_FILE);
	for (const service of [server, migrate, dashboard]) assert.deepEqual(service.secrets, Object.keys(secrets));
	assert.deepEqual(
		server.volumes.map((volume: string) => volume.split(":")[0]),
		Object.keys(volumes),
	);
	assert.doesNotMatch(read("compose.yaml"), /DB_PASSWORD:/);

	const first = await runExample(migrate.command, migrate.environment);
	assert.equal(first.code, 0, first.output);
	assert.match(first.output, /^ {2}workspaces +created$/m);
	assert.deepEqual(await runExample(migrate.command, migrate.environment), {
		code: 0,
		signal: null,
		output: UP_TO_DATE,
	});
});

test("kubernetes/job.yaml: runs once, and ends where a setting is wrong", async () => {
	const job = parse(read("kubernetes/job.yaml"));
	assert.deepEqual([job.apiVersion, job.kind], ["batch/v1", "Job"]);
	const pod: PodSpec = job.spec.template.spec;
	// A policy of failures is taken with this restart policy only.
	assert.equal(pod.restartPolicy, "Never");
	const [rule] = job.spec.podFailurePolicy.rules;
	const [container] = pod.containers;
	assert.ok(container);
	assert.deepEqual(rule.onExitCodes, { containerName: container.name, operator: "In", values: [2] });
	await runContainer(container, pod);
	const wrong = await runExample([...(container.command ?? []), "--port", "x"], { DB_HOST: "" });
	assert.equal(wrong.code, 2, wrong.output);
});

test("kubernetes/init-container.yaml: each pod migrates with the dashboard's own image and variables", async () => {
	const deployment = parse(read("kubernetes/init-container.yaml"));
	assert.deepEqual([deployment.apiVersion, deployment.kind], ["apps/v1", "Deployment"]);
	assert.deepEqual(deployment.spec.selector.matchLabels, deployment.spec.template.metadata.labels);
	const pod: PodSpec = deployment.spec.template.spec;
	const [init, dashboard] = [pod.initContainers?.[0], pod.containers[0]];
	assert.ok(init && dashboard);
	assert.deepEqual([init.image, init.env, init.volumeMounts], [dashboard.image, dashboard.env, dashboard.volumeMounts]);
	await Promise.all([runContainer(init, pod), runContainer(init, pod)]);
});

test("dployr-dashboard.service: migrates before the dashboard starts, for as long as it takes", async () => {
	const unit = read("dployr-dashboard.service");
	const entries = unit.split("\n").flatMap((line): [string, string][] => {
		assert.match(line, /^(#.*|\[(Unit|Service|Install)\]|[A-Z]\w+=.+|)$/);
		const [, name, value] = /^([A-Z]\w+)=(.+)$/.exec(line) ?? [];
		return name && value ? [[name, value]] : [];
	});
	const service = new Map(entries);
	assert.equal(service.get("TimeoutStartSec"), "infinity");
	// RestartPreventExitStatus counts for ExecStart only, so tries have to have a limit.
	assert.deepEqual([service.get("StartLimitBurst"), service.get("StartLimitIntervalSec")], ["10", "1h"]);
	const [, credential] = /^(\w+):\//.exec(service.get("LoadCredential") ?? "") ?? [];
	assert.equal(service.get("Environment"), `DB_PASSWORD_FILE=%d/${credential}`);

	const local = unit.replaceAll("/srv/dashboard", installed.path).replace("/usr/bin/node", process.execPath);
	const [, command] = /^ExecStartPre=(.+)$/m.exec(local) ?? [];
	const { code, output } = await runExample((command ?? "").split(" "), {
		DB_HOST: "",
		DB_USERNAME: "",
		DB_DATABASE: "",
		DB_PASSWORD_FILE: "",
	});
	assert.deepEqual([code, output], [0, UP_TO_DATE]);

	if (!existsSync("/usr/bin/systemd-analyze")) return;
	const file = join(installed.path, "dployr-dashboard.service");
	writeFileSync(file, local);
	const verified = await execute(["systemd-analyze", "verify", file], { cwd: installed.path });
	assert.equal(verified.code, 0, verified.output);
});

test("github-actions.yml: shows the plan, migrates, and fails where the database is not up to date", async () => {
	const { jobs, concurrency } = parse(read("github-actions.yml"));
	assert.equal(concurrency["cancel-in-progress"], false);
	const steps = (jobs.migrate.steps as { run?: string }[]).flatMap(({ run }) => (run ? [run] : []));
	assert.equal(steps[0], "npm ci");
	const outputs: string[] = [];
	for (const step of steps.slice(1)) {
		const { code, output } = await runExample(["bash", "-eo", "pipefail", "-c", step], jobs.migrate.env);
		assert.equal(code, 0, output);
		outputs.push(output);
	}
	assert.deepEqual(outputs.slice(0, 2), ["-- No migrations are pending\n", UP_TO_DATE]);
	assert.match(outputs[2] ?? "", /The database is up to date\.\n$/);
	assert.equal(readFileSync(join(installed.path, "deploy.sql"), "utf8"), outputs[0]);
});

test("Dockerfile: instructions that Docker knows, and the command by its name", () => {
	const lines = read("Dockerfile")
		.split("\n")
		.filter((line) => line && !line.startsWith("#"));
	const instructions = lines.map((line) => line.split(" ")[0]);
	const known = ["FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "CMD"];
	assert.deepEqual(
		instructions.filter((name) => !known.includes(name ?? "")),
		[],
	);
	assert.equal(instructions[0], "FROM");
	assert.ok(lines.includes("ENV PATH=/app/node_modules/.bin:$PATH") && lines.includes("WORKDIR /app"));
	assert.deepEqual(JSON.parse((lines.at(-1) ?? "").replace("CMD ", "")), ["node", "server.js"]);
});

test("what was not run is said of each file", () => {
	const table = read("README.md")
		.split("\n")
		.filter((line) => line.startsWith("| ["));
	for (const name of [
		"Dockerfile",
		"compose.yaml",
		"dployr-dashboard.service",
		"kubernetes/job.yaml",
		"kubernetes/init-container.yaml",
		"github-actions.yml",
	]) {
		const row = table.find((line) => line.startsWith(`| [${name}](${name}) |`));
		assert.ok(
			row?.split("|").every((cell, index, { length }) => index % (length - 1) === 0 || cell.trim()),
			name,
		);
	}
});
