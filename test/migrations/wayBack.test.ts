import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DataSource, Migration, type MigrationInterface, type QueryRunner } from "typeorm";
import {
	DataLossError,
	IncompatibleSchemaError,
	migrate,
	migrations,
	revert,
	status,
	TableInUseError,
} from "../../src";
import { dryRun } from "../../src/deploy/dryRun";
import { converge, dropTables, foreignKey, idColumn, index, notNull, type TableShape } from "../../src/schema";
import { addUsers, type TestDatabase } from "../../testing/database";
import { withDatabase, withDataSource } from "../../testing/dataSource";
import { startProxy, type Verdict } from "../../testing/proxy";
import { describeSchema, snapshot } from "../support/snapshot";

const Create = migrations[0] ?? assert.fail();
const first = Create.name;

const NOTES: TableShape = {
	name: "notes",
	columns: [idColumn(), notNull("workspace_id", "int")],
	indexes: [index("workspace_id", "workspace_id")],
	foreignKeys: [foreignKey("notes_ibfk_1", "workspace_id", "workspaces", "CASCADE")],
};

class AddNotes implements MigrationInterface {
	readonly name = "AddNotes1895478400000";

	async up(queryRunner: QueryRunner): Promise<void> {
		await converge(queryRunner, [NOTES], { create: true });
	}

	async down(queryRunner: QueryRunner): Promise<void> {
		await dropTables(queryRunner, [NOTES.name]);
	}
}

/** What is done just before the first command that matches reaches the server. */
async function beforeCommand(
	database: TestDatabase,
	pattern: RegExp,
	act: () => Promise<unknown>,
	work: (port: number) => Promise<unknown>,
): Promise<void> {
	let isDone = false;
	const proxy = await startProxy(database, async (_, sql): Promise<Verdict> => {
		if (!isDone && pattern.test(sql)) {
			isDone = true;
			await act();
		}
		return "forward";
	});
	try {
		await work(proxy.port);
	} finally {
		await proxy.close();
	}
	assert.ok(isDone, `${pattern} was sent`);
}

/** Migrates again, and goes all the way back. */
async function assertRevertible(database: TestDatabase, dataSource: DataSource): Promise<void> {
	await migrate(dataSource);
	await revert(dataSource, { all: true, allowDataLoss: true });
	assert.deepEqual(Object.keys(await snapshot(database)), ["dashboard_users"]);
}

describe("the way back", () => {
	it("is refused by name where a table of somebody else's refers to one that would be dropped", () =>
		withDatabase(async (database, dataSource) => {
			await migrate(dataSource);
			await database.connection.query(
				"CREATE TABLE notes (id INT PRIMARY KEY, workspace INT, CONSTRAINT own FOREIGN KEY (workspace) REFERENCES workspaces (id))",
			);
			const before = await snapshot(database);
			for (const allowDataLoss of [false, true]) {
				await assert.rejects(revert(dataSource, { all: true, allowDataLoss }), (error: unknown) => {
					assert.ok(error instanceof IncompatibleSchemaError, String(error));
					assert.deepEqual(error.problems, [
						`${database.name}.notes refers to workspaces by its foreign key own; drop that key first`,
					]);
					return true;
				});
				assert.deepEqual(await snapshot(database), before);
			}
			await database.connection.query("DROP TABLE notes");
			await revert(dataSource, { all: true });
			assert.deepEqual(Object.keys(await snapshot(database)), ["dashboard_users"]);
		}));

	it("goes over several migrations where one drops a table that refers to another's", () =>
		withDatabase(async (_, dataSource) => {
			await migrate(dataSource);
			await revert(dataSource, { to: migrations[0]?.name });
			const queryRunner = dataSource.createQueryRunner();
			try {
				await new AddNotes().up(queryRunner);
				const product = { migrations: [...migrations, AddNotes], checks: [] };
				const back = [new AddNotes(), new Create()].map(
					(instance) => new Migration(undefined, 1, instance.name, instance),
				);
				const { statements } = await dryRun(queryRunner, { migrations: back, product, direction: "down" });
				const dropped = statements.flatMap((sql) => /^DROP TABLE IF EXISTS `(\w+)`/.exec(sql)?.[1] ?? []);
				assert.deepEqual(dropped.slice(0, 1), ["notes"]);
				assert.ok(dropped.includes("workspaces"), dropped.join());
				const alone = { migrations: back.slice(1), product, direction: "down" } as const;
				await assert.rejects(dryRun(queryRunner, alone), /notes refers to workspaces/);
			} finally {
				await queryRunner.release();
			}
		}));

	/** Each way in which a revert removes data, and a row that comes after it has counted none. */
	const LATE: Readonly<Record<string, { to: string | undefined; insert: string; left: string }>> = {
		tables: {
			to: undefined,
			insert: "INSERT INTO user_api_keys (user_id) SELECT MIN(id) FROM dashboard_users",
			left: "SELECT user_id FROM user_api_keys",
		},
		columns: {
			to: migrations[1]?.name,
			insert:
				"INSERT INTO workspaces (user_id, project_name, code_server_password_iv) SELECT MIN(id), 'late', 'iv' FROM dashboard_users",
			left: "SELECT code_server_password_iv FROM workspaces",
		},
		"values of an ENUM": {
			to: migrations[2]?.name,
			insert:
				"INSERT INTO workspace_logs (user_id, project_name, action) SELECT MIN(id), 'late', 'force_delete' FROM dashboard_users",
			left: "SELECT action FROM workspace_logs WHERE action = 'force_delete'",
		},
	};
	for (const [what, { to, insert, left }] of Object.entries(LATE)) {
		it(`loses no row that is written between counting and removing ${what}`, () =>
			withDatabase(async (database, dataSource) => {
				await migrate(dataSource);
				await addUsers(database, "ada");
				const options = to === undefined ? { all: true } : { to };
				const act = () => database.connection.query(insert);
				const refused = (port: number) =>
					assert.rejects(
						withDataSource(database, { port }, (late) => revert(late, options)),
						DataLossError,
					);
				// The first table that is locked is the one that the row goes to, or one that is dropped with it.
				const table = /INTO (\w+)/.exec(insert)?.[1];
				await beforeCommand(database, new RegExp(`^LOCK TABLES.*\`${table}\``), act, refused);
				assert.equal((await database.rows(left)).length, 1);
				assert.ok((await status(dataSource)).every(({ state }) => state !== "half reverted"));
				await assertRevertible(database, dataSource);
			}));
	}

	it("waits for a table that is in use for a while only, and either command goes on with it", () =>
		withDatabase(async (database, dataSource) => {
			await migrate(dataSource);
			const wanted = await describeSchema(database);
			for (const goOn of [migrate, revert]) {
				await revert(dataSource, { to: first });
				await database.connection.query("START TRANSACTION; SELECT * FROM resource_limits");
				await assert.rejects(revert(dataSource, { all: true, tableTimeout: 0 }), (error: unknown) => {
					assert.ok(error instanceof TableInUseError, String(error));
					return true;
				});
				await database.connection.query("ROLLBACK");
				await goOn(dataSource);
				await migrate(dataSource);
				assert.deepEqual(await describeSchema(database), wanted);
			}
		}));

	it("copies no table with rows unasked, and says how many there are; one that it drops as well is nobody's to wait for", () =>
		withDatabase(async (database, dataSource) => {
			await migrate(dataSource);
			const [ada] = await addUsers(database, "ada");
			await database.connection.query(
				"INSERT INTO workspace_logs (user_id, project_name, action) VALUES (?, 'a', 'start'), (?, 'a', 'force_delete')",
				[ada, ada],
			);
			const before = await snapshot(database);
			const to = migrations[2]?.name ?? "";
			await assert.rejects(revert(dataSource, { to }), (error: unknown) => {
				assert.ok(error instanceof IncompatibleSchemaError, String(error));
				assert.match(
					error.problems[0] ?? "",
					/^workspace_logs: "column action .* force_delete" copies the table, of about \d+ rows, .*--allow-table-copy/,
				);
				assert.deepEqual(error.problems.slice(1), [
					"reverting would delete 1 row(s) of workspace_logs with the action force_delete; after a backup, allow it by " +
						"--allow-data-loss or WORKSPACES_ALLOW_DATA_LOSS=yes",
				]);
				return true;
			});
			assert.deepEqual(await snapshot(database), before);
			const rows = before["workspace_logs"]?.rows.filter(({ action }) => action === "start");
			await revert(dataSource, { to, allowTableCopy: true, allowDataLoss: true });
			const after = (await snapshot(database))["workspace_logs"];
			assert.deepEqual(after?.rows, rows);
			assert.doesNotMatch(after?.definition ?? "", /force_delete/);
			await assertRevertible(database, dataSource);
		}));

	it("asks the server before it changes anything, as a run does", () =>
		withDatabase(async (database, dataSource) => {
			await migrate(dataSource);
			await database.connection.query(
				"ALTER TABLE workspaces ADD COLUMN own INT AS (LENGTH(code_server_password_iv)) VIRTUAL",
			);
			const before = await snapshot(database);
			await assert.rejects(revert(dataSource, { to: migrations[1]?.name }), (error: unknown) => {
				assert.ok(error instanceof IncompatibleSchemaError, String(error));
				assert.match(
					error.problems.join(),
					/^workspaces: the server refuses "drop column code_server_password_iv": [^,]*code_server_password_iv[^,]*$/,
				);
				return true;
			});
			assert.deepEqual(await snapshot(database), before);
		}));

	it("leaves an index that a foreign key has come to need", () =>
		withDatabase(async (database, dataSource) => {
			await migrate(dataSource);
			await database.connection.query("ALTER TABLE preview_environments DROP INDEX workspace_id");
			const { report } = await revert(dataSource);
			const previews = report?.tables.find(({ table }) => table === "preview_environments");
			assert.deepEqual(previews?.notes, [
				"index idx_workspace_status stays: the foreign key preview_environments_ibfk_1 needs it",
			]);
			assert.ok(previews?.changes.includes("dropped index idx_workspace_user"), String(previews?.changes));
			await migrate(dataSource);
			await revert(dataSource, { all: true });
			assert.deepEqual(Object.keys(await snapshot(database)), ["dashboard_users"]);
		}));

	it("takes away its own ENUM value and leaves those that the owner added", () =>
		withDatabase(async (database, dataSource) => {
			await migrate(dataSource);
			const [{ type }] = (await database.rows(
				"SELECT COLUMN_TYPE AS type FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'workspace_logs' AND COLUMN_NAME = 'action'",
			)) as [{ type: string }];
			const more = type.replace(")", ",'own')");
			await database.connection.query(`ALTER TABLE workspace_logs MODIFY action ${more} NOT NULL COMMENT 'ours'`);
			await revert(dataSource, { to: migrations[2]?.name ?? "" });
			const [left] = await database.rows(
				"SELECT COLUMN_TYPE AS type, COLUMN_COMMENT AS comment FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'workspace_logs' AND COLUMN_NAME = 'action'",
			);
			assert.deepEqual(left, { type: more.replace(",'force_delete'", ""), comment: "ours" });
		}));
});
