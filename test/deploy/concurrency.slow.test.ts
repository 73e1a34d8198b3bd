import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import type { MigrationReport } from "../../src";
import { acquireLock, lockName } from "../../src/deploy/lock";
import { migrations } from "../../src/migrations";
import type { DataSourceSettings } from "../../src/settings/settings";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource, withDataSource } from "../../testing/dataSource";
import { installOldDashboard } from "../../testing/oldDashboard";
import { type Gate, startGate, startProxy } from "../../testing/proxy";
import { startTypeorm } from "../support/processes";
import { recordTemplate, resetTo, stateOf, type Template } from "../support/snapshot";

const WAITS = /another run migrates/;

/** One run on a pool of one connection; gives its report. */
function run(database: TestDatabase, settings: DataSourceSettings = {}): Promise<MigrationReport | undefined> {
	return withDataSource(database, { poolSize: 1, ...settings }, async (dataSource) => {
		await dataSource.runMigrations();
		return dataSource.migrationReport;
	});
}

async function revert(database: TestDatabase): Promise<void> {
	await withDataSource(database, { poolSize: 1 }, (dataSource) => dataSource.undoLastMigration());
}

/** So many runs at once; calls `onceAllWait` as soon as each of them has said that it waits for another. */
function runMany(
	database: TestDatabase,
	count: number,
	onceAllWait: () => void,
): Promise<(MigrationReport | undefined)[]> {
	let waiting = 0;
	const log = (line: string) => {
		if (WAITS.test(line) && ++waiting === count) onceAllWait();
	};
	return Promise.all(Array.from({ length: count }, () => run(database, { log })));
}

describe("runs at the same time", () => {
	let database: TestDatabase;
	let gate: Gate;
	let adopted: Template;
	let wanted: unknown;
	let wantedStructure: unknown;

	before(async () => {
		adopted = await recordTemplate((empty) => installOldDashboard(empty));
		database = await createTestDatabase();
		await resetTo(adopted, database);
		await run(database);
		wanted = await stateOf(database);
		wantedStructure = await stateOf(database, { sameIds: false });
	});
	beforeEach(async () => {
		await resetTo(adopted, database);
		await gate?.close();
		gate = await startGate(database);
	});
	after(async () => {
		await gate.close();
		await database.drop();
	});

	it("leave the work to one of 21; the others wait and find nothing to do", async () => {
		const leader = run(gate.database);
		await gate.holds(leader);
		const reports = await runMany(database, 20, gate.letGo).finally(gate.letGo);
		assert.deepEqual(
			reports.filter((report) => report),
			[],
		);
		assert.equal((await leader)?.migrations.length, migrations.length);
		assert.deepEqual(await stateOf(database), wanted);
	});

	it("exit with 0 as processes of TypeORM's own command line", async () => {
		const leader = startTypeorm(gate.database, "migration:run");
		await gate.holds(leader.outcome);
		let waiting = 0;
		const proxy = await startProxy(database, (_, sql) => {
			if (/GET_LOCK\('[^']+', [1-9]/.test(sql) && ++waiting === 3) gate.letGo();
			return "forward";
		});
		const through = { ...database, host: "127.0.0.1", port: proxy.port };
		const followers = Array.from({ length: 3 }, () => startTypeorm(through, "migration:run").outcome);
		const outcomes = await Promise.all(followers).finally(gate.letGo);
		await proxy.close();
		for (const { code, output } of outcomes) {
			assert.equal(code, 0, output);
			assert.match(output, WAITS);
			assert.match(output, /No migrations are pending: another run did them/);
		}
		const { code, output } = await leader.outcome;
		assert.equal(code, 0, output);
		assert.match(output, new RegExp(`${migrations.length} migrations: `));
		assert.deepEqual(await stateOf(database), wanted);
	});

	it("follow a holder that was killed at once", async () => {
		const leader = startTypeorm(gate.database, "migration:run");
		await gate.holds(leader.outcome);
		const kill = () => void leader.child.kill("SIGKILL");
		const reports = await runMany(database, 3, kill).finally(kill);
		assert.equal((await leader.outcome).signal, "SIGKILL");
		assert.equal(reports.filter((report) => report?.migrations.length === migrations.length).length, 1);
		assert.equal(reports.filter((report) => report === undefined).length, 2);
		assert.deepEqual(await stateOf(database), wanted);
	});

	it("give up after the lock's timeout, naming the session that holds it, and change nothing", async () => {
		const before = await stateOf(database);
		const leader = run(gate.database);
		await gate.holds(leader);
		const [holder] = await database.rows<{ id: number }>("SELECT IS_USED_LOCK(?) AS id", [lockName(database.name)]);
		// MySQL cannot list sessions through information_schema while one sends a character of four bytes.
		const busy = await openDataSource(database);
		const sleeping = busy.query("SELECT SLEEP(3), '🚀'");
		const follower = run(database, { lockTimeout: 1 });
		await assert.rejects(follower, new RegExp(`gave up after 1 s: .*${database.name}.*session ${holder?.id} `));
		assert.deepEqual(await stateOf(database), before);
		gate.letGo();
		assert.ok(await leader);
		assert.deepEqual(await stateOf(database), wanted);
		await sleeping;
		await busy.destroy();
	});

	it("do not wait for a run on another database, be it one whose name differs in case alone", async () => {
		const other = await createTestDatabase();
		const upper = database.name.toUpperCase();
		const leader = run(gate.database);
		try {
			await gate.holds(leader);
			const lines: string[] = [];
			const report = await run(other, { lockTimeout: 0, log: (line) => void lines.push(line) });
			assert.equal(report?.migrations.length, migrations.length);
			assert.doesNotMatch(lines.join(), WAITS);
			await other.connection.query(`CREATE DATABASE ${upper}`);
			await withDataSource({ ...database, name: upper }, {}, async (dataSource) => {
				const queryRunner = dataSource.createQueryRunner();
				const onProgress = () => assert.fail("nobody holds it");
				await (await acquireLock(queryRunner, { timeout: 0, onProgress })).release();
				await queryRunner.release();
			});
		} finally {
			gate.letGo();
			await other.connection.query(`DROP DATABASE IF EXISTS ${upper}`);
			await other.drop();
		}
		assert.ok(await leader);
	});

	it("mix with reverts, of which none fails either", async () => {
		await run(database);
		for (let round = 0; round < 3; round++) {
			await Promise.all([revert(database), run(database), revert(database), run(database), run(database)]);
		}
		await revert(database);
		assert.ok(await run(database), "reverts revert");
		assert.deepEqual(await stateOf(database, { sameIds: false }), wantedStructure);
	});
});
