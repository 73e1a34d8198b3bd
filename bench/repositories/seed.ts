import type { Connection } from "mysql2/promise";
import { ACTIVE } from "./operation";

/** How many rows the tables hold. */
export interface Size {
	readonly workspaces: number;
	readonly previews: number;
	readonly logs: number;
}

export const SMALL: Size = { workspaces: 2_000, previews: 20_000, logs: 20_000 };
export const FULL: Size = { workspaces: 100_000, previews: 1_000_000, logs: 1_000_000 };

const USERS = 2_000;
/** Those who have workspaces from the beginning. */
const OWNERS = 100;

/**
 * Fills the tables with rows made by the server itself: every owner has as many workspaces, 50 are running, every
 * workspace has an equal part of the previews, and only 30 previews are active.
 */
export async function fill(connection: Connection, { workspaces, previews, logs }: Size): Promise<void> {
	const isActive = `n + 1 BETWEEN ${ACTIVE.first} AND ${ACTIVE.last}`;
	const script = [
		"CREATE TABLE digits (digit INT)",
		"INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)",
		`CREATE TABLE numbers (n INT PRIMARY KEY) AS SELECT a.digit + 10 * b.digit + 100 * c.digit + 1000 * d.digit
			+ 10000 * e.digit + 100000 * f.digit AS n FROM digits a, digits b, digits c, digits d, digits e, digits f`,
		`INSERT INTO dashboard_users (username, password_hash, system_username)
			SELECT CONCAT('user', n), 'x', CONCAT('sys', n) FROM numbers WHERE n < ${USERS}`,
		`INSERT INTO workspaces (user_id, project_name, container_id, container_name, status, last_activity, started_at)
			SELECT n MOD ${OWNERS} + 1, CONCAT('project-', n), REPEAT('c', 64), CONCAT('name-', n),
				IF(n < 50, 'running', 'stopped'), NOW(), NOW() FROM numbers WHERE n < ${workspaces} ORDER BY n`,
		`INSERT INTO preview_environments
				(workspace_id, user_id, project_name, preview_hash, status, assigned_port, expires_at, password_hash)
			SELECT n MOD ${workspaces} + 1, n MOD ${OWNERS} + 1, 'project', LPAD(HEX(n), 32, '0'),
				IF(${isActive}, 'running', 'expired'), IF(${isActive}, 8050 + n, NULL), NOW() + INTERVAL 1 DAY, REPEAT('h', 60)
			FROM numbers WHERE n < ${previews} ORDER BY n`,
		`INSERT INTO workspace_logs (workspace_id, user_id, project_name, action, details)
			SELECT n MOD 10 + 1, n MOD 10 + 1, CONCAT('project-', n MOD 10), 'start', '{"port":10001,"by":"user"}'
			FROM numbers WHERE n < ${logs} ORDER BY n`,
		`INSERT INTO resource_limits (user_id, max_workspaces, max_previews_per_workspace)
			SELECT n + 1, 1000000, 1000000 FROM numbers WHERE n BETWEEN 1000 AND 1999`,
		"DROP TABLE numbers, digits",
		"ANALYZE TABLE workspaces, preview_environments, workspace_logs",
	];
	for (const sql of script) await connection.query(sql);
}
