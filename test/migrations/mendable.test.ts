import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { check, migrate, plan, type TableReport } from "../../src";
import { addUsers, type TestDatabase } from "../../testing/database";
import { withDatabase } from "../../testing/dataSource";
import { installOldDashboard, oldTables } from "../../testing/oldDashboard";
import { describeFreshSchema, describeSchema, dumpRows, stateOf } from "../support/snapshot";

type Schema = Awaited<ReturnType<typeof describeSchema>>;

const ALLOWED = { allowTableCopy: true };

let fresh: Schema;
before(async () => {
	fresh = await describeFreshSchema();
});

/** An older dashboard's tables in a database of latin1, with text in them that is another in utf8mb4. */
async function installLatin1({ connection, name, ...rest }: TestDatabase): Promise<void> {
	await connection.query(`ALTER DATABASE ${name} CHARACTER SET latin1`);
	for (const sql of oldTables()) await connection.query(sql);
	const [ada] = await addUsers({ connection, name, ...rest }, "ada");
	await connection.query(
		"INSERT INTO workspaces (user_id, project_name, error_message, updated_at) VALUES (?, 'naïve', '€', '2024-02-03')",
		[ada],
	);
	await connection.query(
		`INSERT INTO workspace_logs (user_id, project_name, action, details) VALUES (?, 'Ä', 'error', '{"a":"ß"}')`,
		[ada],
	);
}

function notesOf(tables: readonly TableReport[] | undefined): string {
	return (tables ?? []).flatMap(({ table, notes }) => notes.map((note) => `${table}: ${note}`)).join("\n");
}

async function isMariadb({ rows }: TestDatabase): Promise<boolean> {
	const [{ version }] = (await rows("SELECT VERSION() AS version")) as [{ version: string }];
	return /mariadb/i.test(version);
}

/** The warnings of a check that has nothing else to say. */
async function warningsOf(dataSource: Parameters<typeof check>[0]): Promise<string[]> {
	const { items } = await check(dataSource);
	const wrong = items.filter(({ ok }) => !ok).flatMap(({ details }) => details);
	assert.deepEqual(wrong, []);
	return items.flatMap(({ warnings }) => warnings);
}

/** What a row held before it is held later. */
function assertKept(later: Awaited<ReturnType<typeof dumpRows>>, earlier: typeof later): void {
	for (const [table, rows] of Object.entries(earlier)) {
		rows.forEach((row, index) => {
			const found = later[table]?.[index] ?? {};
			for (const [column, value] of Object.entries(row)) assert.deepEqual(found[column], value, `${table}.${column}`);
		});
	}
}

describe("tables in another character set", () => {
	it("are converted where tables may be copied: to the schema of a fresh database, with every row as it was", () =>
		withDatabase(async (database, dataSource) => {
			await installLatin1(database);
			const rows = await dumpRows(database);
			const { steps, notes } = await plan(dataSource, ALLOWED);
			const copied = steps.filter(({ algorithm }) => algorithm === "COPY");
			assert.deepEqual(new Set(copied.map(({ what }) => what.join())).size, 1);
			assert.match(copied[0]?.what.join() ?? "", /^convert from latin1_swedish_ci to utf8mb4_/);
			assert.equal(copied.length, 5);
			assert.deepEqual(notes, []);

			await migrate(dataSource, ALLOWED);
			assert.deepEqual(await describeSchema(database), fresh);
			assertKept(await dumpRows(database), rows);
			assert.deepEqual(await warningsOf(dataSource), []);
		}));

	it("are left as they are otherwise, which plan and run say, and check has the statement that mends them", () =>
		withDatabase(async (database, dataSource) => {
			await installLatin1(database);
			const { steps, notes } = await plan(dataSource);
			assert.ok(steps.every(({ algorithm }) => algorithm !== "COPY"));
			assert.match(notes.join("\n"), /^workspaces: uses latin1_swedish_ci, .*--allow-table-copy/m);
			const { report } = await migrate(dataSource);
			assert.match(notesOf(report?.tables), /^workspaces: uses latin1_swedish_ci, .*--allow-table-copy/m);
			const rows = await dumpRows(database);

			const warnings = await warningsOf(dataSource);
			assert.equal(warnings.length, 5);
			for (const warning of warnings) await database.connection.query(/ALTER TABLE .*$/.exec(warning)?.[0] ?? "");
			assert.deepEqual(await describeSchema(database), fresh);
			assert.deepEqual(await dumpRows(database), rows);
			assert.deepEqual(await warningsOf(dataSource), []);
		}));

	it("keep the owner's columns and conditions, and collations that were chosen for a column", () =>
		withDatabase(async (database, dataSource) => {
			await installLatin1(database);
			await database.connection.query(
				`ALTER TABLE workspaces ADD COLUMN own TEXT NULL, ADD CONSTRAINT own CHECK (internal_port > 0),
					MODIFY container_id VARCHAR(64) COLLATE latin1_bin NULL, MODIFY container_name VARCHAR(100) NULL COMMENT 'x';
				UPDATE workspaces SET own = 'ñ', container_id = 'Ñ', updated_at = updated_at`,
			);
			if (await isMariadb(database)) {
				await database.connection.query(
					"ALTER TABLE workspaces MODIFY container_name VARCHAR(100) NULL COMMENT 'x' CHECK (container_name <> 'y')",
				);
			}
			const rows = await dumpRows(database);
			await migrate(dataSource, ALLOWED);
			assertKept(await dumpRows(database), rows);
			const columns = await database.rows<{ name: string; type: string; collation: string; comment: string }>(
				`SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, COLLATION_NAME AS collation, COLUMN_COMMENT AS comment
				FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'workspaces'
				AND COLUMN_NAME IN ('own', 'container_id', 'container_name') ORDER BY 1`,
			);
			assert.deepEqual(
				columns.map(({ name, type, collation, comment }) => [
					name,
					type,
					collation.replace(/^utf8mb4_.*/, "new"),
					comment,
				]),
				[
					["container_id", "varchar(64)", "latin1_bin", ""],
					["container_name", "varchar(100)", "new", "x"],
					["own", "text", "latin1_swedish_ci", ""],
				],
			);
			await assert.rejects(database.connection.query("UPDATE workspaces SET internal_port = 0"), /own/);
			if (await isMariadb(database)) {
				await assert.rejects(database.connection.query("UPDATE workspaces SET container_name = 'y'"), /container_name/);
			}
		}));

	const IN_THE_WAY: Readonly<Record<string, { sql: string; reason: RegExp }>> = {
		"values of a unique index that would be the same": {
			sql: `ALTER TABLE workspaces MODIFY project_name VARCHAR(100) COLLATE latin1_bin NOT NULL, COLLATE latin1_bin;
				INSERT INTO workspaces (user_id, project_name) SELECT user_id, 'NAÏVE' FROM workspaces`,
			reason: /1 value\(s\) of the unique index unique_workspace are the same in utf8mb4_/,
		},
		"a text that would be too long": {
			sql: "UPDATE workspaces SET error_message = REPEAT('ä', 40000)",
			reason: /1 row\(s\) of workspaces have a error_message that is longer than 65535 bytes/,
		},
		"a foreign key on text": {
			sql: `ALTER TABLE workspaces ADD UNIQUE INDEX own (container_id);
				CREATE TABLE notes (id INT PRIMARY KEY, container VARCHAR(64), FOREIGN KEY (container) REFERENCES workspaces (container_id))`,
			reason: /1 foreign key\(s\) are on text of workspaces/,
		},
	};
	for (const [name, { sql, reason }] of Object.entries(IN_THE_WAY)) {
		it(`stay as they are, with the number, where the way is barred by ${name}`, () =>
			withDatabase(async (database, dataSource) => {
				await installLatin1(database);
				await database.connection.query(sql);
				const rows = await dumpRows(database);
				assert.match((await plan(dataSource, ALLOWED)).notes.join("\n"), reason);
				const { report } = await migrate(dataSource, ALLOWED);
				assert.match(notesOf(report?.tables), reason);
				assertKept(await dumpRows(database), rows);
				const tables = fresh["tables"] as { t: string; collation: string }[];
				const found = (await describeSchema(database))["tables"] as typeof tables;
				assert.deepEqual(
					found.filter(({ collation }, index) => collation !== tables[index]?.collation).map(({ t }) => t),
					["workspaces"],
				);
			}));
	}
});

describe("text that MariaDB does not check to be JSON", () => {
	const UNCHECKED = "ALTER TABLE workspace_logs MODIFY details LONGTEXT NULL";

	it("is checked from then on where tables may be copied", () =>
		withDatabase(async (database, dataSource) => {
			if (!(await isMariadb(database))) return;
			await installOldDashboard(database);
			await database.connection.query(UNCHECKED);
			const rows = await dumpRows(database);
			await migrate(dataSource, ALLOWED);
			assert.deepEqual(await describeSchema(database), fresh);
			assert.deepEqual(await warningsOf(dataSource), []);
			const { workspace_logs: before } = rows;
			const after = (await dumpRows(database))["workspace_logs"];
			assert.deepEqual(
				after?.map(({ details }) => details),
				before?.map(({ details }) => (details === null ? null : JSON.parse(String(details)))),
			);
		}));

	it("stays as it is where rows hold something else: their number is said, and how to find them", () =>
		withDatabase(async (database, dataSource) => {
			if (!(await isMariadb(database))) return;
			await installOldDashboard(database);
			await database.connection.query(`${UNCHECKED}; UPDATE workspace_logs SET details = 'plain text' WHERE id = 42`);
			const { report } = await migrate(dataSource, ALLOWED);
			const [, count, sql] =
				/^workspace_logs: details has no CHECK.* (\d+) row\(s\) of .* are not JSON \((SELECT id [^)]*\))/m.exec(
					notesOf(report?.tables),
				) ?? [];
			assert.deepEqual([count, await database.rows(`${sql}`)], ["1", [{ id: 42 }]], notesOf(report?.tables));
			assert.deepEqual(await database.rows("SELECT details FROM workspace_logs WHERE id = 42"), [
				{ details: "plain text" },
			]);
			assert.match((await warningsOf(dataSource)).join("\n"), /^workspace_logs details has no CHECK.*MODIFY COLUMN/);
		}));

	it("is left alone unasked, also by a migration that runs under TypeORM alone", () =>
		withDatabase(async (database, dataSource) => {
			if (!(await isMariadb(database))) return;
			await installOldDashboard(database);
			await database.connection.query(UNCHECKED);
			const { report } = await migrate(dataSource);
			assert.match(notesOf(report?.tables), /^workspace_logs: details has no CHECK.*--allow-table-copy/m);
			const state = await stateOf(database);
			const queryRunner = dataSource.createQueryRunner();
			try {
				for (const migration of dataSource.migrations.slice(0, 1)) await migration.up(queryRunner);
			} finally {
				await queryRunner.release();
			}
			assert.deepEqual(await stateOf(database), state);
		}));
});
