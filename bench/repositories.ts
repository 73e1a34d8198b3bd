import type { Pool } from "mysql2";
import type { Pool as PromisePool } from "mysql2/promise";
import type { DataSource, EntitySubscriberInterface } from "typeorm";
import { migrate } from "../src";
import { createTestDatabase, type TestDatabase } from "../testing/database";
import { openDataSource } from "../testing/dataSource";
import { measure, type Way } from "./repositories/measure";
import { nameOf, type Operation, rowOf } from "./repositories/operation";
import { keyOperations, limitOperations, logOperations, portOperations } from "./repositories/operations/others";
import { previewChanges, previewReads } from "./repositories/operations/previews";
import { workspaceChanges, workspaceReads } from "./repositories/operations/workspaces";
import { FULL, fill, SMALL } from "./repositories/seed";
import { onEachServer } from "./servers";

const CALLERS = 10;

/** A statement as a repository sent it. */
interface Sent {
	readonly sql: string;
	readonly values: readonly unknown[];
}

/** What an operation sends, in order, as a host's subscriber to queries sees it. */
async function record(dataSource: DataSource, work: () => Promise<unknown>): Promise<Sent[]> {
	const sent: Sent[] = [];
	const subscriber: EntitySubscriberInterface = {
		beforeQuery({ query, parameters = [] }) {
			sent.push({ sql: query, values: parameters as unknown[] });
		},
	};
	dataSource.subscribers.push(subscriber);
	try {
		await work();
	} finally {
		dataSource.subscribers.pop();
	}
	return sent;
}

/** The properties that a statement reads as JSON. */
function jsonOf(sql: string): string[] {
	return [...sql.matchAll(/CAST\(\w+\.\w+ AS CHAR\) AS (\w+)/g)].flatMap(([, property]) => property ?? []);
}

/** What a caller of mysql2 does itself: the driver knows MySQL's JSON, and takes MariaDB's for text. */
function parseJson(rows: unknown, properties: readonly string[]): void {
	for (const row of rows as Record<string, unknown>[]) {
		for (const property of properties) {
			const value = row[property];
			if (typeof value === "string") row[property] = JSON.parse(value);
		}
	}
}

/** Columns as they are: mysql2 makes dates of timestamps, and values of MySQL's JSON, itself. */
function asColumns(sql: string): string {
	return sql.replaceAll(/(?:UNIX_TIMESTAMP|CAST)\((\w+\.\w+)(?: AS CHAR)?\)(?= AS )/g, "$1");
}

/** The same statements through mysql2's own pool, with what differs from turn to turn. */
function replay(pool: PromisePool, sent: readonly Sent[], recorded: number, row = rowOf): Way {
	const inTurn = (value: unknown, turn: number) => {
		if (value === nameOf(recorded)) return nameOf(turn);
		return value === row(recorded) ? row(turn) : value;
	};
	const statements = sent.map(({ sql, values }) => ({ sql: asColumns(sql), values, json: jsonOf(sql) }));
	const isTransaction = sent.some(({ sql }) => sql === "START TRANSACTION");
	return async (turn) => {
		const through = isTransaction ? await pool.getConnection() : pool;
		let result: unknown;
		for (const statement of statements) {
			const values = statement.values.map((value) => inTurn(value, turn));
			const [rows] = await through.query(statement.sql, values);
			if (statement.json.length) parseJson(rows, statement.json);
			result = rows;
		}
		if ("release" in through) through.release();
		return result;
	};
}

const OPERATIONS = [
	workspaceReads,
	workspaceChanges,
	previewReads,
	previewChanges,
	logOperations,
	limitOperations,
	keyOperations,
	portOperations,
];

/**
 * The DataSource's own pool: which processor a connection's thread of the server is on decides more than all the rest, so
 * every way takes the same connections. mysql2 then makes values of JSON, which the module has it leave as text.
 */
function poolOf(dataSource: DataSource): PromisePool {
	const { pool } = dataSource.driver as unknown as {
		pool: Pool & { config: { connectionConfig: { jsonStrings: boolean } } };
	};
	pool.config.connectionConfig.jsonStrings = false;
	return pool.promise();
}

async function bench(database: TestDatabase, isFull: boolean, filter: string): Promise<void> {
	const dataSource = await openDataSource(database, { poolSize: CALLERS });
	const pool = poolOf(dataSource);
	try {
		await migrate(dataSource);
		await fill(database.connection, isFull ? FULL : SMALL);
		for (const operation of OPERATIONS.flatMap((make) => make(dataSource))) {
			if (operation.name.includes(filter)) await report(dataSource, pool, operation);
		}
	} finally {
		await dataSource.destroy();
	}
}

async function report(dataSource: DataSource, pool: PromisePool, operation: Operation): Promise<void> {
	const { name, isFrequent = false, repository, typeorm } = operation;
	// The first call of a DataSource that locks asks whether it is on a cluster.
	await repository(0);
	const sent = await record(dataSource, () => repository(1));
	const sentByTypeorm = await record(dataSource, () => typeorm(2));
	const ways = { mysql2: replay(pool, sent, 1, operation.row), repository, typeorm };
	const alone = await measure(ways, 1);
	const together = await measure(ways, CALLERS);
	const cells = [alone, together].map((times) =>
		[times.repository, times.typeorm].map((way) => (way / times.mysql2).toFixed(2)).join(" / "),
	);
	const statements = `${sent.length} / ${sentByTypeorm.length}`;
	console.log(
		`| ${isFrequent ? `**${name}**` : name} | ${alone.mysql2.toFixed(0)} | ${cells.join(" | ")} | ${statements} |`,
	);
}

const HEADING = `| operation | mysql2 alone, µs | alone: repository / TypeORM | ${CALLERS} at once | statements |
| --- | --- | --- | --- | --- |`;

async function main(): Promise<void> {
	const isFull = process.argv.includes("--full");
	const filter = process.argv.slice(2).find((argument) => !argument.startsWith("--")) ?? "";
	console.log(
		"Time in multiples of mysql2's pool.query with the same SQL, with dates and JSON made of columns as well.",
	);
	console.log("In bold: what runs on every request, or in bulk.");
	await onEachServer(async (version) => {
		const database = await createTestDatabase();
		try {
			console.log(`\n## ${version}\n\n${HEADING}`);
			await bench(database, isFull, filter);
		} finally {
			await database.drop();
		}
	});
}

main().catch((error: unknown) => {
	console.error(error);
	process.exitCode = 1;
});
