import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, createConnection } from "mysql2/promise";
import { DataSource } from "typeorm";
import { check, entities, migrate, migrations, plan, revert } from "../../src";
import { ERROR, hasNumber } from "../../src/mysql/errorNumbers";
import { variableSql } from "../../src/mysql/session";
import { fakeWorkspaces } from "../../src/testing";
import { makersOf } from "../../src/testing/makers";
import { createTestDatabase, DASHBOARD_USERS_SQL, type TestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";
import { installOldDashboard } from "../../testing/oldDashboard";
import { startGate } from "../../testing/proxy";
import { repositoriesOf } from "../repositories/context";
import { type PrivateServer, startPrivateServer, testOn } from "../support/privateServer";
import { outcomesOn, SCENARIOS } from "../support/scenarios";
import { describeSchema } from "../support/snapshot";
import { type Defaults, HARMLESS, REFUSED } from "./serverDefaults";

const USER = { username: "application", password: "x" };
/**
 * What a server answers that does not know a variable, or cannot have it changed: of sessions only, wrong value, wrong
 * type, read only; unknown engine, character set, collation; no such syntax.
 */
const UNKNOWN = [ERROR.UNKNOWN_SYSTEM_VARIABLE, 1229, 1231, 1232, 1238, 1286, 1115, 1273, 1064];

describe("whatever the sessions of a server begin with", () => {
	let server: PrivateServer;
	let giveBack: () => void;
	/** Opened before anything was set. */
	let administrator: Connection;
	let fresh: unknown;
	const wanted: Record<string, Record<string, unknown>> = {};

	before(async () => {
		server = await startPrivateServer();
		giveBack = testOn(server);
		administrator = await createConnection({ uri: server.url, supportBigNumbers: true, bigNumberStrings: true });
		await administrator.query(`CREATE USER ${USER.username} IDENTIFIED BY '${USER.password}'`);
		for (const name of Object.keys(SCENARIOS)) wanted[name] = await outcomesOn(fakeWorkspaces(), name);
		await withUsers(async (database) => {
			await withDataSource(database, {}, (dataSource) => migrate(dataSource));
			fresh = await describeFrom(administrator, database);
		});
	});
	after(async () => {
		giveBack?.();
		await administrator?.end();
		await server?.remove();
	});

	/** Sets what the server has of these, and sets it back; how many it has. */
	async function withDefaults(defaults: Defaults, work: () => Promise<void>): Promise<number> {
		const changed: [name: string, before: unknown][] = [];
		try {
			for (const [name, value] of Object.entries(defaults)) {
				try {
					const [[row]] = (await administrator.query(`SELECT @@GLOBAL.${name} AS value`)) as unknown as [
						{ value: unknown }[],
					];
					await administrator.query(`SET GLOBAL ${name} = ${valueSql(value)}`);
					changed.push([name, row?.value]);
				} catch (error) {
					if (!hasNumber(error, ...UNKNOWN)) throw error;
				}
			}
			if (changed.length > 0) await work();
		} finally {
			for (const [name, before] of changed.reverse()) {
				await administrator.query(`SET GLOBAL ${name} = ${valueSql(before)}`);
			}
		}
		return changed.length;
	}

	/** A database of the user's with the dashboard's users in it; its own connection is as if nothing were set. */
	async function withUsers(work: (database: TestDatabase) => Promise<void>): Promise<void> {
		const database = await createTestDatabase({ dashboardUsers: false });
		try {
			await administrator.query(`USE ${database.name}`);
			await administrator.query(`GRANT ALL ON ${database.name}.* TO ${USER.username}`);
			await administrator.query(DASHBOARD_USERS_SQL);
			await work({ ...database, ...USER, connection: administrator, rows: rowsFrom(administrator) });
		} finally {
			await administrator.query("USE mysql");
			await database.drop();
		}
	}

	for (const [name, defaults] of Object.entries(HARMLESS)) {
		it(`(${name}), migrations and repositories do as ever`, async (context) => {
			const known = await withDefaults(defaults, async () => {
				await withUsers(async (database) => {
					await withDataSource(database, { poolSize: 3 }, async (own) => {
						assert.ok((await plan(own)).steps.length > 0);
						await migrate(own);
						assert.deepEqual(await describeFrom(administrator, database), fresh);
						await assertUpToDate(own);
						await assertScenarios(own, own, wanted);
						await revert(own, { all: true, allowDataLoss: true });
					});
					assert.deepEqual(await tables(database), ["dashboard_users"]);
					await withApplication(database, async (application) => {
						assert.ok((await plan(application)).steps.length > 0);
						await migrate(application);
						assert.deepEqual(await describeFrom(administrator, database), fresh);
						await assertUpToDate(application);
						await withDataSource(database, {}, (own) => assertScenarios(application, own, wanted));
						await revert(application, { all: true, allowDataLoss: true });
					});
					assert.deepEqual(await tables(database), ["dashboard_users"]);
				});
				await withUsers(async (database) => {
					await installOldDashboard(database);
					await withDataSource(database, {}, async (own) => {
						await migrate(own);
						await assertUpToDate(own);
						await revert(own, { all: true });
					});
					assert.equal((await tables(database)).length, 6);
				});
			});
			context.diagnostic(`${known} of ${Object.keys(defaults).length} set`);
		});
	}

	for (const [name, defaults, ofOwn, ofApplication] of REFUSED) {
		it(`(${name}), a run is refused by name and changes nothing`, async () => {
			await withUsers(async (database) => {
				await withDefaults(defaults, async () => {
					const own = withDataSource(database, {}, (dataSource) => migrate(dataSource));
					await assert.rejects(own, ({ code }) => assert.match(code, ofOwn) ?? true);
					const application = withApplication(database, (dataSource) => migrate(dataSource));
					await assert.rejects(application, ({ code }) => assert.match(code, ofApplication) ?? true);
				});
				assert.deepEqual(await tables(database), ["dashboard_users"]);
			});
		});
	}

	it("(nothing is committed), an application's write is refused and taken back, and migrations run", async () => {
		await withUsers(async (database) => {
			await withDefaults({ autocommit: 0 }, async () => {
				await withDataSource(database, {}, async (own) => {
					await withApplication(database, (application) => migrate(application));
					await assertUpToDate(own);
					await assertScenarios(own, own, wanted);
					await withApplication(database, async (application) => {
						const { workspaces } = repositoriesOf(application);
						const { id: userId } = await makersOf(async () => own).user();
						const refused = workspaces.createWithinLimit({ userId, projectName: "p" });
						await assert.rejects(refused, { code: "OPERATION_REFUSED", message: /autocommit/ });
						await application.transaction(async (manager) => {
							await manager.withRepository(workspaces).createWithinLimit({ userId, projectName: "q" });
						});
						const { workspaces: seen } = repositoriesOf(own);
						assert.deepEqual(
							(await seen.listByUser(userId)).map(({ projectName }) => projectName),
							["q"],
						);
					});
				});
			});
		});
	});

	it("(statements of half a second at most), a run waits for another one as long as that takes", async () => {
		await withUsers(async (database) => {
			await withDefaults({ max_statement_time: 0.5, max_execution_time: 500 }, async () => {
				const gate = await startGate(database);
				const first = withDataSource(gate.database, {}, (own) => migrate(own));
				await gate.holds(first);
				let isOver = false;
				const others = Promise.all([
					withDataSource(database, {}, (own) => migrate(own)),
					withApplication(database, (application) => migrate(application)),
				]).finally(() => {
					isOver = true;
				});
				await sleep(1_500);
				assert.equal(isOver, false);
				gate.letGo();
				const { migrations: done } = await first;
				assert.deepEqual(
					(await others).flatMap(({ migrations: late }) => late),
					[],
				);
				assert.ok(done.length > 0);
				await gate.close();
			});
		});
	});

	it("(read-only transactions), an application's write is refused by name", async () => {
		await withUsers(async (database) => {
			await withDefaults({ transaction_read_only: 1, tx_read_only: 1 }, async () => {
				await withApplication(database, async (application) => {
					await migrate(application);
					const { workspaces } = repositoriesOf(application);
					await assert.rejects(workspaces.createWithinLimit({ userId: 1, projectName: "p" }), { code: "READ_ONLY" });
				});
				await withDataSource(database, {}, (own) => assertScenarios(own, own, wanted));
			});
		});
	});
});

/** As the server takes it: a number of 64 bits is read as text. */
function valueSql(value: unknown): string {
	return value === null ? "NULL" : variableSql(String(value));
}

const rowsFrom =
	(connection: Connection) =>
	async <Row>(sql: string, values?: unknown[]) =>
		(await connection.query(sql, values))[0] as Row[];

/** Everything of the tables but the format in which MariaDB stores times. */
async function describeFrom(connection: Connection, database: TestDatabase): Promise<unknown> {
	const rows = rowsFrom(connection);
	const here = `'${database.name}'`;
	const schema = await describeSchema({
		...database,
		rows: (sql, values) => rows(sql.replaceAll("DATABASE()", here), values),
	});
	return JSON.parse(JSON.stringify(schema).replaceAll(" /* mariadb-5.3 */", ""));
}

async function tables(database: TestDatabase): Promise<string[]> {
	const found = await database.rows<Record<string, string>>(`SHOW TABLES FROM ${database.name}`);
	return found.flatMap((row) => Object.values(row)).sort();
}

/** An application's own DataSource, which sets nothing. */
async function withApplication<Result>(
	{ name, host, port, username, password, rows }: TestDatabase,
	work: (application: DataSource) => Promise<Result>,
): Promise<Result> {
	const [{ version }] = (await rows<{ version: string }>("SELECT VERSION() AS version")) as [{ version: string }];
	const type = /mariadb/i.test(version) ? "mariadb" : "mysql";
	const address = { host, port, username, password, database: name };
	const application = new DataSource({ type, ...address, entities, migrations, migrationsTransactionMode: "none" });
	await application.initialize();
	try {
		return await work(application);
	} finally {
		await application.destroy();
	}
}

async function assertUpToDate(dataSource: DataSource): Promise<void> {
	const { ok, items } = await check(dataSource);
	assert.ok(ok, JSON.stringify(items.filter((item) => !item.ok)));
}

/** Every method of every repository answers and refuses as its fake does. */
async function assertScenarios(
	dataSource: DataSource,
	own: DataSource,
	wanted: Record<string, Record<string, unknown>>,
): Promise<void> {
	const { keys: apiKeys, ...repositories } = repositoriesOf(dataSource);
	const make = makersOf(async () => own);
	for (const name of Object.keys(SCENARIOS)) {
		const found = await outcomesOn({ ...repositories, apiKeys, make }, name);
		for (const [call, expected] of Object.entries(wanted[name] ?? {})) {
			assert.deepEqual(found[call], expected, `${name}: ${call}`);
		}
		await own.query("DELETE FROM dashboard_users");
		await own.query("DELETE FROM resource_limits WHERE user_id IS NULL");
		await own.query("INSERT INTO resource_limits (user_id) VALUES (NULL)");
	}
}
