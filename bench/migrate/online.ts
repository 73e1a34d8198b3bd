import { type ChildProcess, fork } from "node:child_process";
import path from "node:path";
import { migrate } from "../../src";

import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource, TABLES } from "../../testing/dataSource";
import { installOldData, type Size } from "./oldData";
import type { WriterResult } from "./writer";

interface Measured extends WriterResult {
	readonly what: string;
	/** Seconds. */
	readonly total: number;
	/** Tables whose rows were written anew: the server gave them another number. */
	readonly rebuilt: readonly string[];
}

/** What the same data costs when a table is copied, which is what an ALTER without care may do. */
const COPYING =
	"ALTER TABLE workspace_logs MODIFY COLUMN project_name VARCHAR(100) NOT NULL, ALGORITHM=COPY, LOCK=SHARED";

/** Migrates what an old dashboard left while a writer writes, beside an ALTER that copies a table of the same data. */
export async function benchOnline(size: Size): Promise<void> {
	const database = await createTestDatabase();
	try {
		await installOldData(database, size);
		const copied = await measure(database, size, "one ALTER that copies workspace_logs", async () => {
			await database.connection.query(COPYING);
		});
		const migrated = await measure(database, size, "migration:run, adopting everything", async () => {
			const dataSource = await openDataSource(database);
			await migrate(dataSource).finally(() => dataSource.destroy());
		});
		for (const one of [migrated, copied]) {
			const { what, longestWait, failed, writes, total, rebuilt } = one;
			const cells = [what, `${Math.round(longestWait)} ms`, `${failed} of ${writes}`, `${total.toFixed(1)} s`];
			console.log(`| ${[...cells, rebuilt.join(", ") || "none"].join(" | ")} |`);
		}
	} finally {
		await database.drop();
	}
}

export const ONLINE_HEAD = [
	"| while a writer writes | its longest wait | failed writes | total | tables rewritten |",
	"| --- | --- | --- | --- | --- |",
].join("\n");

async function measure(database: TestDatabase, size: Size, what: string, work: () => Promise<void>): Promise<Measured> {
	const before = await tableIds(database);
	const writer = await startWriter(database.url, size);
	const start = performance.now();
	try {
		await work();
	} finally {
		writer.child.send("stop");
	}
	const total = (performance.now() - start) / 1000;
	const result = await writer.result;
	const after = await tableIds(database);
	return { ...result, what, total, rebuilt: TABLES.filter((table) => before.get(table) !== after.get(table)) };
}

async function startWriter(url: string, size: Size): Promise<{ child: ChildProcess; result: Promise<WriterResult> }> {
	const file = path.join(__dirname, "writer.ts");
	const child = fork(file, [url, JSON.stringify(size)], { execArgv: ["--import", "tsx"] });
	const next = () =>
		new Promise<unknown>((done, fail) => {
			child.once("message", done);
			child.once("exit", () => fail(new Error("the writer ended")));
		});
	await next();
	return { child, result: next() as Promise<WriterResult> };
}

/** InnoDB numbers a table anew when its rows are written anew, by a copy or in place. */
async function tableIds(database: TestDatabase): Promise<Map<string, number>> {
	const [{ version }] = (await database.rows("SELECT VERSION() AS version")) as [{ version: string }];
	const view = /mariadb/i.test(version) ? "INNODB_SYS_TABLES" : "INNODB_TABLES";
	const rows = await database.rows<{ name: string; id: number }>(
		`SELECT SUBSTRING_INDEX(NAME, '/', -1) AS name, TABLE_ID AS id FROM information_schema.${view} WHERE NAME LIKE ?`,
		[`${database.name}/%`],
	);
	return new Map(rows.map(({ name, id }) => [name, id]));
}
