import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createTestDatabase } from "../testing/database";
import { generateDocuments } from "./docs/generate";
import { withSettings } from "./docs/settingsTable";

/** Writes the documents that are generated, on a private server that it starts and stops. */
async function main(): Promise<void> {
	const { HOST, startServer, stopServer } = await import("../src/testing/server/private-server.mjs");
	const { PROJECT, SERVERS } = await import("./lib/project.mjs");
	const folder = path.join(SERVERS, "docs");
	const server = await startServer(folder, { throwaway: true, say: console.log });
	try {
		process.env["TEST_DATABASE_URL"] = `mysql://root:${encodeURIComponent(server.password)}@${HOST}:${server.port}`;
		const database = await createTestDatabase();
		try {
			const files = await generateDocuments(PROJECT, database.url, server.engine);
			for (const [name, content] of Object.entries(files)) writeFileSync(path.join(PROJECT, name), content);
			const deploying = path.join(PROJECT, "docs", "deploying.md");
			writeFileSync(deploying, withSettings(readFileSync(deploying, "utf8")));
			console.log(`Wrote ${Object.keys(files).join(", ")} and the settings in docs/deploying.md`);
		} finally {
			await database.drop();
		}
	} finally {
		await stopServer(folder);
	}
}

main().catch((error: unknown) => {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
});
