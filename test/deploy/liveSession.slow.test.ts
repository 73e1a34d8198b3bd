import assert from "node:assert/strict";
import { test } from "node:test";
import { DataSource } from "typeorm";
import { entities, migrate, migrations } from "../../src";
import { createTestDatabase } from "../../testing/database";
import { startProxy } from "../../testing/proxy";

test("a run on an application's own DataSource ends with a code where the network goes silent", {
	timeout: 60_000,
}, async () => {
	const database = await createTestDatabase();
	let isOver = false;
	const proxy = await startProxy(database, (_, sql) => {
		if (isOver || !sql.includes("GET_LOCK")) return "forward";
		isOver = true;
		return "silence after";
	});
	const { host, username, password, name } = database;
	const [{ version }] = (await database.rows("SELECT VERSION() AS version")) as [{ version: string }];
	const type = /mariadb/i.test(version) ? "mariadb" : "mysql";
	const settings = { type, host, port: proxy.port, username, password, database: name, entities, migrations } as const;
	const dataSource = await new DataSource({ ...settings, logging: false }).initialize();
	try {
		await assert.rejects(migrate(dataSource), { name: "ConnectionLostError", code: "CONNECTION_LOST" });
		assert.ok(isOver, "it went silent");
	} finally {
		await dataSource.destroy();
		await proxy.close();
		await database.drop();
	}
});
