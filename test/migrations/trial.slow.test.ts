import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { check, type DeployOptions, IncompatibleSchemaError, migrate, plan } from "../../src";
import type { TestDatabase } from "../../testing/database";
import { statementsOf, withDatabase } from "../../testing/dataSource";
import { installOldDashboard, oldTables } from "../../testing/oldDashboard";
import { describeFreshSchema, describeSchema, snapshot } from "../support/snapshot";

type Prepare = (database: TestDatabase) => Promise<unknown>;

const KEY = /,\s*FOREIGN KEY[^,]*?\) ON DELETE (CASCADE|SET NULL)/g;

const after =
	(...changes: readonly string[]): Prepare =>
	async (database) => {
		await installOldDashboard(database);
		for (const sql of changes) await database.connection.query(sql);
	};

const many = (count: number, part: (number: number) => string) =>
	Array.from({ length: count }, (_, number) => part(number));

/** What only the server itself knows beforehand, and the reason that it gives. */
const REFUSED: Readonly<Record<string, { prepare: Prepare; reason: RegExp; only?: "mariadb" | "mysql" }>> = {
	"a partitioned table, which can have no foreign keys": {
		prepare: async ({ connection }) => {
			for (const sql of oldTables()) await connection.query(sql.replaceAll(KEY, ""));
			await connection.query("ALTER TABLE workspace_logs PARTITION BY HASH(id) PARTITIONS 3");
		},
		reason: /workspace_logs: the server refuses "add foreign key .*artition/,
	},
	"a table with as many indexes as a table can have": {
		prepare: after(
			`ALTER TABLE workspaces ${many(58, (n) => `ADD INDEX i${n} (container_name(${n + 1}))`).join(", ")}`,
		),
		reason: /workspaces: the server refuses "add index .*Too many keys/,
	},
	"a row without room for another column": {
		prepare: async (database) => {
			await installOldDashboard(database, { draft: true });
			await database.connection.query("ALTER TABLE workspaces ADD COLUMN wide VARCHAR(16000) NULL");
		},
		reason: /workspaces: the server refuses "add columns? .*Row size too large/,
	},
	"a column that can't be widened without a copy of the table": {
		prepare: after("ALTER TABLE workspaces MODIFY project_name VARCHAR(50) NOT NULL"),
		reason:
			/workspaces: "column project_name is varchar\(100\).*copies the table, of about \d+ rows, .*--allow-table-copy/,
	},
	"a trigger that lets no row be deleted": {
		prepare: after(
			"CREATE TRIGGER own BEFORE DELETE ON resource_limits FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'",
		),
		reason: /resource_limits: the server refuses "delete the global rows/,
	},
	"a trigger that lets no row be inserted": {
		prepare: after(
			"DELETE FROM resource_limits WHERE user_id IS NULL",
			"CREATE TRIGGER own BEFORE INSERT ON resource_limits FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'",
		),
		reason: /resource_limits: the server refuses "insert the row with the global defaults/,
	},
	"a key of somebody else's to a row that is to be removed": {
		prepare: after(
			"CREATE TABLE quotas (id INT PRIMARY KEY, limits INT, FOREIGN KEY (limits) REFERENCES resource_limits (id))",
			"INSERT INTO quotas SELECT 1, MAX(id) FROM resource_limits WHERE user_id IS NULL",
		),
		reason: /resource_limits: the server refuses "delete the global rows/,
	},
	"a versioned table that is to get a unique index": {
		prepare: after("ALTER TABLE resource_limits ADD SYSTEM VERSIONING"),
		reason: /resource_limits is system-versioned.*DROP SYSTEM VERSIONING/,
		only: "mariadb",
	},
};

/** What looks odd, and a run does all the same. */
const DONE: Readonly<Record<string, { prepare: Prepare; only?: "mariadb" | "mysql"; options?: DeployOptions }>> = {
	"a FULLTEXT index": {
		prepare: after("ALTER TABLE workspaces ADD FULLTEXT INDEX words (project_name)"),
		// A column that a later migration adds copies such a table.
		options: { allowTableCopy: true },
	},
	"a versioned table": { prepare: after("ALTER TABLE workspace_logs ADD SYSTEM VERSIONING"), only: "mariadb" },
	"other row formats": {
		prepare: after("ALTER TABLE workspaces ROW_FORMAT=REDUNDANT", "ALTER TABLE workspace_logs ROW_FORMAT=COMPRESSED"),
	},
	"columns that nobody sees, a CHECK, a view and triggers of the owner's": {
		prepare: after(
			"ALTER TABLE workspaces ADD COLUMN hidden INT NULL INVISIBLE, ADD CONSTRAINT own CHECK (internal_port > 0)",
			"CREATE VIEW names AS SELECT project_name FROM workspaces",
			"CREATE TRIGGER own BEFORE INSERT ON resource_limits FOR EACH ROW SET NEW.default_cpu = '3'",
		),
	},
	"names with quotes and spaces in them": {
		prepare: after("ALTER TABLE workspaces ADD COLUMN `a b``c'd` INT NULL, ADD INDEX `i'x ``` (`a b``c'd`)"),
	},
	"columns that were changed instantly as often as a table takes it, which an empty copy does not show": {
		prepare: async (database) => {
			await installOldDashboard(database, { draft: true });
			const alter = (part: string) => database.rows(`ALTER TABLE workspaces ${part}, ALGORITHM=INSTANT`);
			const toTheLimit = async () => {
				for (;;) {
					await alter("ADD COLUMN own INT NULL");
					await alter("DROP COLUMN own");
				}
			};
			await assert.rejects(toTheLimit(), /Maximum row versions/);
		},
		only: "mysql",
	},
	"copies of tables that a killed run left": {
		prepare: after(
			"CREATE TABLE dployr_trial_of_workspaces (id INT PRIMARY KEY)",
			"CREATE TABLE dployr_trial_of_something_else (id INT PRIMARY KEY)",
		),
	},
};

async function isFamily({ rows }: TestDatabase, only: "mariadb" | "mysql" | undefined): Promise<boolean> {
	const [{ version }] = (await rows("SELECT VERSION() AS version")) as [{ version: string }];
	return !only || (only === "mariadb") === /mariadb/i.test(version);
}

describe("a run asks the server before it changes anything, and", () => {
	let fresh: Awaited<ReturnType<typeof describeSchema>>;
	before(async () => {
		fresh = await describeFreshSchema();
	});

	for (const [name, { prepare, reason, only }] of Object.entries(REFUSED)) {
		it(`refuses ${name}`, () =>
			withDatabase(async (database, dataSource) => {
				if (!(await isFamily(database, only))) return;
				await prepare(database);
				const untouched = await snapshot(database);
				for (const work of [migrate, plan]) {
					await assert.rejects(work(dataSource), (error: unknown) => {
						assert.ok(error instanceof IncompatibleSchemaError, String(error));
						assert.match(error.problems[0] ?? "", reason);
						return true;
					});
					assert.deepEqual(await snapshot(database), untouched);
				}
			}));
	}

	for (const [name, { prepare, only, options }] of Object.entries(DONE)) {
		it(`does it all with ${name}`, () =>
			withDatabase(async (database, dataSource) => {
				if (!(await isFamily(database, only))) return;
				await prepare(database);
				const { migrations } = await migrate(dataSource, options);
				assert.ok(migrations.length > 0);
				assert.deepEqual(await database.rows("SHOW TABLES LIKE 'dployr%'"), []);
				const ours = (rows: unknown[] = []) =>
					new Set(rows.map((row) => `${(row as { t: string; name: string }).t}.${(row as { name: string }).name}`));
				const found = await describeSchema(database);
				for (const part of ["columns", "indexes", "foreignKeys"] as const) {
					const missing = [...ours(fresh[part])].filter((place) => !ours(found[part]).has(place));
					assert.deepEqual(missing, []);
				}
				const checked = await check(dataSource);
				assert.ok(checked.ok, JSON.stringify(checked.items.filter((item) => !item.ok)));
			}));
	}

	it("copies a table where that is allowed, keeping what a change is not about", () =>
		withDatabase(async (database, dataSource) => {
			await installOldDashboard(database);
			await database.connection.query(
				"ALTER TABLE workspaces MODIFY project_name VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'it''s ours'",
			);
			const rows = await database.rows("SELECT id, project_name FROM workspaces ORDER BY id");
			const { steps } = await plan(dataSource, { allowTableCopy: true });
			assert.deepEqual(
				steps.filter(({ algorithm }) => algorithm === "COPY").map(({ table }) => table),
				["workspaces"],
			);
			const { report } = await migrate(dataSource, { allowTableCopy: true });
			assert.ok(
				report?.tables.some(({ notes }) => notes.some((note) => note.startsWith("copied while writers waited"))),
			);
			const [column] = await database.rows(
				`SELECT COLUMN_TYPE AS type, COLLATION_NAME AS collation, COLUMN_COMMENT AS comment
				FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'workspaces' AND COLUMN_NAME = 'project_name'`,
			);
			assert.deepEqual(column, { type: "varchar(100)", collation: "utf8mb4_bin", comment: "it's ours" });
			assert.deepEqual(await database.rows("SELECT id, project_name FROM workspaces ORDER BY id"), rows);
		}));

	it("copies a table without rows unasked: nobody waits for it", () =>
		withDatabase(async (database, dataSource) => {
			for (const sql of oldTables()) await database.connection.query(sql);
			await database.connection.query("ALTER TABLE workspaces MODIFY project_name VARCHAR(50) NOT NULL");
			await migrate(dataSource);
			assert.deepEqual(await describeSchema(database), fresh);
		}));

	it("tries nothing on tables that it makes itself", () =>
		withDatabase(async (_, dataSource) => {
			const sent = await statementsOf(dataSource, () => migrate(dataSource));
			assert.ok(sent.some((sql) => sql.startsWith("ALTER TABLE")));
			assert.deepEqual(
				sent.filter((sql) => / LIKE `/.test(sql)),
				[],
			);
		}));
});
