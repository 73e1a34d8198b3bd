import assert from "node:assert/strict";
import { test } from "node:test";
import { openSideConnection } from "../../src/deploy/sideConnection";
import { createTestDatabase } from "../../testing/database";
import { openDataSource } from "../../testing/dataSource";

test("the connection beside the pool's logs in as the pool does, with its password", async () => {
	const database = await createTestDatabase();
	const name = database.name.slice(0, 20);
	await database.rows(`CREATE USER ${name} IDENTIFIED BY 'own'; GRANT ALL ON ${database.name}.* TO ${name}`);
	try {
		const dataSource = await openDataSource(database, { username: name, password: "own" });
		const side = openSideConnection(dataSource);
		try {
			const [row] = await side.query<{ user: string; name: string }[]>(
				"SELECT CURRENT_USER() AS user, DATABASE() AS name",
			);
			assert.deepEqual(row, { user: `${name}@%`, name: database.name });
		} finally {
			side.close();
			await dataSource.destroy();
		}
	} finally {
		await database.rows(`DROP USER ${name}`);
		await database.drop();
	}
});
