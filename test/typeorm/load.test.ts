import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createConnection } from "mysql2/promise";
import { TooManyConnectionsError } from "../../src";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";

const PASSWORD = "limited";

let database: TestDatabase;
let username: string;

/** An account that may have three connections at a time. */
before(async () => {
	database = await createTestDatabase();
	username = database.name.slice(0, 20);
	await database.rows(
		`CREATE USER ${username} IDENTIFIED BY '${PASSWORD}' WITH MAX_USER_CONNECTIONS 3; ` +
			`GRANT ALL ON ${database.name}.* TO ${username}`,
	);
});
after(async () => {
	await database.rows(`DROP USER ${username}`);
	await database.drop();
});

test("callers wait for a connection where the server admits fewer than the pool would open", async () => {
	await withDataSource(database, { username, password: PASSWORD, poolSize: 10 }, async (dataSource) => {
		const calls = Array.from({ length: 40 }, (_, number) =>
			dataSource.query<object[]>(`SELECT ${number} AS number, SLEEP(0.02) AS slept`),
		);
		const answers = (await Promise.all(calls)).flat() as { number: number | string }[];
		assert.deepEqual(
			answers.map(({ number }) => Number(number)),
			Array.from({ length: 40 }, (_, number) => number),
		);
	});
});

test("where none becomes free in time, the error has a code, and the next call works when one is free again", async () => {
	const settings = { username, password: PASSWORD, acquireTimeout: 1 };
	await withDataSource(database, settings, async (dataSource) => {
		const { host, port } = database;
		const others = await Promise.all(
			[1, 2].map(() => createConnection({ host, port, user: username, password: PASSWORD })),
		);
		const queryRunner = dataSource.createQueryRunner();
		await queryRunner.connect();
		const error: unknown = await dataSource.query("SELECT 1").catch((reason: unknown) => reason);
		await Promise.all(others.map((other) => other.end()));
		await queryRunner.release();
		assert.ok(error instanceof TooManyConnectionsError, String(error));
		assert.equal(error.code, "TOO_MANY_CONNECTIONS");
		assert.match(error.message, /^The database server admits no further connection: /);
		assert.ok(error.cause instanceof Error);
		assert.deepEqual(await dataSource.query("SELECT 'free' AS connection"), [{ connection: "free" }]);
	});
});

test("a caller does not wait for ever for a pool whose connections are all held", async () => {
	await withDataSource(database, { poolSize: 2, acquireTimeout: 1 }, async (dataSource) => {
		const holders = [dataSource.createQueryRunner(), dataSource.createQueryRunner()];
		for (const holder of holders) await holder.startTransaction();
		const error: unknown = await dataSource.query("SELECT 1").catch((reason: unknown) => reason);
		const late = dataSource.query("SELECT 'late' AS answer");
		await sleep(300);
		for (const holder of holders) await holder.release();
		assert.ok(error instanceof TooManyConnectionsError, String(error));
		assert.match(error.message, /^No connection became free within 1 s, since all 2 are in use: .*DB_POOL_SIZE$/);
		assert.deepEqual(await late, [{ answer: "late" }]);
		assert.deepEqual(await dataSource.query("SELECT 'next' AS answer"), [{ answer: "next" }]);
	});
});
