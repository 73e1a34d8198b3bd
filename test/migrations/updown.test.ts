import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DataSource } from "typeorm";
import { migrate, revert } from "../../src";
import { DataLossError } from "../../src/errors";
import { migrations } from "../../src/migrations";
import { addUsers, type TestDatabase } from "../../testing/database";
import { statementsOf, withDatabase, writes } from "../../testing/dataSource";
import { ADOPTION_CASES, installOldDashboard, OLD_TABLES, oldTables } from "../../testing/oldDashboard";
import { describeSchema, dumpRows, snapshot, type TableSnapshot } from "../support/snapshot";

const names = migrations.map((migration) => migration.name);

/** Reverts the migrations that come after the one with this name, or all. */
async function revertAll(dataSource: DataSource, { after = "" } = {}): Promise<void> {
	const first = names.findIndex((name) => after && name?.startsWith(after)) + 1;
	for (const name of names.slice(first).reverse()) {
		const { migrations: reverted } = await revert(dataSource);
		assert.deepEqual(
			reverted.map((migration) => migration.name),
			[name],
		);
	}
	if (first > 0) return;
	const { migrations: more, report } = await revert(dataSource);
	assert.deepEqual([more, report], [[], undefined]);
}

/** The time at which a row was written is the one thing that two runs cannot have in common. */
function withoutTimes(found: Record<string, TableSnapshot>): unknown {
	return JSON.parse(JSON.stringify(found), (key, value) => (/^(created|updated|applied)_at$/.test(key) ? null : value));
}

/** Rows of the dashboard's in each table, two of the log's with the latest action. */
async function fill(database: TestDatabase): Promise<void> {
	const [ada, bob] = await addUsers(database, "ada", "bob");
	await database.connection.query(
		`INSERT INTO workspaces (id, user_id, project_name, code_server_password_iv)
			VALUES (1, ?, 'a', 'iv'), (2, ?, 'b', NULL), (3, ?, 'c', 'iv');
		INSERT INTO user_api_keys (user_id) VALUES (?);
		INSERT INTO preview_environments (workspace_id, user_id, project_name, preview_hash, expires_at)
			VALUES (1, ?, 'a', 'h', '2030-01-01');
		INSERT INTO workspace_logs (user_id, project_name, action) VALUES (?, 'a', 'force_delete'), (?, 'a', 'start'),
			(?, 'a', 'force_delete');
		UPDATE resource_limits SET max_workspaces = 9, updated_at = '2030-01-01';
		INSERT INTO resource_limits (user_id) VALUES (?)`,
		[ada, ada, bob, ada, bob, ada, ada, bob, bob],
	);
}

/** Reverts the last migration, which has to be refused with these counts, and holds the database against before. */
async function assertRefused(database: TestDatabase, dataSource: DataSource, losses: string[]): Promise<void> {
	const before = await snapshot(database);
	await assert.rejects(revert(dataSource, { allowTableCopy: true }), (error: unknown) => {
		assert.ok(error instanceof DataLossError, String(error));
		assert.deepEqual(error.losses, losses);
		for (const loss of [...losses, "WORKSPACES_ALLOW_DATA_LOSS=yes"]) assert.ok(error.message.includes(loss), loss);
		return true;
	});
	assert.deepEqual(await snapshot(database), before);
}

async function allowingDataLoss(work: () => Promise<unknown>): Promise<void> {
	process.env["WORKSPACES_ALLOW_DATA_LOSS"] = "yes";
	try {
		await work();
	} finally {
		delete process.env["WORKSPACES_ALLOW_DATA_LOSS"];
	}
}

describe("a second run", () => {
	for (const [name, old] of Object.entries({ "an empty database": undefined, ...ADOPTION_CASES })) {
		it(`does nothing on what was ${name}`, () =>
			withDatabase(async (database, dataSource) => {
				if (old) await installOldDashboard(database, old);
				const first = await migrate(dataSource);
				assert.equal(first.migrations.length, names.length);
				const before = await snapshot(database);
				assert.equal(before["migrations"]?.rows.length, names.length);

				const statements = await statementsOf(dataSource, async () => {
					assert.deepEqual(await migrate(dataSource), { migrations: [], report: undefined });
				});
				assert.ok(statements.length > 0, "it looked");
				assert.deepEqual(writes(statements), []);
				assert.deepEqual(await snapshot(database), before);
			}));
	}
});

describe("a run with --fake", () => {
	it("only notes the migrations as run, or as reverted", () =>
		withDatabase(async (database, dataSource) => {
			const fake = { fake: true };
			const { migrations: noted } = await migrate(dataSource, fake);
			assert.deepEqual(
				noted.map((migration) => migration.name),
				names,
			);
			const tables = Object.keys(await snapshot(database));
			assert.deepEqual(tables, ["dashboard_users", "migrations", "typeorm_metadata"]);
			assert.deepEqual(await migrate(dataSource), { migrations: [], report: undefined });

			await revert(dataSource, fake);
			const left = await database.rows<{ name: string }>("SELECT name FROM migrations ORDER BY id");
			assert.deepEqual(
				left.map(({ name }) => name),
				names.slice(0, -1),
			);
		}));
});

describe("up, down and up again", () => {
	it("leaves nothing on an empty database, and then what the first up left", () =>
		withDatabase(async (database, dataSource) => {
			const empty = await snapshot(database);
			assert.deepEqual(Object.keys(empty), ["dashboard_users"]);
			await migrate(dataSource);
			const first = await snapshot(database);
			assert.equal(first["resource_limits"]?.rows.length, 1);

			await revertAll(dataSource);
			assert.deepEqual(await snapshot(database), empty);

			await migrate(dataSource);
			assert.deepEqual(withoutTimes(await snapshot(database)), withoutTimes(first));
		}));

	it("gives the same schema from every migration on", () =>
		withDatabase(async (database, dataSource) => {
			await migrate(dataSource);
			const wanted = await describeSchema(database);
			for (let depth = 1; depth < names.length; depth++) {
				for (let step = 0; step < depth; step++) await revert(dataSource);
				assert.notDeepEqual(await describeSchema(database), wanted);
				await migrate(dataSource);
				assert.deepEqual(await describeSchema(database), wanted, `${depth} back`);
			}
		}));
});

describe("a revert", () => {
	it("is refused with the number of rows where it would delete some, step by step, unless that is meant", () =>
		withDatabase(async (database, dataSource) => {
			await migrate(dataSource);
			await fill(database);
			await revertAll(dataSource, { after: "AddForceDeleteAction" });
			await assertRefused(database, dataSource, ["2 row(s) of workspace_logs with the action force_delete"]);

			await allowingDataLoss(() => revert(dataSource, { allowTableCopy: true }));
			const logs = await database.rows("SELECT action FROM workspace_logs");
			assert.deepEqual(logs, [{ action: "start" }]);
			await assertRefused(database, dataSource, ["2 code-server password(s) of workspaces"]);

			await allowingDataLoss(() => revert(dataSource));
			await revert(dataSource);
			const limits = await database.rows("SELECT max_workspaces FROM resource_limits ORDER BY id");
			assert.deepEqual(limits, [{ max_workspaces: 9 }, { max_workspaces: 2 }]);
			await assertRefused(database, dataSource, [
				"3 row(s) of workspaces",
				"1 row(s) of user_api_keys",
				"1 row(s) of preview_environments",
				"1 row(s) of workspace_logs",
				"2 row(s) of resource_limits",
			]);

			await allowingDataLoss(() => revert(dataSource));
			assert.deepEqual(Object.keys(await snapshot(database)), ["dashboard_users"]);
		}));

	it("keeps the global row where an administrator changed it", () =>
		withDatabase(async (database, dataSource) => {
			await migrate(dataSource);
			await database.connection.query("UPDATE resource_limits SET default_ram = '8g'");
			while (names.length - 1 > (await reverted(database))) await revert(dataSource);
			const limits = await database.rows("SELECT user_id, default_ram FROM resource_limits");
			assert.deepEqual(limits, [{ user_id: null, default_ram: "8g" }]);
			await assertRefused(database, dataSource, ["1 row(s) of resource_limits"]);
		}));

	for (const [name, old] of Object.entries(ADOPTION_CASES)) {
		it(`drops nothing of what was ${name}, and the next run brings it to the same schema`, () =>
			withDatabase(async (database, dataSource) => {
				await installOldDashboard(database, old);
				const original = await database.rows<{ place: string }>(COLUMNS);
				await migrate(dataSource);
				const rows = await dumpRows(database);
				const schema = await describeSchema(database);

				await revertAll(dataSource);
				assert.deepEqual(Object.keys(await snapshot(database)).sort(), [...OLD_TABLES, "dashboard_users"].sort());
				const left = new Set((await database.rows<{ place: string }>(COLUMNS)).map(({ place }) => place));
				assert.deepEqual(await dumpRows(database), onlyColumns(rows, left));
				const gone = original.map(({ place }) => place).filter((place) => !left.has(place));
				assert.deepEqual(gone, []);
				await database.connection.query("INSERT INTO resource_limits (user_id) VALUES (NULL)");
				await database.connection.query("UPDATE workspace_logs SET action = 'admin_force_stop' WHERE id = 42");
				await database.connection.query("UPDATE workspace_logs SET action = 'create' WHERE id = 42");

				await migrate(dataSource);
				assert.deepEqual(await describeSchema(database), schema);
				assert.deepEqual(await dumpRows(database), rows);
			}));
	}

	it("keeps what the dashboard made where a run ended between noting a table as its own and making it", () =>
		withDatabase(async (database, dataSource) => {
			await database.connection.query(
				"CREATE TABLE typeorm_metadata (`type` varchar(255) NOT NULL, `database` varchar(255), `schema` varchar(255), " +
					"`table` varchar(255), `name` varchar(255), `value` text)",
			);
			await database.connection.query(
				"INSERT INTO typeorm_metadata (`type`, `table`) VALUES ('CREATED_BY_DPLOYR_WORKSPACES_DB', 'workspace_logs')",
			);
			for (const sql of oldTables()) await database.connection.query(sql);
			await migrate(dataSource);
			await revertAll(dataSource);
			assert.ok("workspace_logs" in (await snapshot(database)));
		}));

	it("drops of a database that was only completed what the module made", () =>
		withDatabase(async (database, dataSource) => {
			for (const sql of oldTables().slice(0, 2)) await database.connection.query(sql);
			await migrate(dataSource);
			await revertAll(dataSource);
			assert.deepEqual(Object.keys(await snapshot(database)), ["dashboard_users", "user_api_keys", "workspaces"]);
		}));
});

const COLUMNS = `SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS place FROM information_schema.COLUMNS
	WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1`;

function onlyColumns(rows: Awaited<ReturnType<typeof dumpRows>>, places: ReadonlySet<string>): typeof rows {
	const tables = Object.entries(rows).filter(([table]) => places.has(`${table}.id`));
	return Object.fromEntries(
		tables.map(([table, found]) => [
			table,
			found.map((row) =>
				Object.fromEntries(Object.entries(row).filter(([column]) => places.has(`${table}.${column}`))),
			),
		]),
	);
}

async function reverted(database: TestDatabase): Promise<number> {
	const [row] = await database.rows<{ executed: number }>("SELECT COUNT(*) AS executed FROM migrations");
	return names.length - (row?.executed ?? 0);
}
