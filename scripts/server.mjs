import { join, relative } from "node:path";
import { HOST, runningServer, startServer, stopServer } from "../src/testing/server/private-server.mjs";
import { PROJECT, run, SERVERS } from "./lib/project.mjs";

const FOLDER = join(SERVERS, "quickstart");

/** @param {import("../src/testing/server/private-server.mjs").Server} server */
function describe({ engine, version, port, pid }) {
	return `${engine} ${version} runs at ${HOST}:${port} (pid ${pid}), its data in ${relative(PROJECT, FOLDER)}`;
}

/** @type {Record<string, () => Promise<number>>} */
const commands = {
	async start() {
		console.log(describe(await startServer(FOLDER, { say: console.log })));
		return 0;
	},
	async stop() {
		console.log((await stopServer(FOLDER)) ? "Stopped" : "It does not run");
		return 0;
	},
	async status() {
		const server = runningServer(FOLDER);
		console.log(server ? describe(server) : "It does not run: npm run quickstart starts it");
		return server ? 0 : 1;
	},
};

await run(async () => {
	const command = commands[process.argv[2] ?? ""];
	if (command) return command();
	console.error("Usage: npm run server -- start | stop | status (the private server of npm run quickstart)");
	return 2;
});
