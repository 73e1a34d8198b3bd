import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { oldTables } from "../../testing/oldDashboard";

/** What is in the tables, in numbers that the tests count on. */
export const BIG = {
	users: 1_000,
	workspaces: 100_000,
	previews: 1_000_000,
	logs: 1_000_000,
	workspacesOfUser: 100,
	running: 200,
	starting: 100,
	stopping: 100,
	idle: 10,
	pastLifetime: 5,
	/** Of each of the first 20,000 workspaces, history included. */
	previewsOfWorkspace: 50,
	/** All but the others' history: of one workspace. */
	activePreviews: 40,
	activeWorkspace: 78,
	expiredPreviews: 20,
	workspacePorts: 40,
	previewPorts: 20,
	logsOfWorkspace: 1_000,
	logsOfProject: 200,
} as const;

/** n + 1 is the id of the row that the n-th line makes. */
const FILL = [
	"SET foreign_key_checks = 0, unique_checks = 0",
	"CREATE TABLE digits (digit INT)",
	"INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)",
	`CREATE TABLE numbers (n INT PRIMARY KEY) AS SELECT a.digit + 10 * b.digit + 100 * c.digit + 1000 * d.digit
		+ 10000 * e.digit + 100000 * f.digit AS n FROM digits a, digits b, digits c, digits d, digits e, digits f`,
	`INSERT INTO dashboard_users (id, username, password_hash, system_username)
		SELECT n + 1, CONCAT('user-', n), 'x', CONCAT('sys-', n) FROM numbers WHERE n < ${BIG.users}`,
	"INSERT INTO resource_limits (user_id) VALUES (NULL)",
	`INSERT INTO resource_limits (user_id, max_workspaces, max_previews_per_workspace)
		SELECT n + 1, 1000, 1000 FROM numbers WHERE n < 500`,
	`INSERT INTO workspaces (id, user_id, project_name, status, assigned_port, idle_timeout_minutes, max_lifetime_hours,
			last_activity, started_at, created_at)
		SELECT n + 1, n MOD ${BIG.users} + 1, CONCAT('project-', n), CASE WHEN n MOD 500 = 1 THEN 'running'
				WHEN n MOD 1000 = 3 THEN 'starting' WHEN n MOD 1000 = 5 THEN 'stopping' WHEN n MOD 3 = 0 THEN 'error'
				ELSE 'stopped' END,
			IF(n MOD 2500 = 1, 10000 + n DIV 2500, NULL), ELT(n MOD 3 + 1, 15, 30, 60), ELT(n MOD 2 + 1, 24, 48),
			IF(n MOD 500 <> 1, NOW() - INTERVAL n MINUTE,
				IF(n MOD 10000 = 1, NOW() - INTERVAL 2 HOUR, NOW() + INTERVAL 1 HOUR)),
			IF(n MOD 20000 = 1, NOW() - INTERVAL 60 HOUR, NOW() - INTERVAL 1 HOUR), NOW() - INTERVAL n SECOND
		FROM numbers WHERE n < ${BIG.workspaces} ORDER BY n`,
	`INSERT INTO preview_environments (id, workspace_id, user_id, project_name, preview_hash, status, assigned_port,
			expires_at, created_at)
		SELECT n + 1, n MOD 20000 + 1, n MOD 1000 + 1, 'project', CONCAT('hash-', n),
			IF(n MOD 20000 = 77 AND n < 800000, ELT(n DIV 20000 MOD 2 + 1, 'running', 'creating'),
				ELT(n MOD 3 + 1, 'stopped', 'expired', 'error')),
			IF(n MOD 20000 = 77 AND n < 400000, 10050 + n DIV 20000, NULL),
			NOW() + INTERVAL IF(n MOD 40000 = 77, -1, 1) * (n MOD 7919 + 60) MINUTE, NOW() - INTERVAL 1000000 - n SECOND
		FROM numbers ORDER BY n`,
	`INSERT INTO workspace_logs (id, workspace_id, user_id, project_name, action, details, created_at)
		SELECT n + 1, n MOD 1000 + 1, n MOD 1000 + 1, CONCAT('project-', n DIV 1000 MOD 5), 'start', '{"a":1}',
			NOW() - INTERVAL 1000000 - n SECOND
		FROM numbers ORDER BY n`,
	"DROP TABLE numbers, digits",
	"SET foreign_key_checks = 1, unique_checks = 1",
];

/** A database whose tables an old dashboard made and filled over the years. */
export async function createBigDatabase(): Promise<TestDatabase> {
	const database = await createTestDatabase();
	try {
		for (const sql of [...oldTables(), ...FILL]) await database.connection.query(sql);
		return database;
	} catch (error) {
		await database.drop();
		throw error;
	}
}
