import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { migrate, plan } from "../../src";
import { IncompatibleSchemaError } from "../../src/errors";
import { addUsers, type TestDatabase } from "../../testing/database";
import { withDatabase } from "../../testing/dataSource";
import { oldTables } from "../../testing/oldDashboard";
import { snapshot } from "../support/snapshot";

interface Case {
	readonly prepare: (database: TestDatabase) => Promise<unknown>;
	/** Each in full, in the order in which they are listed. */
	readonly problems: readonly string[];
}

const KEY = /,\s*FOREIGN KEY[^,]*?\) ON DELETE (CASCADE|SET NULL)/g;

/** The tables of an older dashboard, one piece of their text replaced. */
async function install(database: TestDatabase, from: string | RegExp, to: string): Promise<void> {
	const tables = oldTables().map((sql) => sql.replaceAll(from, to));
	assert.notDeepEqual(tables, oldTables(), "the piece was found");
	for (const sql of tables) await database.connection.query(sql);
}

const withoutKeys = (database: TestDatabase) => install(database, KEY, "");

const CASES: Readonly<Record<string, Case>> = {
	"an id of another type": {
		prepare: async (database) => {
			await withoutKeys(database);
			await database.connection.query("ALTER TABLE workspaces MODIFY COLUMN user_id BIGINT NOT NULL");
			await database.connection.query("ALTER TABLE workspace_logs MODIFY COLUMN user_id INT UNSIGNED NOT NULL");
		},
		problems: [
			"workspaces.user_id is bigint NOT NULL, expected int NOT NULL",
			"workspace_logs.user_id is int unsigned NOT NULL, expected int NOT NULL",
		],
	},
	"an engine without foreign keys": {
		prepare: async (database) => {
			await withoutKeys(database);
			await database.connection.query("ALTER TABLE user_api_keys ENGINE=MyISAM");
		},
		problems: ["user_api_keys uses the engine MyISAM, expected InnoDB (ALTER TABLE `user_api_keys` ENGINE=InnoDB)"],
	},
	"columns that are too wide": {
		prepare: (database) => install(database, /VARCHAR\(100\)|VARBINARY\(16\)/g, "VARCHAR(150)"),
		problems: [
			"workspaces.project_name is varchar(150) NOT NULL, expected varchar(100) NOT NULL",
			"workspaces.container_name is varchar(150) NULL, expected varchar(100) NULL",
			"user_api_keys.anthropic_key_iv is varchar(150) NULL, expected varbinary(16) NULL",
			"user_api_keys.openai_key_iv is varchar(150) NULL, expected varbinary(16) NULL",
			"preview_environments.project_name is varchar(150) NOT NULL, expected varchar(100) NOT NULL",
			"preview_environments.container_name is varchar(150) NULL, expected varchar(100) NULL",
			"workspace_logs.project_name is varchar(150) NOT NULL, expected varchar(100) NOT NULL",
		],
	},
	"another kind of time, text or status": {
		prepare: async (database) => {
			await install(database, "last_activity TIMESTAMP NULL", "last_activity DATETIME NULL");
			await database.connection.query("ALTER TABLE workspaces MODIFY COLUMN status VARCHAR(20) DEFAULT 'stopped'");
			await database.connection.query("ALTER TABLE preview_environments MODIFY COLUMN error_message MEDIUMTEXT NULL");
		},
		problems: [
			"workspaces.status is varchar(20) NULL, expected enum('stopped','starting','running','stopping','error') NULL",
			"workspaces.last_activity is datetime NULL, expected timestamp NULL",
			"preview_environments.error_message is mediumtext NULL, expected text NULL",
		],
	},
	"a missing column that must not be NULL": {
		prepare: async (database) => {
			for (const sql of oldTables()) await database.connection.query(sql);
			await database.connection.query("ALTER TABLE preview_environments DROP COLUMN expires_at");
			await database.connection.query("ALTER TABLE workspace_logs DROP COLUMN action");
		},
		problems: [
			"preview_environments.expires_at is missing, expected timestamp NOT NULL",
			"workspace_logs.action is missing, expected enum('create','start','stop','delete','sync_to_project'," +
				"'sync_from_project','preview_create','preview_delete','timeout','error','admin_force_stop') NOT NULL",
		],
	},
	"other primary keys": {
		prepare: async (database) => {
			for (const sql of oldTables()) await database.connection.query(sql);
			await database.connection.query(
				"ALTER TABLE user_api_keys ADD UNIQUE KEY (id), DROP PRIMARY KEY, ADD PRIMARY KEY (user_id)",
			);
			await database.connection.query("ALTER TABLE resource_limits DROP PRIMARY KEY, ADD PRIMARY KEY (id, created_at)");
			await database.connection.query("ALTER TABLE workspace_logs MODIFY COLUMN id INT NOT NULL");
		},
		problems: [
			"user_api_keys has the primary key (user_id), expected (id)",
			"workspace_logs.id is int NOT NULL, expected int NOT NULL AUTO_INCREMENT",
			"resource_limits has the primary key (id, created_at), expected (id)",
		],
	},
	"a view in a table's place": {
		prepare: (database) => database.connection.query("CREATE VIEW workspace_logs AS SELECT 1 AS id"),
		problems: ["workspace_logs is a view, expected a table; rename or drop it"],
	},
	"rows without a parent where a foreign key is missing": {
		prepare: async (database) => {
			await withoutKeys(database);
			const [ada] = await addUsers(database, "ada");
			await database.connection.query(
				`INSERT INTO workspaces (id, user_id, project_name, last_accessed_by)
					VALUES (1, ?, 'a', 99), (2, 77, 'b', NULL), (3, 77, 'c', 99);
				INSERT INTO workspace_logs (workspace_id, user_id, project_name, action) VALUES (55, ?, 'a', 'stop')`,
				[ada, ada],
			);
		},
		problems: [
			"2 row(s) of workspaces have a last_accessed_by that is not in dashboard_users; correct or delete them",
			"2 row(s) of workspaces have a user_id that is not in dashboard_users; correct or delete them",
			"1 row(s) of workspace_logs have a workspace_id that is not in workspaces; correct or delete them",
		],
	},
	"NULLs where none may be": {
		prepare: async (database) => {
			await install(database, "project_name VARCHAR(100) NOT NULL", "project_name VARCHAR(100) NULL");
			const [ada] = await addUsers(database, "ada");
			await database.connection.query("INSERT INTO workspaces (user_id) VALUES (?), (?)", [ada, ada]);
		},
		problems: ["2 row(s) of workspaces have no project_name, which must not be NULL; fill them in or delete them"],
	},
	"repeated values where each must be there once": {
		prepare: async (database) => {
			await install(database, /UNIQUE KEY unique_workspace|UNIQUE KEY unique_user_limits/g, "INDEX other");
			const [ada, bob] = await addUsers(database, "ada", "bob");
			await database.connection.query(
				`INSERT INTO workspaces (user_id, project_name) VALUES (?, 'a'), (?, 'A'), (?, 'a'), (?, 'b'), (?, 'b');
				INSERT INTO resource_limits (user_id) VALUES (?), (?), (?), (NULL), (NULL)`,
				[ada, ada, bob, bob, bob, ada, bob, bob],
			);
		},
		problems: [
			"2 value(s) of (user_id, project_name) stand in several rows of workspaces, expected each once; merge them",
			"1 value(s) of (user_id) stand in several rows of resource_limits, expected each once; merge them",
		],
	},
	"no dashboard_users": {
		prepare: (database) => database.connection.query("DROP TABLE dashboard_users"),
		problems: [
			"the table dashboard_users is missing; it belongs to the dashboard: start the dashboard once, then migrate",
		],
	},
	"a dashboard_users with an id of another type": {
		prepare: (database) =>
			database.connection.query("ALTER TABLE dashboard_users MODIFY COLUMN id BIGINT AUTO_INCREMENT"),
		problems: ["dashboard_users.id is bigint, expected int: foreign keys refer to it"],
	},
	"a dashboard_users that nothing can refer to": {
		prepare: (database) => database.connection.query("ALTER TABLE dashboard_users ENGINE=MyISAM"),
		problems: ["dashboard_users uses the engine MyISAM, expected InnoDB"],
	},
	"what only later migrations look at, and what the first one does": {
		prepare: async (database) => {
			await install(database, "started_at TIMESTAMP", "started_at DATE");
			await database.connection.query("ALTER TABLE workspaces ADD COLUMN code_server_password_iv TEXT NULL");
			await database.connection.query("ALTER TABLE resource_limits ADD COLUMN global_row INT NULL");
		},
		problems: [
			"workspaces.started_at is date NULL, expected timestamp NULL",
			"resource_limits.global_row is int NULL, expected tinyint NULL generated as IF(user_id IS NULL, 1, NULL)",
			"workspaces.code_server_password_iv is text NULL, expected varbinary(16) NULL",
		],
	},
};

describe("a run", () => {
	for (const [name, { prepare, problems }] of Object.entries(CASES)) {
		it(`refuses ${name} before anything is changed, with each difference listed`, () =>
			withDatabase(async (database, dataSource) => {
				await prepare(database);
				const before = await snapshot(database);
				const refused = (error: unknown) => {
					assert.ok(error instanceof IncompatibleSchemaError, String(error));
					assert.deepEqual(error.problems, problems);
					for (const problem of problems) assert.ok(error.message.includes(problem));
					return true;
				};
				await assert.rejects(migrate(dataSource), refused);
				assert.deepEqual(await snapshot(database), before);
				await assert.rejects(plan(dataSource), refused);
				assert.deepEqual(await snapshot(database), before);
			}));
	}
});
