import type { Connection } from "mysql2/promise";
import { addUsers, type TestDatabase } from "./database";

/** What separates the databases that releases 1.1 to 1.5 of the dashboard left behind. */
export interface OldDashboard {
	/** Where explicit_defaults_for_timestamp was OFF, TIMESTAMP columns came out NOT NULL with defaults of their own. */
	readonly explicitTimestamps?: boolean;
	/** An early draft had no `last_accessed_by`. */
	readonly draft?: boolean;
	/** How the engine named the foreign keys: `ibfk`, or `1`, `2`, … as MariaDB 12.1 and later do. */
	readonly foreignKeyNames?: "ibfk" | "numbers";
	/** Global rows of resource_limits, one for each restart. */
	readonly globalRows?: number;
}

/** The schema function of the dashboard's releases, as they wrote it. */
export function oldTables({ draft = false, foreignKeyNames = "ibfk" }: OldDashboard = {}): string[] {
	const key = (table: string, number: number) =>
		foreignKeyNames === "ibfk" ? "" : `CONSTRAINT \`${table.replace(/[a-z]+_?/g, (word) => word[0] ?? "")}${number}\` `;
	const lastAccessedBy = draft ? "" : "last_accessed_by INT NULL,";
	const lastAccessedByKey = draft
		? ""
		: `${key("workspaces", 2)}FOREIGN KEY (last_accessed_by) REFERENCES dashboard_users(id) ON DELETE SET NULL,`;
	return [
		`CREATE TABLE IF NOT EXISTS workspaces (
			id INT AUTO_INCREMENT PRIMARY KEY,
			user_id INT NOT NULL,
			project_name VARCHAR(100) NOT NULL,
			container_id VARCHAR(64) NULL,
			container_name VARCHAR(100) NULL,
			status ENUM('stopped', 'starting', 'running', 'stopping', 'error') DEFAULT 'stopped',
			error_message TEXT NULL,
			internal_port INT DEFAULT 8080,
			assigned_port INT NULL,
			cpu_limit VARCHAR(20) DEFAULT '1',
			ram_limit VARCHAR(20) DEFAULT '2g',
			disk_limit VARCHAR(20) DEFAULT '10g',
			idle_timeout_minutes INT DEFAULT 30,
			max_lifetime_hours INT DEFAULT 24,
			last_activity TIMESTAMP NULL,
			${lastAccessedBy}
			started_at TIMESTAMP NULL,
			created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
			updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
			${key("workspaces", 1)}FOREIGN KEY (user_id) REFERENCES dashboard_users(id) ON DELETE CASCADE,
			${lastAccessedByKey}
			UNIQUE KEY unique_workspace (user_id, project_name),
			INDEX idx_status (status),
			INDEX idx_last_activity (last_activity)
		)`,
		`CREATE TABLE IF NOT EXISTS user_api_keys (
			id INT AUTO_INCREMENT PRIMARY KEY,
			user_id INT NOT NULL UNIQUE,
			anthropic_key_encrypted VARBINARY(512) NULL,
			anthropic_key_iv VARBINARY(16) NULL,
			openai_key_encrypted VARBINARY(512) NULL,
			openai_key_iv VARBINARY(16) NULL,
			created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
			updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
			${key("user_api_keys", 1)}FOREIGN KEY (user_id) REFERENCES dashboard_users(id) ON DELETE CASCADE
		)`,
		`CREATE TABLE IF NOT EXISTS preview_environments (
			id INT AUTO_INCREMENT PRIMARY KEY,
			workspace_id INT NOT NULL,
			user_id INT NOT NULL,
			project_name VARCHAR(100) NOT NULL,
			preview_hash VARCHAR(32) NOT NULL UNIQUE,
			preview_url VARCHAR(255) NULL,
			container_id VARCHAR(64) NULL,
			container_name VARCHAR(100) NULL,
			assigned_port INT NULL,
			status ENUM('creating', 'running', 'stopping', 'stopped', 'expired', 'error') DEFAULT 'creating',
			error_message TEXT NULL,
			expires_at TIMESTAMP NOT NULL,
			password_hash VARCHAR(255) NULL,
			created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
			${key("preview_environments", 1)}FOREIGN KEY (workspace_id) REFERENCES workspaces(id) ON DELETE CASCADE,
			${key("preview_environments", 2)}FOREIGN KEY (user_id) REFERENCES dashboard_users(id) ON DELETE CASCADE,
			INDEX idx_expires (expires_at),
			INDEX idx_status (status)
		)`,
		`CREATE TABLE IF NOT EXISTS workspace_logs (
			id INT AUTO_INCREMENT PRIMARY KEY,
			workspace_id INT NULL,
			user_id INT NOT NULL,
			project_name VARCHAR(100) NOT NULL,
			action ENUM('create', 'start', 'stop', 'delete', 'sync_to_project', 'sync_from_project',
				'preview_create', 'preview_delete', 'timeout', 'error') NOT NULL,
			details JSON NULL,
			created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
			${key("workspace_logs", 1)}FOREIGN KEY (workspace_id) REFERENCES workspaces(id) ON DELETE SET NULL,
			${key("workspace_logs", 2)}FOREIGN KEY (user_id) REFERENCES dashboard_users(id) ON DELETE CASCADE,
			INDEX idx_user_project (user_id, project_name),
			INDEX idx_created (created_at)
		)`,
		`CREATE TABLE IF NOT EXISTS resource_limits (
			id INT AUTO_INCREMENT PRIMARY KEY,
			user_id INT NULL,
			max_workspaces INT DEFAULT 2,
			default_cpu VARCHAR(20) DEFAULT '1',
			default_ram VARCHAR(20) DEFAULT '2g',
			default_disk VARCHAR(20) DEFAULT '10g',
			default_idle_timeout INT DEFAULT 30,
			max_previews_per_workspace INT DEFAULT 3,
			default_preview_lifetime_hours INT DEFAULT 24,
			created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
			updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
			${key("resource_limits", 1)}FOREIGN KEY (user_id) REFERENCES dashboard_users(id) ON DELETE CASCADE,
			UNIQUE KEY unique_user_limits (user_id)
		)`,
	];
}

/** The names of the tables that the dashboard's releases made. */
export const OLD_TABLES: readonly string[] = oldTables().map((sql) => /EXISTS (\w+)/.exec(sql)?.[1] ?? "");

/** What the dashboard does at every start, errors of later statements swallowed as it does. */
export async function startOldDashboard(connection: Connection): Promise<void> {
	for (const sql of oldTables()) await connection.query(sql);
	const swallowed = [
		"ALTER TABLE workspaces ADD COLUMN code_server_password_encrypted VARBINARY(512) NULL",
		"ALTER TABLE workspaces ADD COLUMN code_server_password_iv VARBINARY(16) NULL",
		"INSERT INTO resource_limits (user_id) VALUES (NULL)",
		`DELETE FROM resource_limits WHERE user_id IS NULL AND id NOT IN
			(SELECT id FROM (SELECT MIN(id) AS id FROM resource_limits WHERE user_id IS NULL) AS lowest)`,
	];
	for (const sql of swallowed) await connection.query(sql).catch(() => undefined);
}

/** Makes the five tables as an older dashboard did, with rows in each that are easy to lose. */
export async function installOldDashboard(database: TestDatabase, old: OldDashboard = {}): Promise<void> {
	const { connection } = database;
	const { explicitTimestamps = true, globalRows = 3 } = old;
	await connection.query(`SET SESSION explicit_defaults_for_timestamp = ${explicitTimestamps ? 1 : 0}`);
	for (const sql of oldTables(old)) await connection.query(sql);
	await connection.query("SET SESSION explicit_defaults_for_timestamp = 1");
	if (!old.draft) {
		await connection.query("ALTER TABLE workspaces ADD COLUMN code_server_password_encrypted VARBINARY(512) NULL");
		await connection.query("ALTER TABLE workspaces ADD COLUMN code_server_password_iv VARBINARY(16) NULL");
	}
	await fill(database, old, globalRows);
}

type Row = readonly [table: string, values: Readonly<Record<string, unknown>>];

async function fill(database: TestDatabase, old: OldDashboard, globalRows: number): Promise<void> {
	const [ada = 0, bob = 0] = await addUsers(database, "ada", "bob");
	const rows = [...workspaceRows({ ada, bob }, old), ...otherRows({ ada, bob }), ...limitRows({ bob }, globalRows)];
	for (const [table, values] of rows) await database.connection.query(`INSERT INTO ${table} SET ?`, [values]);
}

const time = (day: number) => `2024-02-${String(day).padStart(2, "0")} 03:04:05`;
const BLOB = Buffer.from([0, 255, 39, 92, 10, 13, 26, 128]);
const PROJECT = "naïve 🚀 'quoted'";

function workspaceRows({ ada, bob }: { ada: number; bob: number }, { draft }: OldDashboard): Row[] {
	const later = { code_server_password_encrypted: BLOB, code_server_password_iv: Buffer.alloc(16, 7) };
	const used = {
		id: 11,
		user_id: ada,
		project_name: PROJECT,
		container_id: "c".repeat(64),
		status: "running",
		error_message: "tab\tnew\nline \\ 🧨",
		assigned_port: 10007,
		last_activity: time(3),
		started_at: time(2),
		created_at: time(1),
		updated_at: time(4),
		...(draft ? {} : { last_accessed_by: bob, ...later }),
	};
	const bare = { id: 12, user_id: bob, project_name: "bare", status: null, created_at: time(5), updated_at: time(6) };
	return [
		["workspaces", used],
		["workspaces", bare],
	];
}

function otherRows({ ada, bob }: { ada: number; bob: number }): Row[] {
	const key = {
		id: 21,
		user_id: ada,
		anthropic_key_encrypted: Buffer.concat([BLOB, Buffer.alloc(504, 1)]),
		anthropic_key_iv: Buffer.alloc(16, 200),
		created_at: time(1),
		updated_at: time(2),
	};
	const preview = {
		id: 31,
		workspace_id: 11,
		user_id: ada,
		project_name: PROJECT,
		preview_hash: "h".repeat(32),
		status: "running",
		expires_at: time(28),
		password_hash: "$2b$10$hash",
		created_at: time(7),
	};
	const log = { id: 41, workspace_id: 11, user_id: ada, project_name: "p", action: "error", created_at: time(8) };
	const lost = { id: 42, workspace_id: null, user_id: bob, project_name: "p", action: "create", created_at: time(9) };
	return [
		["user_api_keys", key],
		["preview_environments", preview],
		["workspace_logs", { ...log, details: '{"a":[1,"🚀",null]}' }],
		["workspace_logs", { ...lost, details: null }],
	];
}

function limitRows({ bob }: { bob: number }, globalRows: number): Row[] {
	const first = { id: 51, max_workspaces: 9, default_cpu: null, created_at: time(1), updated_at: time(2) };
	const others = Array.from({ length: globalRows - 1 }, (_, row) => {
		return { id: 52 + row, created_at: time(row + 3), updated_at: time(row + 3) };
	});
	const own = { id: 71, user_id: bob, max_workspaces: 5, created_at: time(3), updated_at: time(3) };
	const general = [first, ...others].map((values): Row => ["resource_limits", { ...values, user_id: null }]);
	return [...general, ["resource_limits", own]];
}

/** The kinds of databases that older dashboards left behind. */
export const ADOPTION_CASES: Readonly<Record<string, OldDashboard>> = {
	"releases 1.1 to 1.5": {},
	"a server without explicit defaults for TIMESTAMP": { explicitTimestamps: false },
	"the early draft": { draft: true },
	"the early draft without explicit defaults for TIMESTAMP": { draft: true, explicitTimestamps: false },
	"foreign keys with other names": { foreignKeyNames: "numbers" },
	"a single global row": { globalRows: 1 },
	"nineteen global rows": { globalRows: 19 },
};
