import type { TestDatabase } from "../../testing/database";
import { installOldDashboard } from "../../testing/oldDashboard";

/** How many rows an old dashboard left. */
export interface Size {
	readonly workspaces: number;
	readonly previews: number;
	readonly logs: number;
}

export const FULL: Size = { workspaces: 100_000, previews: 100_000, logs: 1_000_000 };
export const SMALL: Size = { workspaces: 5_000, previews: 5_000, logs: 50_000 };

const FIRST_ID = 1_000;

/** The tables of an old dashboard, with so many more rows in them. */
export async function installOldData(database: TestDatabase, size: Size): Promise<void> {
	await installOldDashboard(database);
	const { connection } = database;
	await connection.query("CREATE TABLE numbers (n INT PRIMARY KEY)");
	await connection.query("INSERT INTO numbers VALUES (0)");
	for (let count = 1; count < Math.max(size.workspaces, size.previews, size.logs); count *= 2) {
		await connection.query(`INSERT INTO numbers SELECT n + ${count} FROM numbers`);
	}
	const some = (rows: number) => `FROM numbers WHERE n < ${rows} ORDER BY n`;
	await connection.query(
		"INSERT INTO workspaces (id, user_id, project_name, status, last_activity, started_at) " +
			`SELECT n + ${FIRST_ID}, 1 + n % 2, CONCAT('project-', n), IF(n % 10, 'stopped', 'running'), NOW(), NOW() ` +
			some(size.workspaces),
	);
	await connection.query(
		"INSERT INTO preview_environments (workspace_id, user_id, project_name, preview_hash, status, expires_at) " +
			`SELECT ${FIRST_ID} + n % ${size.workspaces}, 1 + n % 2, CONCAT('project-', n), LEFT(SHA2(n, 256), 32), ` +
			`IF(n % 100, 'expired', 'running'), NOW() + INTERVAL 1 DAY ${some(size.previews)}`,
	);
	await connection.query(
		"INSERT INTO workspace_logs (workspace_id, user_id, project_name, action, details) " +
			`SELECT ${FIRST_ID} + n % ${size.workspaces}, 1 + n % 2, CONCAT('project-', n), 'start', '{"by": "bench"}' ` +
			some(size.logs),
	);
	await connection.query("DROP TABLE numbers");
}

/** An id among those of the workspaces that `installOldData` made. */
export function someWorkspace(turn: number, { workspaces }: Size): number {
	return FIRST_ID + ((turn * 7919) % workspaces);
}
