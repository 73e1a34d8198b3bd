import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { plan } from "../../src";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource } from "../../testing/dataSource";
import { startProxy } from "../../testing/proxy";

const ROUNDS = 15;
/** How often nothing to do is timed in a round: it takes little, and so do the differences. */
const TURNS = 5;
const ROOT = path.join(__dirname, "..", "..");
const CLI = path.join(ROOT, "node_modules", "typeorm", "cli.js");

type State = "empty" | "migrated";

interface Contender {
	readonly name: string;
	readonly command: (database: TestDatabase) => { args: string[]; env: Record<string, string> };
	/** Milliseconds of each round, by what the process found. */
	readonly times: Record<State, number[]>;
	readonly statements: Record<State, number>;
}

/**
 * Times whole processes that bring an empty database up, and that find nothing to do: this package's command, TypeORM's
 * CLI with this package's build, the same CLI with a plain DataSource whose migration is the same statements, and a bare
 * mysql2 script that reads the records. Work is compared with TypeORM's plain CLI, nothing to do with the bare script.
 */
export async function benchProcesses(): Promise<void> {
	const folder = mkdtempSync(path.join(tmpdir(), "bench-migrate-"));
	try {
		const statements = await plannedStatements();
		const contenders = [command(), ours(), plain(folder, statements), bare(folder, statements)];
		for (const contender of contenders) await countStatements(contender);
		for (let round = 0; round < ROUNDS; round++) {
			for (const contender of round % 2 ? [...contenders].reverse() : contenders) await timeOnce(contender);
		}
		print(contenders);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

export const PROCESSES_HEAD = [
	"| whole process | empty database | statements | nothing to do | statements |",
	"| --- | --- | --- | --- | --- |",
].join("\n");

/** The DDL of a run on an empty database, and the seeded row; not what surrounds it. */
async function plannedStatements(): Promise<string[]> {
	const database = await createTestDatabase();
	const dataSource = await openDataSource(database);
	try {
		const { statements } = await plan(dataSource);
		return statements.filter((statement) => !/^SET |`migrations`|`typeorm_metadata`/.test(statement));
	} finally {
		await dataSource.destroy();
		await database.drop();
	}
}

function contender(name: string, command: Contender["command"]): Contender {
	return { name, command, times: { empty: [], migrated: [] }, statements: { empty: 0, migrated: 0 } };
}

function command(): Contender {
	const main = path.join(ROOT, "dist", "src", "cli", "main.js");
	return contender("`dployr-workspaces-db migrate`", (database) => ({
		args: [main, "migrate", "--quiet"],
		env: variables(database),
	}));
}

function ours(): Contender {
	const config = path.join(ROOT, "dist", "ormconfig.js");
	return contender("`typeorm migration:run`", (database) => ({
		args: [CLI, "migration:run", "-d", config],
		env: variables(database),
	}));
}

function variables({ host, port, username, password, name }: TestDatabase): Record<string, string> {
	return { DB_HOST: host, DB_PORT: String(port), DB_USERNAME: username, DB_PASSWORD: password, DB_DATABASE: name };
}

function plain(folder: string, statements: readonly string[]): Contender {
	const file = path.join(folder, "plain.js");
	const typeorm = JSON.stringify(path.join(ROOT, "node_modules", "typeorm"));
	writeFileSync(
		file,
		`const { DataSource } = require(${typeorm});
const { entities } = require(${JSON.stringify(path.join(ROOT, "dist", "src", "entities"))});
class Plain1795478400000 {
	async up(queryRunner) { for (const sql of ${JSON.stringify(statements)}) await queryRunner.query(sql); }
	async down() {}
}
exports.default = new DataSource({ type: process.env.TYPE, url: process.env.URL, entities, migrations: [Plain1795478400000] });
`,
	);
	return contender("`typeorm migration:run`, plain DataSource", (database) => ({
		args: [CLI, "migration:run", "-d", file],
		env: { URL: database.url, TYPE: process.env["BENCH_TYPE"] ?? "mariadb" },
	}));
}

function bare(folder: string, statements: readonly string[]): Contender {
	const file = path.join(folder, "bare.js");
	const mysql2 = JSON.stringify(path.join(ROOT, "node_modules", "mysql2", "promise.js"));
	writeFileSync(
		file,
		`const { createConnection } = require(${mysql2});
(async () => {
	const connection = await createConnection(process.env.URL);
	const records = await connection.query("SELECT id, timestamp, name FROM migrations").catch(() => undefined);
	if (!records) {
		await connection.query("CREATE TABLE migrations (id INT AUTO_INCREMENT PRIMARY KEY, timestamp BIGINT, name VARCHAR(255))");
		for (const sql of ${JSON.stringify(statements)}) await connection.query(sql);
		await connection.query("INSERT INTO migrations (timestamp, name) VALUES (1, 'everything')");
	}
	await connection.end();
})();
`,
	);
	return contender("bare mysql2 script", (database) => ({ args: [file], env: { URL: database.url } }));
}

async function timeOnce({ command, times }: Contender): Promise<void> {
	const database = await createTestDatabase();
	try {
		for (const state of ["empty", ...Array<State>(TURNS).fill("migrated")] as const) {
			const start = performance.now();
			await run(command(database));
			times[state].push(performance.now() - start);
		}
	} finally {
		await database.drop();
	}
}

async function countStatements({ command, statements }: Contender): Promise<void> {
	const database = await createTestDatabase();
	const proxy = await startProxy(database);
	const url = new URL(database.url);
	url.port = String(proxy.port);
	try {
		for (const state of ["empty", "migrated"] as const) {
			const before = proxy.commands.length;
			await run(command({ ...database, host: "127.0.0.1", port: proxy.port, url: url.href }));
			statements[state] = proxy.commands.length - before;
		}
	} finally {
		await proxy.close();
		await database.drop();
	}
}

async function run({ args, env }: ReturnType<Contender["command"]>): Promise<void> {
	// Reading extra certificates would add the same time to every process.
	const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
	const child = spawn(process.execPath, args, {
		env: { ...inherited, ...env },
		stdio: ["ignore", "ignore", "inherit"],
	});
	const code = await new Promise<number | null>((done) => child.on("close", done));
	if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
}

function print(contenders: readonly Contender[]): void {
	const median = (values: readonly number[]) => [...values].sort((one, other) => one - other)[values.length >> 1] ?? 0;
	const base = { empty: contenders.at(-2), migrated: contenders.at(-1) };
	for (const { name, times, statements } of contenders) {
		const cells = (["empty", "migrated"] as const).flatMap((state) => {
			const ratio = median(times[state]) / median(base[state]?.times[state] ?? []);
			return [`${ratio.toFixed(2)} (${Math.round(median(times[state]))} ms)`, String(statements[state])];
		});
		console.log(`| ${[name, ...cells].join(" | ")} |`);
	}
}
