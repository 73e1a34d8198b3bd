import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { WorkspacesDataSource } from "../../src";
import type { DeployLock } from "../../src/deploy/deployLock";
import { acquireLease, LEASE_TABLE } from "../../src/deploy/lease";
import { LockLostError, LockTimeoutError } from "../../src/errors";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource } from "../../testing/dataSource";

const NAME = "some-lock";

/** On one server the lease is a row like any other; a cluster adds that two nodes cannot both change it. */
describe("the lease that holds on every node of a cluster", () => {
	let database: TestDatabase;
	let dataSource: WorkspacesDataSource;
	const waits: string[] = [];
	const held: DeployLock[] = [];

	async function acquire(timeout = 0): Promise<DeployLock> {
		const onProgress = (event: { kind: string }) => void waits.push(event.kind);
		const lease = await acquireLease(dataSource, { name: NAME, database: database.name, timeout, onProgress });
		held.push(lease);
		return lease;
	}
	const leases = () => database.rows<{ holder: string; beat: number }>(`SELECT holder, beat FROM ${LEASE_TABLE}`);

	beforeEach(async () => {
		waits.length = 0;
		database = await createTestDatabase();
		dataSource = await openDataSource(database);
	});
	afterEach(async () => {
		for (const lease of held.splice(0)) await lease.release().catch(() => undefined);
		await dataSource.destroy();
		await database.drop();
	});

	it("is one run's; another gives up after its timeout", async () => {
		await acquire();
		const before = await leases();
		await assert.rejects(acquire(), LockTimeoutError);
		assert.deepEqual(await leases(), before);
	});

	it("goes to the one that waits as soon as it is released", async () => {
		const lease = await acquire();
		const waiting = acquire(60);
		while (!waits.length) await database.rows("SELECT 1");
		await lease.release();
		const next = await waiting;
		assert.equal((await leases()).length, 1);
		await next.release();
		assert.deepEqual(await database.rows(`SHOW TABLES LIKE '${LEASE_TABLE}'`), []);
	});

	it("ends the run that lost it before its next statement, and is not its to release", async () => {
		const lost = await acquire();
		await database.rows(`UPDATE ${LEASE_TABLE} SET holder = 'another'`);
		await assert.rejects(async () => {
			for (const end = Date.now() + 30_000; Date.now() < end; await sleep(100)) await lost.ensureHeld();
		}, LockLostError);
		await lost.release();
		assert.deepEqual(
			(await leases()).map(({ holder }) => holder),
			["another"],
		);
	});

	it("goes on over another connection where its own is lost", async () => {
		const lease = await acquire();
		const [self] = await database.rows<{ id: number }>("SELECT CONNECTION_ID() AS id");
		const sessions = await database.rows<{ Id: number; db: string | null }>("SHOW PROCESSLIST");
		const others = sessions.filter(({ Id, db }) => db === database.name && Number(Id) !== Number(self?.id));
		assert.ok(others.length > 0);
		for (const { Id } of others) await database.rows(`KILL ${Id}`);
		await lease.release();
		assert.deepEqual(await database.rows(`SHOW TABLES LIKE '${LEASE_TABLE}'`), []);
	});

	it("is given back by a user who may not drop its table", async () => {
		const user = `lease_${database.name.slice(-8)}`;
		await database.rows(`CREATE USER ${user}@'%' IDENTIFIED BY 'Lease-1-lease'`);
		try {
			await database.rows(`GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON ${database.name}.* TO ${user}@'%'`);
			const restricted = await openDataSource(database, { username: user, password: "Lease-1-lease" });
			try {
				const options = { name: NAME, database: database.name, timeout: 0, onProgress: () => undefined };
				await (await acquireLease(restricted, options)).release();
			} finally {
				await restricted.destroy();
			}
			assert.deepEqual(await leases(), []);
		} finally {
			await database.rows(`DROP USER ${user}@'%'`);
		}
	});
});
