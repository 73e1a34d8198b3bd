import { createConnection } from "mysql2/promise";
import { type Size, someWorkspace } from "./oldData";

/** What a writer went through. */
export interface WriterResult {
	readonly writes: number;
	readonly failed: number;
	/** Milliseconds of the longest single write. */
	readonly longestWait: number;
}

/** Writes one statement after the other, as the dashboard does, until its parent stops it; then reports its waits. */
async function write(url: string, size: Size): Promise<WriterResult> {
	const connection = await createConnection(url);
	let stopped = false;
	process.on("message", () => {
		stopped = true;
	});
	process.send?.("ready");
	let [writes, failed, longestWait] = [0, 0, 0];
	for (let turn = 0; !stopped; turn++) {
		const id = someWorkspace(turn, size);
		const statements: [string, unknown[]][] = [
			["INSERT INTO workspace_logs (workspace_id, user_id, project_name, action) VALUES (?, 1, 'bench', 'stop')", [id]],
			["UPDATE workspaces SET last_activity = NOW(), last_accessed_by = 1 WHERE id = ?", [id]],
			["UPDATE preview_environments SET error_message = ? WHERE workspace_id = ?", [String(turn), id]],
		];
		for (const [sql, values] of statements) {
			const start = performance.now();
			await connection.query(sql, values).catch(() => failed++);
			longestWait = Math.max(longestWait, performance.now() - start);
			writes++;
		}
	}
	await connection.end();
	return { writes, failed, longestWait };
}

const [url, size] = process.argv.slice(2);
if (url && size) {
	write(url, JSON.parse(size) as Size).then(
		(result) => process.send?.(result, () => process.disconnect()),
		(error: unknown) => {
			console.error(error);
			process.exitCode = 1;
		},
	);
}
