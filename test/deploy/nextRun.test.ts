import assert from "node:assert/strict";
import { test } from "node:test";
import { check, IncompatibleSchemaError, migrate, migrations, plan } from "../../src";
import { examineServer } from "../../src/cli/doctorServer";
import { createTestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";

test("plan and check say every reason for which migrate would refuse, and migrate refuses", async () => {
	const database = await createTestDatabase();
	const username = database.name;
	const account = `'${username}'@'%'`;
	try {
		await database.connection.query(
			`CREATE USER ${account} IDENTIFIED BY 'p';
			GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER ON ${database.name}.* TO ${account}`,
		);
		const lacks = /lacks INDEX, REFERENCES on .*GRANT INDEX, REFERENCES ON/;
		await withDataSource(database, { username, password: "p" }, async (dataSource) => {
			const planned = await plan(dataSource);
			assert.equal(planned.migrations.length, migrations.length);
			assert.ok(planned.statements.length > 0);
			assert.match(planned.refusals.join("\n"), lacks);
			assert.match((await examineServer(dataSource)).problems.join("\n"), lacks);

			await database.rows("CREATE TABLE user_api_keys (id INT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT)");
			await assert.rejects(plan(dataSource), (error: unknown) => {
				assert.ok(error instanceof IncompatibleSchemaError);
				assert.match(error.problems[0] ?? "", lacks);
				assert.match(error.problems.slice(1).join("\n"), /user_api_keys/);
				return true;
			});
			const { ok, items } = await check(dataSource);
			const next = items.find(({ name }) => name === "next run");
			assert.deepEqual([ok, next?.ok], [false, false]);
			assert.match(items.find(({ name }) => name === "privileges")?.details.join("\n") ?? "", lacks);
			assert.match(next?.details.join("\n") ?? "", /lacks INDEX[\s\S]*user_api_keys/);
			await assert.rejects(migrate(dataSource), lacks);
		});
		await database.rows("DROP TABLE user_api_keys");
		await withDataSource(database, {}, async (dataSource) => {
			const { items } = await check(dataSource);
			const next = items.find(({ name }) => name === "next run");
			assert.match(next?.details.join() ?? "", /^would not be refused: \d+ steps$/);
			await dataSource.runMigrations();
			const names = (await check(dataSource)).items.map(({ name }) => name);
			assert.ok(!names.includes("next run") && names.includes("entities"));
		});
	} finally {
		await database.rows(`DROP USER IF EXISTS ${account}`);
		await database.drop();
	}
});
