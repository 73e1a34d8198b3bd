import { rmSync } from "node:fs";
import { join } from "node:path";
import { formCluster, readCluster, stopCluster } from "./lib/cluster.mjs";
import { pidOf, stateOf, urlOf } from "./lib/cluster-node.mjs";
import { run, SERVERS } from "./lib/project.mjs";

const FOLDER = join(SERVERS, "cluster");

/** Says where each node is, with its password, and what it says of the cluster. */
async function printStatus() {
	const cluster = readCluster(FOLDER);
	if (!cluster) {
		console.log("It does not run: npm run cluster -- start forms it");
		return 1;
	}
	for (const node of cluster.nodes) {
		const state = pidOf(FOLDER, node.name) === undefined ? undefined : await stateOf(cluster, node);
		const what = state ? `${state.isSynced ? "synced" : "not synced"}, sees ${state.size} node(s)` : "does not answer";
		console.log(`${node.name}: ${urlOf(cluster, node)} ${what}`);
	}
	return 0;
}

/** @type {Record<string, () => Promise<number>>} */
const commands = {
	async start() {
		if (!readCluster(FOLDER)) await formCluster(FOLDER);
		return printStatus();
	},
	async stop() {
		await stopCluster(FOLDER);
		rmSync(FOLDER, { recursive: true, force: true });
		return 0;
	},
	status: printStatus,
};

await run(async () => {
	const command = commands[process.argv[2] ?? ""];
	if (command) return command();
	console.error("Usage: npm run cluster -- start | stop | status (a Galera cluster of three nodes on this machine)");
	return 2;
});
