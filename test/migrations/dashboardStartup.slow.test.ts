import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type Connection, createConnection } from "mysql2/promise";
import { migrate } from "../../src";
import { migrations } from "../../src/migrations";
import type { TestDatabase } from "../../testing/database";
import { withDatabase } from "../../testing/dataSource";
import { installOldDashboard, type OldDashboard, startOldDashboard } from "../../testing/oldDashboard";
import { describeFreshSchema, describeSchema, dumpRows } from "../support/snapshot";

/** How often a run and two dashboards start at the same time. */
const ROUNDS = 10;
const DEADLOCK = 1213;

const DATABASES: Readonly<Record<string, OldDashboard | undefined>> = {
	"an empty database": undefined,
	"an older one": {},
	"one made from the early draft": { draft: true, explicitTimestamps: false },
};

let fresh: Awaited<ReturnType<typeof describeSchema>>;

/** The schema of a fresh database, and one global row: the administrator's where there was one. */
async function assertRight(database: TestDatabase, old: OldDashboard | undefined): Promise<void> {
	assert.deepEqual(await describeSchema(database), fresh);
	const { resource_limits: limits } = await dumpRows(database);
	const global = limits?.filter((row) => row["user_id"] === null) ?? [];
	assert.equal(global.length, 1);
	assert.equal(global[0]?.["max_workspaces"], old ? 9 : 2);
}

/** Starts a dashboard again and again, on a connection of its own, until the run is over. */
async function keepStarting(database: TestDatabase, isOver: () => boolean): Promise<number> {
	const { host, port, username: user, password, name } = database;
	const connection: Connection = await createConnection({ host, port, user, password, database: name });
	try {
		let starts = 0;
		while (starts === 0 || !isOver()) {
			const error = await startOldDashboard(connection).catch((reason: unknown) => reason);
			if (!error) starts++;
			// MySQL now and then takes a CREATE TABLE of the dashboard's for a deadlock's victim: its container starts anew.
			else if ((error as { errno?: number }).errno !== DEADLOCK) throw error;
		}
		return starts;
	} finally {
		await connection.end();
	}
}

describe("the dashboard's own start-up code", () => {
	before(async () => {
		fresh = await describeFreshSchema();
	});

	for (const [name, old] of Object.entries(DATABASES)) {
		it(`may run before and after a run, any number of times, on ${name}`, () =>
			withDatabase(async (database, dataSource) => {
				if (old) await installOldDashboard(database, old);
				for (let start = 0; start < 3; start++) await startOldDashboard(database.connection);
				const { migrations: run } = await migrate(dataSource);
				assert.equal(run.length, migrations.length);
				await assertRight(database, old);
				const rows = await dumpRows(database);
				for (let start = 0; start < 3; start++) await startOldDashboard(database.connection);
				assert.deepEqual((await migrate(dataSource)).migrations, []);
				await assertRight(database, old);
				assert.deepEqual(await dumpRows(database), rows);
			}));

		for (let round = 1; round <= ROUNDS; round++) {
			it(`may run twice at the same time as a run on ${name}, round ${round}`, () =>
				withDatabase(async (database, dataSource) => {
					if (old) await installOldDashboard(database, old);
					let isOver = false;
					const dashboards = [1, 2].map(() => keepStarting(database, () => isOver));
					const run = migrate(dataSource).finally(() => {
						isOver = true;
					});
					const [result, ...starts] = await Promise.allSettled([run, ...dashboards]);
					assert.equal(result.status, "fulfilled", result.status === "rejected" ? String(result.reason) : "");
					assert.equal((await run).migrations.length, migrations.length);
					for (const start of starts) {
						assert.equal(start.status, "fulfilled", start.status === "rejected" ? String(start.reason) : "");
					}
					await assertRight(database, old);
				}));
		}
	}
});
