import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { TableReport } from "../../src";
import { migrate, revert } from "../../src";
import { createTestDatabase } from "../../testing/database";
import { TABLES, withDatabase, withDataSource } from "../../testing/dataSource";
import { installOldDashboard, OLD_TABLES, oldTables } from "../../testing/oldDashboard";
import { describeFreshSchema, describeSchema, dumpRows, snapshot } from "../support/snapshot";

type Schema = Awaited<ReturnType<typeof describeSchema>>;
type Row = Record<string, unknown>;

let fresh: Schema;

/** The rows of a description that the other one does not have. */
function added(part: keyof Schema, schema: Schema): Row[] {
	const known = new Set((fresh[part] as Row[]).map((row) => JSON.stringify({ ...row, position: null })));
	return (schema[part] as Row[]).filter((row) => !known.has(JSON.stringify({ ...row, position: null })));
}

/** The rows of the fresh schema that a description does not have. */
function lost(part: keyof Schema, schema: Schema): Row[] {
	const found = new Set((schema[part] as Row[]).map((row) => JSON.stringify({ ...row, position: null })));
	return (fresh[part] as Row[]).filter((row) => !found.has(JSON.stringify({ ...row, position: null })));
}

function places(rows: readonly Row[]): unknown[] {
	return rows.map((row) => `${row["t"]}.${row["name"]}`);
}

describe("a run", () => {
	before(async () => {
		fresh = await describeFreshSchema();
	});

	it("leaves columns, indexes, keys and ENUM values that it does not know, with what is in them", () =>
		withDatabase(async (database, dataSource) => {
			await installOldDashboard(database);
			await database.connection.query(
				`CREATE TABLE teams (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(9)); INSERT INTO teams VALUES (3, 'ops 🚀');
				ALTER TABLE dashboard_users ADD COLUMN language VARCHAR(5) DEFAULT 'de', ADD COLUMN email VARCHAR(255) NULL;
				ALTER TABLE workspaces ADD COLUMN owners_team INT NULL AFTER user_id, ADD COLUMN owners_note TEXT NOT NULL,
					ADD INDEX by_name (container_name, status), ADD CONSTRAINT own FOREIGN KEY (owners_team) REFERENCES teams (id),
					MODIFY COLUMN status ENUM('paused','stopped','starting','running','stopping','error') DEFAULT 'stopped';
				UPDATE workspaces SET owners_team = 3, owners_note = 'my 🚀 note', status = 'paused', updated_at = updated_at WHERE id = 11;
				ALTER TABLE workspace_logs MODIFY COLUMN action ENUM('create','start','stop','delete','sync_to_project',
					'sync_from_project','preview_create','preview_delete','timeout','error','migrated') NOT NULL;
				UPDATE workspace_logs SET action = 'migrated' WHERE id = 42`,
			);
			const rows = await dumpRows(database);
			const teams = (await snapshot(database))["teams"];
			const { report } = await migrate(dataSource);

			const schema = await describeSchema(database);
			assert.deepEqual(places(added("columns", schema)).sort(), [
				"workspace_logs.action",
				"workspaces.owners_note",
				"workspaces.owners_team",
				"workspaces.status",
			]);
			assert.deepEqual(places(lost("columns", schema)).sort(), ["workspace_logs.action", "workspaces.status"]);
			assert.deepEqual(places(added("foreignKeys", schema)), ["workspaces.own"]);
			assert.deepEqual(new Set(places(added("indexes", schema))), new Set(["workspaces.by_name", "workspaces.own"]));
			for (const part of ["tables", "indexes", "foreignKeys", "checks"]) assert.deepEqual(lost(part, schema), []);
			const types = await database.rows<{ type: string }>(
				`SELECT COLUMN_TYPE AS type FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()
				AND (TABLE_NAME, COLUMN_NAME) IN (('workspaces', 'status'), ('workspace_logs', 'action'))`,
			);
			assert.deepEqual(types.map(({ type }) => type).sort(), [
				"enum('create','start','stop','delete','sync_to_project','sync_from_project','preview_create'," +
					"'preview_delete','timeout','error','migrated','admin_force_stop','force_delete')",
				"enum('paused','stopped','starting','running','stopping','error')",
			]);
			const later = await dumpRows(database);
			assert.equal(later["workspaces"]?.find((row) => row["id"] === 11)?.["owners_note"], "my 🚀 note");
			for (const table of OLD_TABLES.filter((name) => name !== "resource_limits")) {
				const columns = Object.keys(rows[table]?.[0] ?? {});
				const known = later[table]?.map((row) => Object.fromEntries(columns.map((column) => [column, row[column]])));
				assert.deepEqual(known, rows[table], table);
			}
			assert.deepEqual(later["dashboard_users"], rows["dashboard_users"]);
			assert.deepEqual((await snapshot(database))["teams"], teams);
			assert.ok(
				notesOf(report?.tables, "workspaces").some((note) => note.includes("status") && note.includes("paused")),
			);
			assert.ok(notesOf(report?.tables, "workspace_logs").some((note) => note.includes("migrated")));
		}));

	for (const present of [
		...OLD_TABLES.map((table) =>
			OLD_TABLES.filter((other) => other !== table && !(table === "workspaces" && needs(other))),
		),
		["workspaces"],
		["user_api_keys"],
		["resource_limits"],
	]) {
		it(`completes a database that has only ${present.join(", ")}`, () =>
			withDatabase(async (database, dataSource) => {
				for (const sql of oldTables()) {
					const [, table = ""] = /EXISTS (\w+)/.exec(sql) ?? [];
					if (present.includes(table as "workspaces")) await database.connection.query(sql);
				}
				const { report } = await migrate(dataSource);
				assert.deepEqual(await describeSchema(database), fresh);
				const created = report?.tables.filter(({ outcome }) => outcome === "created").map(({ table }) => table);
				const missing = TABLES.filter((table) => !(present as readonly string[]).includes(table));
				assert.deepEqual(new Set(created), new Set(missing));
			}));
	}

	it("adopts a table in latin1 as it is, with a note, and makes new ones in utf8mb4", () =>
		withDatabase(async (database, dataSource) => {
			await database.connection.query(`ALTER DATABASE ${database.name} CHARACTER SET latin1`);
			await database.connection.query(oldTables()[0] ?? "");
			await database.connection.query("INSERT INTO dashboard_users VALUES (1, 'ada', 'x', 'ada', 0, 0, NOW())");
			await database.connection.query("INSERT INTO workspaces (id, user_id, project_name) VALUES (1, 1, 'naïve')");
			const [row] = await database.rows("SELECT * FROM workspaces");
			const { report } = await migrate(dataSource);

			const notes = notesOf(report?.tables, "workspaces");
			assert.equal(notes.length, 1);
			assert.match(notes[0] ?? "", /latin1_swedish_ci.*left as it is, .*--allow-table-copy/);
			const collations = await database.rows<{ name: string; collation: string }>(
				`SELECT TABLE_NAME AS name, TABLE_COLLATION AS collation FROM information_schema.TABLES
				WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (?)`,
				[[...TABLES]],
			);
			for (const { name, collation } of collations) {
				assert.equal(collation, name === "workspaces" ? "latin1_swedish_ci" : "utf8mb4_unicode_ci", name);
			}
			const [later] = await database.rows("SELECT * FROM workspaces");
			for (const [column, value] of Object.entries(later ?? {})) assert.deepEqual(value, row?.[column] ?? null, column);
			const withoutText = (schema: Schema) => schema["columns"]?.map((column) => ({ ...(column as Row), ...NO_TEXT }));
			assert.deepEqual(withoutText(await describeSchema(database)), withoutText(fresh));
		}));

	for (const [name, old] of Object.entries({ "an empty": undefined, "an older": {} })) {
		it(`brings ${name} database to the same schema in a session without explicit defaults for TIMESTAMP`, async () => {
			const database = await createTestDatabase();
			try {
				if (old) await installOldDashboard(database, old);
				await withDataSource(database, { poolSize: 1 }, async (dataSource) => {
					await dataSource.query("SET SESSION explicit_defaults_for_timestamp = 0");
					await migrate(dataSource);
					const [session] = await dataSource.query("SELECT @@session.explicit_defaults_for_timestamp AS explicit");
					assert.equal(Number(session.explicit), 0, "it was that session");
					await revert(dataSource);
					const [expiry] = await dataSource.query("SHOW COLUMNS FROM preview_environments LIKE 'expires_at'");
					assert.deepEqual([expiry.Default, expiry.Extra], [null, ""]);
					await migrate(dataSource);
				});
				assert.deepEqual(await describeSchema(database), fresh);
			} finally {
				await database.drop();
			}
		});
	}
});

const NO_TEXT = { charset: null, collation: null };

function needs(table: string): boolean {
	return table === "preview_environments" || table === "workspace_logs";
}

function notesOf(tables: readonly TableReport[] | undefined, name: string): readonly string[] {
	return tables?.find(({ table }) => table === name)?.notes ?? [];
}
