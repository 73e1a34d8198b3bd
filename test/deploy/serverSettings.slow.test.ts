import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { compareEntities } from "../../scripts/migrations/generate";
import { check, migrate, plan, revert } from "../../src";
import { createTestDatabase, DASHBOARD_USERS_SQL, type TestDatabase } from "../../testing/database";
import { withDatabase, withDataSource } from "../../testing/dataSource";
import { installOldDashboard } from "../../testing/oldDashboard";
import { type PrivateServer, startPrivateServer, testOn } from "../support/privateServer";

/** Names that some part of a statement would have to quote or to compare as the server does. */
const NAMES = ["o'brien", "Upper_Case", "with space", "100%_sure"];

/** Plans, runs, checks, generates and reverts on a database that was made for it, and leaves nothing of ours in it. */
async function thereAndBack(database: TestDatabase, isAdopted: boolean): Promise<void> {
	await withDataSource(database, {}, async (dataSource) => {
		assert.ok((await plan(dataSource)).steps.length > 0);
		await migrate(dataSource);
		const found = await check(dataSource);
		assert.ok(found.ok, JSON.stringify(found.items.filter((item) => !item.ok)));
		assert.equal(await compareEntities(dataSource), undefined, "there is nothing to generate");
		await revert(dataSource, { all: true, allowDataLoss: true });
	});
	const tables = await database.rows<Record<string, string>>("SHOW TABLES");
	assert.equal(tables.length, isAdopted ? 6 : 1);
}

/** Gives the work a database of this name beside the test's own. */
async function withNamed(name: string, work: (database: TestDatabase) => Promise<void>): Promise<void> {
	const database = await createTestDatabase();
	const quoted = `\`${name}\``;
	const { connection } = database;
	try {
		await connection.query(
			`CREATE DATABASE ${quoted} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; USE ${quoted}; ${DASHBOARD_USERS_SQL}`,
		);
		await work({ ...database, name });
	} finally {
		await connection.query(`DROP DATABASE IF EXISTS ${quoted}`);
		await database.drop();
	}
}

describe("a database with an odd name", () => {
	for (const name of NAMES) {
		it(`(${name}) is migrated, checked and reverted like any other`, () =>
			withNamed(name, async (database) => {
				await thereAndBack(database, false);
				await installOldDashboard(database);
				await thereAndBack(database, true);
			}));
	}
});

describe("a session with the server's defaults set to something else", () => {
	const SETTINGS: Record<string, string> = {
		"sql_safe_updates = 1": "sql_safe_updates",
		"foreign_key_checks = 0": "foreign_key_checks",
		"autocommit = 0": "autocommit",
		"sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'": "sql_mode",
		"sql_quote_show_create = 0": "sql_quote_show_create",
		"innodb_lock_wait_timeout = 1": "innodb_lock_wait_timeout",
	};
	for (const [setting, name] of Object.entries(SETTINGS)) {
		it(`(${setting}) changes nothing of what migrations mean, and is left as it was`, () =>
			withDatabase(async (database) => {
				await withDataSource(database, { poolSize: 1 }, async (dataSource) => {
					await dataSource.query(`SET SESSION ${setting}`);
					const [before] = await dataSource.query(`SELECT @@SESSION.${name} AS value`);
					await migrate(dataSource);
					await revert(dataSource, { all: true });
					assert.deepEqual(await dataSource.query(`SELECT @@SESSION.${name} AS value`), [before]);
				});
				assert.equal((await database.rows("SHOW TABLES")).length, 1);
			}));
	}
});

describe("a server that demands primary keys and compares names without regard to case", () => {
	let server: PrivateServer;
	let giveBack: () => void;
	before(async () => {
		server = await startPrivateServer([
			"--lower-case-table-names=1",
			"--loose-innodb-force-primary-key=1",
			"--loose-sql-require-primary-key=1",
		]);
		giveBack = testOn(server);
	});
	after(async () => {
		giveBack?.();
		await server?.remove();
	});

	for (const name of ["plain", ...NAMES]) {
		it(`takes a database named ${name} there and back`, () =>
			withNamed(name, async (database) => {
				await thereAndBack(database, false);
				await installOldDashboard(database);
				await thereAndBack(database, true);
			}));
	}
});
