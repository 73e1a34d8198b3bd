import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { DataSource } from "typeorm";
import { readComments } from "../../scripts/docs/comments";
import { migrate } from "../../src";
import { entities } from "../../src/entities";
import { isOnCluster } from "../../src/repositories/clusterLock";
import { openDataSource, statementsOf } from "../../testing/dataSource";
import { BIG, createBigDatabase } from "./bigTables";
import { type Call, callsOf } from "./calls";
import { type Context, repositoriesOf } from "./context";

/** What an operation may read beside its rows: the ends of ranges, limits, locks, foreign keys. */
const CONSTANT = 10;

const ROOT = join(__dirname, "../..");

let context: Context;

interface Cost {
	/** Rows that the server read. */
	readonly reads: number;
	readonly statements: number;
}

/** The session's own counters: the pool has no other. */
async function counters(dataSource: DataSource): Promise<Cost> {
	const rows = await dataSource.query<{ Variable_name: string; Value: string }[]>(
		"SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Questions'",
	);
	const sum = { reads: 0, statements: 0 };
	for (const { Variable_name: name, Value: value } of rows) {
		sum[name === "Questions" ? "statements" : "reads"] += Number(value);
	}
	return sum;
}

async function cost(work: () => Promise<unknown>): Promise<Cost & { result: unknown }> {
	const { dataSource } = context;
	const nothing = await counters(dataSource);
	const start = await counters(dataSource);
	const result = await work();
	const end = await counters(dataSource);
	return {
		result,
		reads: end.reads - start.reads - (start.reads - nothing.reads),
		statements: end.statements - start.statements - (start.statements - nothing.statements),
	};
}

/** How many rows the answer holds, or says that there were. */
function rowsIn(result: unknown): number | undefined {
	if (typeof result === "number") return result;
	if (Array.isArray(result)) return result.length;
	if (result instanceof Map) return [...result.values()].reduce((sum, value) => sum + (rowsIn(value) ?? 0), 0);
	return rowsIn((result as { entries?: unknown } | null)?.entries);
}

/** The methods of the tables in `docs/repositories.md`, with the number of statements that it gives. */
function documented(): Map<string, number> {
	const methods = new Map<string, number>();
	let repository = "";
	for (const line of readFileSync(join(__dirname, "../../docs/repositories.md"), "utf8").split("\n")) {
		repository = /^#### `(\w+)`/.exec(line)?.[1] ?? repository;
		const cells = line.split("|").map((cell) => cell.trim());
		const method = /^`(?:(\w+)\.)?(\w+)\(/.exec(cells[2] ?? "");
		if (method) methods.set(`${method[1] ?? repository}.${method[2]}`, Number.parseInt(cells[4] ?? "", 10));
	}
	return methods;
}

describe("on tables that have grown for years", () => {
	before(async () => {
		const database = await createBigDatabase();
		const dataSource = await openDataSource(database, { poolSize: 1 });
		await migrate(dataSource);
		context = {
			database,
			dataSource,
			ada: 1,
			bob: 2,
			...repositoriesOf(dataSource),
			async close() {
				await dataSource.destroy();
				await database.drop();
			},
		};
		// Asked at the first call of a DataSource that needs to know.
		assert.equal(await isOnCluster(context.ports), false);
	});
	after(() => context?.close());

	test("the rows are as many as the measurements take for granted", async () => {
		const { database, workspaces, previews } = context;
		for (const [table, count] of [
			["workspaces", BIG.workspaces],
			["preview_environments", BIG.previews],
			["workspace_logs", BIG.logs],
		] as const) {
			const [row] = await database.rows<{ count: number }>(`SELECT COUNT(*) AS count FROM ${table}`);
			assert.equal(Number(row?.count), count);
		}
		assert.equal((await workspaces.listIdle()).length, BIG.idle);
		assert.equal((await workspaces.listPastLifetime()).length, BIG.pastLifetime);
		assert.equal((await previews.listActive()).length, BIG.activePreviews);
		assert.equal((await previews.listExpired()).length, BIG.expiredPreviews);
	});

	test("each method reads its rows and no others, and sends as many statements as its documentation says", async () => {
		const statements = documented();
		const failures: string[] = [];
		const measured = new Set<string>();
		for (const call of callsOf(context)) {
			measured.add(call.method);
			const failure = await exceeds(call, call.statements ?? statements.get(call.method));
			if (failure) failures.push(failure);
		}
		assert.deepEqual(failures, []);
		assert.deepEqual([...measured].sort(), [...statements.keys()].sort());
		assert.deepEqual([...measured].sort(), methodsOf(context).sort());
	});

	test("the methods that an index's comment names find their rows by it", async () => {
		const used = new Set<string>();
		for (const call of callsOf(context)) {
			await call.prepare?.();
			for (const sql of await statementsOf(context.dataSource, call.work)) {
				for (const index of await indexesOf(sql)) used.add(`${call.method} ${index}`);
			}
		}
		const named = entities.flatMap((entity) => {
			const { tableName } = context.dataSource.getMetadata(entity);
			return [...readComments(ROOT, entity.name).indexes].flatMap(([index, comment]) =>
				[...comment.matchAll(/`(?:(\w+)\.)?(\w+)`/g)].map(
					([, repository = `${entity.name}Repository`, method]) => `${repository}.${method} ${tableName}.${index}`,
				),
			);
		});
		assert.ok(named.length > 10);
		assert.deepEqual(
			named.filter((reading) => !used.has(reading)),
			[],
			"comments that are not true",
		);
	});
});

/** The indexes by which the server would find the rows of a statement, each as `table.index`. */
async function indexesOf(sql: string): Promise<string[]> {
	// What MariaDB executes in front of a statement is no part of what it explains.
	const statement = sql.replace(/^\/\*M! .*? \*\/ /, "");
	if (!/^\(?(SELECT|INSERT|UPDATE|DELETE)\b/i.test(statement)) return [];
	const rows = await context.database.rows<{ table: string | null; key: string | null }>(
		`EXPLAIN FORMAT=TRADITIONAL ${statement}`,
	);
	return rows.flatMap(({ table, key }) => {
		const [, named = table] = new RegExp(`(\\w+) (?:AS )?${table}\\b`, "i").exec(statement) ?? [];
		const tables = [table, named];
		return (key ?? "").split(",").flatMap((index) => tables.map((name) => `${name}.${index}`));
	});
}

async function exceeds(call: Call, statements: number | undefined): Promise<string | undefined> {
	const { method, prepare, work, readsPerRow = 1 } = call;
	// What a session reads to open tables and their statistics is read before.
	await context.dataSource.query(
		"SELECT 1 FROM workspaces, preview_environments, workspace_logs, user_api_keys LIMIT 1",
	);
	await prepare?.();
	const spent = await cost(work);
	const rows = call.rows ?? rowsIn(spent.result) ?? 0;
	const allowed = rows * readsPerRow + CONSTANT;
	if (spent.reads > allowed) return `${method} reads ${spent.reads} rows, not ${allowed} at most`;
	if (spent.statements !== statements) return `${method} sends ${spent.statements} statements, not ${statements}`;
	if (/^(list|page|count)/.test(method.split(".")[1] ?? "") && rowsIn(spent.result) !== rows) {
		return `${method} returns ${rowsIn(spent.result)} rows, not ${rows}`;
	}
	return undefined;
}

/** Every method that the repositories add to TypeORM's. */
function methodsOf(repositories: Context): string[] {
	const { workspaces, keys, previews, limits, logs, ports } = repositories;
	return [workspaces, keys, previews, limits, logs, ports].flatMap((repository) => {
		const { name, prototype } = repository.constructor;
		const own = Object.getOwnPropertyNames(prototype).filter((method) => method !== "constructor");
		return own.map((method) => `${name}.${method}`);
	});
}
