import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DataSource, DefaultNamingStrategy } from "typeorm";
import { check, entities, migrate, migrations, plan, revert } from "../../src";
import { createTestDatabase, DASHBOARD_USERS_SQL, type TestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";

class Prefixing extends DefaultNamingStrategy {
	override tableName(target: string, given?: string): string {
		return `dployr_${given ?? target}`;
	}
}

let database: TestDatabase;

async function withPlain(options: object, work: (host: DataSource) => Promise<void>): Promise<void> {
	const { url, connection } = database;
	const [[row]] = (await connection.query("SELECT VERSION() AS version")) as unknown as [[{ version: string }]];
	const type = /mariadb/i.test(row.version) ? "mariadb" : "mysql";
	const host = await new DataSource({ type, url, entities, migrations, ...options }).initialize();
	try {
		await work(host);
	} finally {
		await host.destroy();
	}
}

before(async () => {
	database = await createTestDatabase();
});
after(() => database.drop());

test("a database may have an apostrophe in its name", async () => {
	const name = `${database.name}'s "own"`;
	await database.connection.query(`CREATE DATABASE \`${name}\`; USE \`${name}\`; ${DASHBOARD_USERS_SQL}`);
	try {
		await withDataSource(database, { database: name }, async (dataSource) => {
			const before = await dataSource.driver.createSchemaBuilder().log();
			assert.ok(before.upQueries.some(({ query }) => query.startsWith("CREATE TABLE `workspaces`")));
			await dataSource.runMigrations();
			const after = await dataSource.driver.createSchemaBuilder().log();
			assert.deepEqual(
				after.upQueries.map(({ query }) => query),
				[],
			);
			assert.deepEqual(
				(await check(dataSource)).items.filter(({ ok }) => !ok),
				[],
			);
			await dataSource.undoLastMigration();
		});
	} finally {
		await database.connection.query(`DROP DATABASE \`${name}\`; USE ${database.name}`);
	}
});

for (const [what, options] of [
	["entityPrefix", { entityPrefix: "dployr_" }],
	["a naming strategy", { namingStrategy: new Prefixing() }],
] as const) {
	test(`an application's DataSource that renames the tables with ${what} is refused by name`, async () => {
		await withPlain(options, async (host) => {
			for (const work of [migrate, revert, plan, check]) {
				await assert.rejects(work(host), {
					code: "OPERATION_REFUSED",
					message:
						/renames the table \w+ to dployr_\w+: remove its entityPrefix, or the names of tables from its naming strategy$/,
				});
			}
		});
		const tables = await database.rows<Record<string, string>>("SHOW TABLES");
		assert.deepEqual(tables.flatMap(Object.values), ["dashboard_users"]);
	});
}
