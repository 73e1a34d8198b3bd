import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { QueryRunner } from "typeorm";
import type { WorkspacesDataSource } from "../../src/dataSource";
import { acquireLease, LEASE_TABLE } from "../../src/deploy/lease";
import type { DeployLock } from "../../src/deploy/lock";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource } from "../../testing/dataSource";

const NAME = "some-lock";

describe("the lease that holds on every node of a cluster", () => {
	let database: TestDatabase;
	let dataSource: WorkspacesDataSource;
	let first: QueryRunner;
	let second: QueryRunner;
	const waits: string[] = [];

	const acquire = (queryRunner: QueryRunner, timeout = 0): Promise<DeployLock> =>
		acquireLease(queryRunner, NAME, { timeout, onWait: (message) => void waits.push(message) });
	const leases = () => database.rows<{ holder: string }>(`SELECT holder FROM ${LEASE_TABLE} WHERE name = ?`, [NAME]);
	const expire = () => database.rows(`UPDATE ${LEASE_TABLE} SET expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND`);

	beforeEach(async () => {
		waits.length = 0;
		database = await createTestDatabase();
		dataSource = await openDataSource(database);
		first = dataSource.createQueryRunner();
		second = dataSource.createQueryRunner();
	});
	afterEach(async () => {
		await first.release();
		await second.release();
		await dataSource.destroy();
		await database.drop();
	});

	it("is one session's; another gives up after its timeout", async () => {
		await acquire(first);
		const [held] = await leases();
		await assert.rejects(acquire(second), new RegExp(`gave up after 0 s: .* holds ${LEASE_TABLE}`));
		assert.deepEqual(waits, [], "it did not wait");
		assert.deepEqual(await leases(), [held]);
	});

	it("goes to the one that waits as soon as it is released", async () => {
		const lease = await acquire(first);
		const waiting = acquire(second, 60);
		while (!waits.length) await database.rows("SELECT 1");
		assert.deepEqual(waits, ["a run on another node of the cluster migrates; waiting up to 60 s"]);
		await lease.release();
		await (await waiting).release();
		assert.deepEqual(await leases(), []);
	});

	it("is taken over once it has expired, and its old holder stops before its next statement", async (t) => {
		t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
		const lost = await acquire(first);
		await expire();
		await acquire(second);
		const [held] = await leases();
		await first.query("CREATE TABLE made_in_time (id INT)");
		t.mock.timers.tick(6_000);
		await assert.rejects(first.query("CREATE TABLE made_too_late (id INT)"), /another run took over the lease/);
		const made = await database.rows("SHOW TABLES LIKE 'made%'");
		assert.equal(made.length, 1, "what came too late was not executed");
		await lost.release();
		assert.deepEqual(await leases(), [held], "the new holder's lease is not the old one's to release");
	});

	it("is renewed by the statements of its holder", async (t) => {
		t.mock.timers.enable({ apis: ["Date"], now: Date.now() });
		await acquire(first);
		await expire();
		t.mock.timers.tick(6_000);
		await first.query("SELECT 1");
		t.mock.timers.reset();
		await assert.rejects(acquire(second), /gave up/);
	});
});
