import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { plan } from "../../src";
import { createTestDatabase } from "../../testing/database";
import { openDataSource } from "../../testing/dataSource";
import { startProxy } from "../../testing/proxy";
import { bare, type Command, type Contender, drizzle, knex, OWN, plainTypeorm, TYPEORM } from "./contenders";

const ROUNDS = 15;
/** How often nothing to do is timed in a round: it takes little, and so do the differences. */
const TURNS = 5;

type State = "empty" | "migrated";

interface Result {
	readonly name: string;
	readonly command: Contender["command"];
	/** Milliseconds of each process, by what it found. */
	readonly times: Record<State, number[]>;
	readonly statements: Record<State, number>;
}

/**
 * Times whole processes that bring an empty database up, and that find nothing to do. Work is compared with TypeORM's CLI
 * with a plain DataSource, nothing to do with a bare mysql2 script that reads the records.
 */
export async function benchProcesses(): Promise<void> {
	const folder = mkdtempSync(path.join(tmpdir(), "bench-migrate-"));
	try {
		const statements = await plannedStatements();
		const others = [knex, drizzle, plainTypeorm, bare].map((make) => make(folder, statements));
		const results = [OWN, TYPEORM, ...others].map(resultOf);
		for (const result of results) await countStatements(result);
		for (let round = 0; round < ROUNDS; round++) {
			for (const result of round % 2 ? [...results].reverse() : results) await timeOnce(result);
		}
		print(results);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function resultOf({ name, command }: Contender): Result {
	return { name, command, times: { empty: [], migrated: [] }, statements: { empty: 0, migrated: 0 } };
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

async function timeOnce({ command, times }: Result): Promise<void> {
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

async function countStatements({ command, statements }: Result): Promise<void> {
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

async function run({ args, env }: Command): Promise<void> {
	// Reading extra certificates would add the same time to every process.
	const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
	const child = spawn(process.execPath, args, {
		env: { ...inherited, ...env },
		stdio: ["ignore", "ignore", "inherit"],
	});
	const code = await new Promise<number | null>((done) => child.on("close", done));
	if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
}

function print(results: readonly Result[]): void {
	const median = (values: readonly number[]) => [...values].sort((one, other) => one - other)[values.length >> 1] ?? 0;
	const base = { empty: results.at(-2), migrated: results.at(-1) };
	for (const { name, times, statements } of results) {
		const cells = (["empty", "migrated"] as const).flatMap((state) => {
			const ratio = median(times[state]) / median(base[state]?.times[state] ?? []);
			return [`${ratio.toFixed(2)} (${Math.round(median(times[state]))} ms)`, String(statements[state])];
		});
		console.log(`| ${[name, ...cells].join(" | ")} |`);
	}
}
