import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DataSource } from "typeorm";
import { migrate } from "../../src";
import { DashboardUser, entities } from "../../src/entities";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource, TABLES } from "../../testing/dataSource";
import { columnsOf } from "../support/contract";

interface Column {
	name: string;
	type: string;
	nullable: "YES" | "NO";
}

let database: TestDatabase;
let dataSource: DataSource;

function storedColumns(table: string): Promise<Column[]> {
	return database.rows<Column>(
		`SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, IS_NULLABLE AS nullable FROM information_schema.COLUMNS
		WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
		[table],
	);
}

describe("the entities' metadata", () => {
	before(async () => {
		database = await createTestDatabase();
		dataSource = await openDataSource(database);
		await migrate(dataSource);
	});
	after(async () => {
		await dataSource.destroy();
		await database.drop();
	});

	it("says of every column whether it may be NULL, as the database does", async () => {
		for (const { tableName, columns, target } of dataSource.entityMetadatas) {
			const mappedNames = columns.map((column) => column.databaseName);
			// The application's table has columns that are no business of the module.
			const isMapped = ({ name }: Column) => target !== DashboardUser || mappedNames.includes(name);
			const found = (await storedColumns(tableName)).filter(isMapped);
			const stored = Object.fromEntries(found.map((column) => [column.name, column.nullable === "YES"]));
			const mapped = Object.fromEntries(columns.map((column) => [column.databaseName, column.isNullable]));
			assert.ok(found.length > 0, tableName);
			assert.deepEqual(mapped, stored, tableName);
		}
		assert.equal(dataSource.entityMetadatas.length, entities.length);
	});

	it("has the values of every ENUM, in the database's order", async () => {
		const enums = TABLES.flatMap(columnsOf).filter(({ type }) => type === "enum");
		const contract = Object.fromEntries(enums.map(({ place, values }) => [place, values]));
		const stored: Record<string, string[]> = {};
		const mapped: Record<string, unknown> = {};
		for (const { tableName, columns, target } of dataSource.entityMetadatas) {
			if (target === DashboardUser) continue;
			for (const { name, type } of await storedColumns(tableName)) {
				if (!type.startsWith("enum(")) continue;
				stored[`${tableName}.${name}`] = type.slice("enum('".length, -"')".length).split("','");
				mapped[`${tableName}.${name}`] = columns.find((column) => column.databaseName === name)?.enum;
			}
		}
		assert.deepEqual(stored, contract);
		assert.deepEqual(mapped, contract);
	});

	it("takes away from the database nothing of what it has", async () => {
		const { upQueries, downQueries } = await dataSource.driver.createSchemaBuilder().log();
		assert.deepEqual([...upQueries, ...downQueries], []);
	});

	it("would find a difference", async () => {
		await database.connection.query("ALTER TABLE workspaces MODIFY COLUMN cpu_limit VARCHAR(20) NULL DEFAULT '2'");
		const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
		await database.connection.query("ALTER TABLE workspaces MODIFY COLUMN cpu_limit VARCHAR(20) NULL DEFAULT '1'");
		assert.ok(upQueries.some(({ query }) => query.includes("cpu_limit")));
	});
});
