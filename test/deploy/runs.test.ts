import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DataSource, type MigrationInterface, type QueryRunner } from "typeorm";
import { type DeployEvent, entities, migrate, migrations, plan, revert, status } from "../../src";
import { lockName } from "../../src/deploy/lock";
import {
	DataLossError,
	ForeignHistoryError,
	InterruptedError,
	LockTimeoutError,
	MigrationError,
} from "../../src/errors";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { openPlainDataSource, withDatabase } from "../../testing/dataSource";
import { installOldDashboard } from "../../testing/oldDashboard";
import { snapshot } from "../support/snapshot";

const names = migrations.map((migration) => migration.name);

/** What runs did of an application's migration, which counts. */
const calls: string[] = [];

class AddTeams1795478402500 implements MigrationInterface {
	readonly name = "AddTeams1795478402500";

	async up(queryRunner: QueryRunner): Promise<void> {
		calls.push("up");
		// Beside the query runner of the run, as applications do.
		await queryRunner.dataSource.query("CREATE TABLE teams (id INT PRIMARY KEY)");
		const [timeout] = await queryRunner.query("SELECT @@lock_wait_timeout AS seconds");
		assert.ok(Number(timeout.seconds) > 1, "it waits as long as the application's sessions do");
	}

	async down(queryRunner: QueryRunner): Promise<void> {
		calls.push("down");
		await queryRunner.dataSource.query("DROP TABLE teams");
	}
}

async function withApplication(work: (database: TestDatabase, dataSource: DataSource) => Promise<void>): Promise<void> {
	calls.length = 0;
	const database = await createTestDatabase();
	const plain = await openPlainDataSource(database);
	const { options } = plain;
	await plain.destroy();
	const all = [...migrations, AddTeams1795478402500];
	const dataSource = await new DataSource({ ...options, entities, migrations: all } as typeof options).initialize();
	try {
		await work(database, dataSource);
	} finally {
		await dataSource.destroy();
		await database.drop();
	}
}

describe("migrations of the application's in the same DataSource", () => {
	it("are named by a plan, executed once by a run, in their order, and reverted with the others", () =>
		withApplication(async (database, dataSource) => {
			const planned = await plan(dataSource);
			assert.deepEqual(planned.unplanned, ["AddTeams1795478402500"]);
			assert.deepEqual(calls, [], "a plan executes nothing");
			const { migrations: run } = await migrate(dataSource);
			assert.deepEqual(calls, ["up"]);
			const inOrder = [...names.slice(0, 3), "AddTeams1795478402500", ...names.slice(3)];
			assert.deepEqual(
				run.map(({ name }) => name),
				inOrder,
			);
			assert.deepEqual(planned.migrations, inOrder);
			assert.ok("teams" in (await snapshot(database)));

			await revert(dataSource, { all: true });
			assert.deepEqual(calls, ["up", "down"]);
			assert.deepEqual(Object.keys(await snapshot(database)), ["dashboard_users"]);
		}));
});

describe("several reverts", () => {
	it("are one decision: everything that would be lost is listed before the first", () =>
		withDatabase(async (database, dataSource) => {
			await migrate(dataSource);
			const [ada] = await addUsers(database, "ada");
			await database.connection.query(
				`INSERT INTO workspaces (user_id, project_name, code_server_password_iv) VALUES (?, 'a', 'iv');
				INSERT INTO workspace_logs (user_id, project_name, action) VALUES (?, 'a', 'force_delete'), (?, 'a', 'start')`,
				[ada, ada, ada],
			);
			const before = await snapshot(database);
			await assert.rejects(revert(dataSource, { all: true }), (error: unknown) => {
				assert.ok(error instanceof DataLossError);
				assert.deepEqual(error.losses, [
					"1 row(s) of workspace_logs with the action force_delete",
					"1 code-server password(s) of workspaces",
					"1 row(s) of workspaces",
					"1 row(s) of workspace_logs",
				]);
				return true;
			});
			assert.deepEqual(await snapshot(database), before);
			await revert(dataSource, { all: true, allowDataLoss: true });
			assert.deepEqual(Object.keys(await snapshot(database)), ["dashboard_users"]);
		}));

	it("go back to a migration, which stays", () =>
		withDatabase(async (_, dataSource) => {
			await migrate(dataSource);
			const [first = "", second = ""] = names;
			const { migrations: reverted } = await revert(dataSource, { to: second });
			assert.deepEqual(
				reverted.map(({ name }) => name),
				names.slice(2).reverse(),
			);
			const states = (await status(dataSource)).map(({ name, state }) => [name, state]);
			assert.deepEqual(states, [
				[first, "applied"],
				[second, "applied"],
				...names.slice(2).map((name) => [name, "pending"]),
			]);
			assert.deepEqual((await revert(dataSource, { to: second })).migrations, []);
			await assert.rejects(revert(dataSource, { to: names[3] ?? "" }), /was not run on this database/);
		}));
});

describe("the state of each migration", () => {
	it("is read from the history, half reverted and unknown ones too", () =>
		withDatabase(async ({ connection }, dataSource) => {
			assert.deepEqual(new Set((await status(dataSource)).map(({ state }) => state)), new Set(["pending"]));
			await migrate(dataSource);
			await connection.query("INSERT INTO migrations (timestamp, name) VALUES (1, 'FromTheFuture1')");
			await connection.query(
				`UPDATE migrations SET name = '${names.at(-1)} (half reverted)' WHERE name = '${names.at(-1)}'`,
			);
			const found = await status(dataSource);
			assert.deepEqual(
				found.map(({ state }) => state),
				[...names.slice(1).map(() => "applied"), "half reverted", "unknown"],
			);
			await assert.rejects(revert(dataSource), /FromTheFuture1 is not in this release/);
		}));

	it("is half reverted until migrate runs it again, or revert goes on with it", () =>
		withDatabase(async ({ connection }, dataSource) => {
			const last = names.at(-1) ?? "";
			const interrupt = () =>
				connection.query("UPDATE migrations SET name = CONCAT(name, ' (half reverted)') ORDER BY id DESC LIMIT 1");
			const stateOf = async () => (await status(dataSource)).find(({ name }) => name === last)?.state;
			await migrate(dataSource);
			for (const [work, state] of [
				[migrate, "applied"],
				[revert, "pending"],
			] as const) {
				await interrupt();
				assert.equal(await stateOf(), "half reverted");
				const { migrations: done } = await work(dataSource);
				assert.deepEqual(
					done.map(({ name }) => name),
					[last],
				);
				assert.equal(await stateOf(), state);
			}
		}));
});

describe("the lock", () => {
	it("is waited for, and its holder is named where the wait is over; nothing is changed until then", () =>
		withDatabase(async (database, dataSource) => {
			const { connection } = database;
			const name = lockName(database.name);
			const before = await snapshot(database);
			await connection.query("SELECT GET_LOCK(?, 0)", [name]);
			for (const work of [migrate, revert]) {
				await assert.rejects(work(dataSource, { lockTimeout: 0 }), (error: unknown) => {
					assert.ok(error instanceof LockTimeoutError, String(error));
					assert.match(error.who, new RegExp(`session ${connection.threadId}\\b`));
					return true;
				});
			}
			assert.deepEqual(await snapshot(database), before);
			await connection.query("SELECT RELEASE_LOCK(?)", [name]);
			assert.equal((await migrate(dataSource, { lockTimeout: 0 })).migrations.length, migrations.length);
			assert.deepEqual(await database.rows("SELECT IS_USED_LOCK(?) AS holder", [name]), [{ holder: null }]);
		}));
});

describe("a history that is another program's", () => {
	for (const columns of [
		"id INT PRIMARY KEY, migration VARCHAR(255), batch INT",
		"id INT PRIMARY KEY, name VARCHAR(9), run_on DATETIME",
	]) {
		it(`(${columns}) is refused before anything is changed`, () =>
			withDatabase(async (database, dataSource) => {
				await database.connection.query(`CREATE TABLE migrations (${columns})`);
				const before = await snapshot(database);
				for (const work of [migrate, plan, revert, status]) {
					await assert.rejects(work(dataSource), (error: unknown) => {
						assert.ok(error instanceof ForeignHistoryError);
						assert.match(error.message, /DB_MIGRATIONS_TABLE/);
						return true;
					});
				}
				assert.deepEqual(await snapshot(database), before);
			}));
	}
});

describe("the events of a run", () => {
	async function eventsOf(work: (onEvent: (event: DeployEvent) => void) => Promise<unknown>): Promise<DeployEvent[]> {
		const events: DeployEvent[] = [];
		await work((event) => void events.push(event));
		return events;
	}

	it("count each step of all, before and after, as planned", () =>
		withDatabase(async (database, dataSource) => {
			await installOldDashboard(database);
			const planned = await plan(dataSource);
			const events = await eventsOf((onEvent) => migrate(dataSource, { onEvent }));
			const steps = events.filter((event) => event.kind === "step");
			assert.deepEqual(
				steps.map(({ number, sql, what }) => ({ number, sql, what })),
				planned.steps.map(({ number, sql, what }) => ({ number, sql, what })),
			);
			assert.ok(steps.length > 5 && steps.every((step) => step.total === steps.length));
			assert.deepEqual(
				events.filter((event) => event.kind === "stepDone").map(({ number }) => number),
				steps.map(({ number }) => number),
			);
			assert.equal(events.filter((event) => event.kind === "removing").length, 2);
			const last = events.at(-1);
			assert.ok(last?.kind === "report" && last.isComplete);
			assert.deepEqual(last.report.migrations, names);
			const again = await eventsOf((onEvent) => migrate(dataSource, { onEvent }));
			assert.deepEqual(
				again.map(({ kind }) => kind),
				["upToDate"],
			);
		}));

	it("of one that fails end with what was done until then, migrations included", () =>
		withDatabase(async (_, dataSource) => {
			const interrupt = new AbortController();
			let work: Promise<unknown> = Promise.resolve();
			const events = await eventsOf((onEvent) => {
				work = migrate(dataSource, {
					signal: interrupt.signal,
					onEvent(event) {
						onEvent(event);
						if (event.kind === "stepDone" && event.what.includes("add column global_row")) interrupt.abort();
					},
				});
				return work.catch(() => undefined);
			});
			await assert.rejects(work, (error: unknown) => {
				assert.ok(error instanceof InterruptedError && error instanceof MigrationError);
				return true;
			});
			const last = events.at(-1);
			assert.ok(last?.kind === "report" && !last.isComplete);
			assert.deepEqual(last.report.migrations, names.slice(0, 1));
			assert.deepEqual(new Set(last.report.tables.map(({ outcome }) => outcome)), new Set(["created"]));
			const { migrations: rest } = await migrate(dataSource);
			assert.deepEqual(
				rest.map(({ name }) => name),
				names.slice(1),
			);
		}));
});
