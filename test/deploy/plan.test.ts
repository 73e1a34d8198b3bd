import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DataSource } from "typeorm";
import { migrate, plan, revert } from "../../src";
import { migrations } from "../../src/migrations";
import type { TestDatabase } from "../../testing/database";
import { statementsOf, withDatabase, writes } from "../../testing/dataSource";
import { ADOPTION_CASES, installOldDashboard, oldTables, startOldDashboard } from "../../testing/oldDashboard";
import { describeSchema, snapshot } from "../support/snapshot";

type Prepare = (database: TestDatabase, dataSource: DataSource) => Promise<unknown>;

const adopted = Object.entries(ADOPTION_CASES).map(([name, old]): [string, Prepare] => [
	name,
	(database) => installOldDashboard(database, old),
]);

const CASES: Readonly<Record<string, Prepare>> = {
	"an empty database": async () => undefined,
	...Object.fromEntries(adopted),
	"a database that the dashboard started on": (database) => startOldDashboard(database.connection),
	"a database with the first two tables only": async (database) => {
		for (const sql of oldTables().slice(0, 2)) await database.connection.query(sql);
	},
	"a database of which the last three migrations were reverted": async (_, dataSource) => {
		await migrate(dataSource);
		for (let count = 0; count < 3; count++) await revert(dataSource);
	},
	"a database of which a revert was interrupted": async ({ connection }, dataSource) => {
		await migrate(dataSource);
		await connection.query("UPDATE migrations SET name = CONCAT(name, ' (half reverted)') ORDER BY id DESC LIMIT 1");
		await connection.query("ALTER TABLE workspaces DROP INDEX idx_project_name");
	},
	"a database with columns, indexes, keys and ENUM values of its own": async (database) => {
		await installOldDashboard(database);
		await database.connection.query(
			`ALTER TABLE workspaces ADD COLUMN owners_note TEXT NULL, ADD INDEX own (container_name, status),
				MODIFY COLUMN status ENUM('stopped','paused','starting','running','stopping','error') DEFAULT 'stopped';
			ALTER TABLE workspace_logs ADD COLUMN actor INT NULL, ADD FOREIGN KEY (actor) REFERENCES dashboard_users (id),
				MODIFY COLUMN action ENUM('create','start','stop','delete','sync_to_project','sync_from_project',
					'preview_create','preview_delete','timeout','error','migrated') NOT NULL`,
		);
	},
	"a database with short columns, other index names and without foreign keys": async ({ connection }) => {
		const tables = oldTables({ draft: true }).join(";").replaceAll("idx_status", "by_status");
		await connection.query(tables.replaceAll(/,?\s*FOREIGN KEY[^,]*?\) ON DELETE (CASCADE|SET NULL)/g, ""));
		await connection.query("ALTER TABLE preview_environments MODIFY COLUMN preview_url VARCHAR(100) NULL");
	},
};

const NOTHING = { migrations: [], unplanned: [], statements: [], steps: [], refusals: [], notes: [] };

/** The statements that may change something, without what sets the session up and what is only tried. */
function changes(statements: readonly string[]): string[] {
	return writes(statements)
		.join(";\n")
		.replaceAll(/START TRANSACTION;\n[\s\S]*?;\nROLLBACK;?\n?/g, "")
		.replaceAll(
			/SET SESSION foreign_key_checks = 0;\n(ALTER TABLE `dployr_\w+` [^;]*;\n)+SET SESSION foreign_key_checks = 1;?\n?/g,
			"",
		)
		.split(/;\n/)
		.filter(
			(sql) => sql && !/^SET SESSION .*lock_wait_timeout|^(CREATE|ALTER|DROP) TABLE (IF EXISTS )?`dployr_/.test(sql),
		);
}

describe("a plan", () => {
	for (const [name, prepare] of Object.entries(CASES)) {
		it(`of ${name} changes nothing and says what a run then sends`, () =>
			withDatabase(async (database, dataSource) => {
				await prepare(database, dataSource);
				const before = await snapshot(database);
				const schema = await describeSchema(database);
				const looked = await statementsOf(dataSource, async () => {
					await plan(dataSource, { allowTableCopy: true });
				});
				assert.ok(looked.length > 0, "it looked");
				assert.deepEqual(changes(looked), []);
				const planned = await plan(dataSource, { allowTableCopy: true });
				assert.deepEqual(await snapshot(database), before);
				assert.deepEqual(await describeSchema(database), schema);

				const sent = await statementsOf(dataSource, async () => {
					const { migrations: run } = await migrate(dataSource, { allowTableCopy: true });
					assert.deepEqual(
						run.map((migration) => migration.name),
						planned.migrations,
					);
				});
				assert.ok(planned.statements.length >= planned.migrations.length && planned.migrations.length > 0);
				assert.deepEqual(planned.statements, changes(sent));
			}));
	}

	it("is empty where nothing is pending", () =>
		withDatabase(async (database, dataSource) => {
			await migrate(dataSource);
			const before = await snapshot(database);
			assert.deepEqual(await plan(dataSource), NOTHING);
			assert.deepEqual(await snapshot(database), before);
		}));

	it("names every pending migration", () =>
		withDatabase(async (_, dataSource) => {
			const planned = await plan(dataSource);
			assert.deepEqual(
				planned.migrations,
				migrations.map((migration) => migration.name),
			);
		}));
});
