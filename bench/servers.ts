import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { SERVERS } from "../scripts/lib/project.mjs";
import { HOST, startServer, stopServer } from "../src/testing/server/private-server.mjs";

/** Measures on each server of TEST_DATABASE_URLS in turn, else on a private one that is started and stopped. */
export async function onEachServer(bench: (version: string) => Promise<void>): Promise<void> {
	const urls = (process.env["TEST_DATABASE_URLS"] ?? "").split(",").filter(Boolean);
	for (const url of urls) await onServer(url.trim(), bench);
	if (urls.length) return;
	const folder = join(SERVERS, `bench-${process.pid}`);
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	try {
		const { port, password } = await startServer(folder, { throwaway: true, say: console.log });
		await onServer(`mysql://root:${encodeURIComponent(password)}@${HOST}:${port}`, bench);
	} finally {
		await stopServer(folder);
		rmSync(folder, { recursive: true, force: true });
	}
}

async function onServer(url: string, bench: (version: string) => Promise<void>): Promise<void> {
	process.env["TEST_DATABASE_URL"] = url;
	const connection = await createConnection(url);
	const [rows] = await connection.query("SELECT VERSION() AS version");
	await connection.end();
	await bench((rows as { version: string }[])[0]?.version ?? "unknown version");
}
