import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DataSource, MigrationExecutor } from "typeorm";
import { MysqlDriver } from "typeorm/driver/mysql/MysqlDriver.js";
import { MysqlQueryRunner } from "typeorm/driver/mysql/MysqlQueryRunner.js";
import { RdbmsSchemaBuilder } from "typeorm/schema-builder/RdbmsSchemaBuilder.js";
import { WorkspacesDataSource } from "../../src";
import { WorkspacesDriver } from "../../src/typeorm/driver";
import { internalsOf, poolInternalsOf } from "../../src/typeorm/internals";
import { WorkspacesQueryRunner } from "../../src/typeorm/queryRunner";
import { WorkspacesSchemaBuilder } from "../../src/typeorm/schemaBuilder";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";

let database: TestDatabase;

before(async () => {
	database = await createTestDatabase();
});
after(() => database.drop());

type Class = { readonly name: string; readonly prototype: object };

/** Members of these classes that TypeORM's have not: all others must be overridden ones. */
const SUBCLASSES: readonly [Class, Class, readonly string[]][] = [
	[WorkspacesDataSource, DataSource, []],
	[WorkspacesDriver, MysqlDriver, []],
	[WorkspacesQueryRunner, MysqlQueryRunner, []],
	[WorkspacesSchemaBuilder, RdbmsSchemaBuilder, ["compare"]],
];

/** What is called of TypeORM's classes that is not public. */
const CALLED: readonly [Class, readonly string[]][] = [
	[MysqlQueryRunner, ["executeQueries", "getCachedTable", "buildCreateColumnSql", "escapePath"]],
	[MigrationExecutor, ["getExecutedMigrations", "getPendingMigrations", "executePendingMigrations"]],
];

for (const [subclass, parent, own] of SUBCLASSES) {
	test(`${parent.name} has every member that ${subclass.name} overrides`, () => {
		const members = Object.getOwnPropertyNames(subclass.prototype).filter((name) => name !== "constructor");
		assert.ok(members.length > 0);
		assert.deepEqual(
			members.filter((name) => !(name in parent.prototype)),
			own,
		);
	});
}

for (const [parent, members] of CALLED) {
	test(`${parent.name} has what is called of it`, () => {
		for (const name of members) assert.equal(typeof Reflect.get(parent.prototype, name), "function", name);
	});
}

test("TypeORM's driver connects through the member that is overridden, and has the pool for itself", () => {
	const { connect, obtainMasterConnection, disconnect } = MysqlDriver.prototype;
	assert.match(String(connect), /this\.createPool\(/);
	assert.match(String(obtainMasterConnection), /this\.pool\b/);
	assert.match(String(disconnect), /this\.pool\b/);
});

test("mysql2's connections and pools have what is used of them beside their types", async () => {
	await withDataSource(database, {}, async (dataSource) => {
		const connection = await dataSource.driver.obtainMasterConnection();
		const { stream, lastActiveTime } = internalsOf(connection);
		assert.equal(typeof stream.destroySoon, "function");
		assert.ok(Math.abs(lastActiveTime - Date.now()) < 60_000);
		assert.ok(!internalsOf(connection)._command, "nothing is being answered");
		const answer = connection.promise().query("SELECT 1");
		assert.ok(internalsOf(connection)._command, "a statement is");
		const before = stream.bytesRead;
		await answer;
		assert.ok(stream.bytesRead > before);
		assert.ok(!internalsOf(connection)._command, "it is answered");
		connection.release();
		const { pool } = dataSource.driver as unknown as { pool: Parameters<typeof poolInternalsOf>[0] };
		const { connectionConfig } = poolInternalsOf(pool).config;
		assert.equal(connectionConfig.connectTimeout, 10_000);
		const { config } = connection as unknown as { config: object };
		for (const name of ["password", "ssl"]) {
			assert.ok(name in connectionConfig && name in config, name);
			assert.deepEqual(
				[connectionConfig, config].filter((holder) => Object.keys(holder).includes(name)),
				[],
				name,
			);
		}
	});
});
