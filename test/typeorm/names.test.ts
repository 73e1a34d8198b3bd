import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DataSource, DefaultNamingStrategy } from "typeorm";
import { check, entities, migrate, migrations, plan, revert } from "../../src";
import { identify } from "../../src/mysql/server";
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
						/calls the table \w+ dployr_\w+: leave entityPrefix, and table names in a naming strategy, out of it$/,
				});
			}
		});
		const tables = await database.rows<Record<string, string>>("SHOW TABLES");
		assert.deepEqual(tables.flatMap(Object.values), ["dashboard_users"]);
	});
}

test("a server is known by its version, its comment and how it keeps names", () => {
	const row = { version: "10.11.6-MariaDB-log", comment: "Debian", lowerCaseNames: "1" };
	assert.deepEqual(identify(row), { type: "mariadb", version: "10.11.6", hasLowerCaseNames: true });
	assert.deepEqual(identify({ ...row, version: "5.5.5-10.6.1-MariaDB", lowerCaseNames: 0 }), {
		type: "mariadb",
		version: "10.6.1",
		hasLowerCaseNames: false,
	});
	assert.deepEqual(identify({ ...row, version: "8.0.36", comment: "", lowerCaseNames: 2 }), {
		type: "mysql",
		version: "8.0.36",
		hasLowerCaseNames: false,
	});
	const refused = (version: string, comment: string, message: RegExp) =>
		assert.throws(() => identify({ version, comment, lowerCaseNames: 0 }), { code: "CONNECTION_FAILED", message });
	refused(
		"5.7.44",
		"",
		/^The server is MySQL 5.7.44, which is not supported: use MariaDB 10.6 or MySQL 8.0, or a later/,
	);
	refused("10.5.1-MariaDB", "", /MariaDB 10.5.1/);
	refused("8.0.11", "TiDB Server", /TiDB \(8.0.11\)/);
	refused("strange", "", /MySQL strange/);
});
