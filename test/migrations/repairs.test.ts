import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { migrate } from "../../src";
import { addUsers, type TestDatabase } from "../../testing/database";
import { withDatabase } from "../../testing/dataSource";
import { OLD_TABLES, oldTables } from "../../testing/oldDashboard";
import { describeFreshSchema, describeSchema, dumpRows } from "../support/snapshot";

type Schema = Awaited<ReturnType<typeof describeSchema>>;

/** What somebody may have done to the tables of an older dashboard by hand; each ends as a fresh schema. */
const CASES: Readonly<Record<string, readonly string[]>> = {
	"columns that are too short": [
		"ALTER TABLE workspaces MODIFY COLUMN project_name VARCHAR(20) NOT NULL, MODIFY COLUMN cpu_limit VARCHAR(4) DEFAULT '1'",
		"ALTER TABLE user_api_keys MODIFY COLUMN openai_key_encrypted VARBINARY(64) NULL",
		"ALTER TABLE preview_environments MODIFY COLUMN preview_url VARCHAR(100) NULL",
	],
	"columns that may be NULL, or may not": [
		"ALTER TABLE workspaces MODIFY COLUMN project_name VARCHAR(100) NULL",
		"ALTER TABLE workspaces MODIFY COLUMN container_id VARCHAR(64) NOT NULL",
		"ALTER TABLE workspace_logs MODIFY COLUMN created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP",
	],
	"other defaults": [
		"ALTER TABLE workspaces ALTER COLUMN status SET DEFAULT 'error', ALTER COLUMN internal_port DROP DEFAULT",
		"ALTER TABLE workspaces ALTER COLUMN assigned_port SET DEFAULT 0, ALTER COLUMN ram_limit SET DEFAULT ''",
		"ALTER TABLE preview_environments ALTER COLUMN expires_at SET DEFAULT '2030-01-01 00:00:00'",
		"ALTER TABLE resource_limits MODIFY COLUMN created_at TIMESTAMP NULL",
	],
	"an ON UPDATE too many and one too few": [
		"ALTER TABLE workspaces MODIFY COLUMN updated_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP",
		`ALTER TABLE workspaces MODIFY COLUMN created_at
			TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP`,
	],
	"missing columns": [
		"ALTER TABLE workspaces DROP COLUMN error_message, DROP COLUMN max_lifetime_hours, DROP COLUMN created_at",
		"ALTER TABLE user_api_keys DROP COLUMN updated_at, DROP COLUMN openai_key_iv",
		"ALTER TABLE workspace_logs DROP COLUMN details",
	],
	"missing indexes and indexes with other names": [
		"ALTER TABLE workspaces DROP INDEX idx_status, RENAME INDEX idx_last_activity TO by_activity",
		"ALTER TABLE workspaces RENAME INDEX unique_workspace TO user_project",
		"ALTER TABLE preview_environments RENAME INDEX preview_hash TO hash, DROP INDEX idx_expires",
		"ALTER TABLE workspace_logs RENAME INDEX workspace_id TO idx_user_project_old, RENAME INDEX idx_created TO c",
	],
	"indexes of the right name on something else": [
		"ALTER TABLE workspaces DROP INDEX idx_status, ADD INDEX idx_status (status, container_id)",
		"ALTER TABLE workspaces ADD INDEX held (user_id), DROP INDEX unique_workspace",
		"ALTER TABLE workspaces ADD INDEX unique_workspace (user_id, project_name), DROP INDEX held",
		"ALTER TABLE preview_environments DROP INDEX idx_expires, ADD UNIQUE INDEX idx_expires (expires_at)",
	],
	"missing foreign keys": [
		"ALTER TABLE workspaces DROP FOREIGN KEY workspaces_ibfk_1, DROP FOREIGN KEY workspaces_ibfk_2",
		"ALTER TABLE user_api_keys DROP FOREIGN KEY user_api_keys_ibfk_1",
		"ALTER TABLE preview_environments DROP FOREIGN KEY preview_environments_ibfk_1",
		"ALTER TABLE workspace_logs DROP FOREIGN KEY workspace_logs_ibfk_2",
		"ALTER TABLE resource_limits DROP FOREIGN KEY resource_limits_ibfk_1",
	],
	"foreign keys that do something else, under the right names swapped": [
		`ALTER TABLE preview_environments DROP FOREIGN KEY preview_environments_ibfk_1,
			DROP FOREIGN KEY preview_environments_ibfk_2`,
		`ALTER TABLE preview_environments
			ADD CONSTRAINT preview_environments_ibfk_1 FOREIGN KEY (user_id) REFERENCES dashboard_users (id),
			ADD CONSTRAINT preview_environments_ibfk_2 FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
				ON DELETE CASCADE ON UPDATE CASCADE`,
	],
};

let fresh: Schema;

async function install(database: TestDatabase): Promise<void> {
	for (const sql of oldTables()) await database.connection.query(sql);
	const [ada, bob] = await addUsers(database, "ada", "bob");
	await database.connection.query(
		`INSERT INTO workspaces (id, user_id, project_name, container_id, updated_at)
			VALUES (1, ?, 'shop 🚀', 'c', '2024-01-01'), (2, ?, 'b', '', '2024-01-02');
		INSERT INTO user_api_keys (user_id, openai_key_encrypted) VALUES (?, x'00ff27');
		INSERT INTO preview_environments (workspace_id, user_id, project_name, preview_hash, expires_at)
			VALUES (1, ?, 'shop', 'h1', '2030-01-01'), (2, ?, 'b', 'h2', '2030-01-02');
		INSERT INTO workspace_logs (workspace_id, user_id, project_name, action, details)
			VALUES (1, ?, 'shop', 'start', '{"a":"🚀"}'), (NULL, ?, 'b', 'stop', NULL);
		INSERT INTO resource_limits (id, user_id) VALUES (5, ?), (6, NULL)`,
		[ada, bob, ada, ada, bob, ada, bob, ada],
	);
}

describe("a run repairs", () => {
	before(async () => {
		fresh = await describeFreshSchema();
	});

	for (const [name, changes] of Object.entries(CASES)) {
		it(`${name}, and leaves every value`, () =>
			withDatabase(async (database, dataSource) => {
				await install(database);
				for (const sql of changes) await database.connection.query(sql);
				const rows = await dumpRows(database);
				const { report } = await migrate(dataSource, { allowTableCopy: true });

				assert.deepEqual(await describeSchema(database), fresh);
				const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
				assert.deepEqual(upQueries, []);
				const later = await dumpRows(database);
				for (const table of [...OLD_TABLES, "dashboard_users"]) {
					const kept = later[table]?.map((row, index) => only(row, Object.keys(rows[table]?.[index] ?? {})));
					assert.deepEqual(kept, rows[table], table);
				}
				const outcomes = report?.tables.flatMap(({ table, outcome }) => (OLD_TABLES.includes(table) ? [outcome] : []));
				assert.ok(outcomes?.every((outcome) => outcome === "adopted" || outcome === "unchanged"));
			}));
	}
});

function only(row: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
	return Object.fromEntries(names.map((name) => [name, row[name]]));
}
