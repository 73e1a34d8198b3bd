import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { DataSource } from "typeorm";
import { migrate } from "../../src";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { openPlainDataSource, TABLES } from "../../testing/dataSource";
import { ADOPTION_CASES, installOldDashboard } from "../../testing/oldDashboard";
import { describeFreshSchema, describeSchema, dumpRows } from "../support/snapshot";

let freshSchema: Awaited<ReturnType<typeof describeSchema>>;

async function withDatabase(work: (database: TestDatabase, dataSource: DataSource) => Promise<void>): Promise<void> {
	const database = await createTestDatabase();
	const dataSource = await openPlainDataSource(database);
	try {
		await work(database, dataSource);
	} finally {
		await dataSource.destroy();
		await database.drop();
	}
}

async function pendingChanges(dataSource: DataSource): Promise<string[]> {
	const log = await dataSource.driver.createSchemaBuilder().log();
	return log.upQueries.map((query) => query.query);
}

describe("adoption of what older dashboards made", () => {
	before(async () => {
		freshSchema = await describeFreshSchema();
	});

	for (const [name, old] of Object.entries(ADOPTION_CASES)) {
		it(`brings ${name} to the schema of a fresh database and loses no row`, () =>
			withDatabase(async (database, dataSource) => {
				await installOldDashboard(database, old);
				const rows = await dumpRows(database);
				const { report } = await migrate(dataSource);

				assert.deepEqual(await describeSchema(database), freshSchema);
				assert.deepEqual(await pendingChanges(dataSource), []);
				assertSameRows(await dumpRows(database), rows);
				assert.deepEqual(new Set(report?.tables.map((table) => table.table)), new Set(TABLES));
				const removed = (old.globalRows ?? 3) - 1;
				const limits = report?.tables.find((table) => table.table === "resource_limits");
				assert.equal(limits?.removed.length, removed);
				assert.equal(limits?.outcome, "adopted");
			}));
	}
});

/** Of several global rows the first one stays; columns that came new are NULL; everything else is as it was. */
function assertSameRows(
	after: Record<string, Record<string, unknown>[]>,
	before: Record<string, Record<string, unknown>[]>,
): void {
	for (const [table, rows] of Object.entries(before)) {
		const firstGlobal = rows.find((row) => row["user_id"] === null)?.["id"];
		const kept = rows.filter(
			(row) => table !== "resource_limits" || row["user_id"] !== null || row["id"] === firstGlobal,
		);
		assert.ok(kept.length > 0, `${table} has rows to lose`);
		assert.equal(after[table]?.length, kept.length, table);
		for (const [index, row] of kept.entries()) {
			const { global_row: _, ...found } = after[table]?.[index] ?? {};
			const added = Object.keys(found).filter((column) => !(column in row));
			for (const column of added) assert.equal(found[column], null);
			assert.deepEqual(Object.fromEntries(Object.entries(found).filter(([column]) => column in row)), row, table);
		}
	}
}
