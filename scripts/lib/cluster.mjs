import { randomBytes } from "node:crypto";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HOST } from "../../src/testing/server/private-server.mjs";
import {
	initialise,
	launch,
	nodePaths,
	paths,
	pidOf,
	recover,
	refuseMissing,
	SYNC_MS,
	stateOf,
	stopNode,
	writeStateTransfer,
} from "./cluster-node.mjs";

/** @typedef {import("./cluster-node.mjs").Cluster} Cluster */
/** @typedef {import("./cluster-node.mjs").Node} Node */

const NEW_CLUSTER = ["--wsrep-new-cluster"];

const NODES = ["node1", "node2", "node3"];
const PORTS_PER_NODE = 3;
/** Below those that the system gives to clients, so that none takes the port of a node that is down. */
const PORTS = { from: 20_000, to: 32_000 };

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
	return new Promise((done) => {
		const server = createServer();
		server.on("error", () => done(false));
		server.listen(port, HOST, () => server.close(() => done(true)));
	});
}

/** The first of so many free ports in a row. @param {number} count */
async function freePorts(count) {
	for (let attempt = 0; attempt < 100; attempt += 1) {
		const first = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from - count));
		const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(first + index)));
		if (free.every(Boolean)) return first;
	}
	throw new Error(`Found no ${count} free ports in a row from ${PORTS.from} to ${PORTS.to}`);
}

/** The cluster of this folder, as it was formed. @param {string} folder @returns {Cluster | undefined} */
export function readCluster(folder) {
	const { state } = paths(resolve(folder));
	return existsSync(state) ? JSON.parse(readFileSync(state, "utf8")) : undefined;
}

/** @param {string} folder */
function clusterOf(folder) {
	const cluster = readCluster(folder);
	if (!cluster) throw new Error(`${folder} holds no cluster`);
	return cluster;
}

/** @param {Cluster} cluster @param {string} name */
function nodeOf({ nodes }, name) {
	const node = nodes.find((candidate) => candidate.name === name);
	if (!node) throw new Error(`The cluster has no ${name}`);
	return node;
}

/**
 * Forms a cluster of three nodes in a folder that holds nothing else, from Debian's packages: about 10 s.
 *
 * @param {string} folder @param {{ say?: (line: string) => void }} [options]
 * @returns {Promise<Cluster>}
 */
export async function formCluster(folder, { say = () => {} } = {}) {
	refuseMissing();
	const home = resolve(folder);
	const { state } = paths(home);
	writeStateTransfer(home);
	const password = randomBytes(18).toString("base64url");
	const port = await freePorts(NODES.length * PORTS_PER_NODE);
	const nodes = NODES.map((name, index) => ({ name, port: port + index * PORTS_PER_NODE }));
	const cluster = { password, nodes };
	writeFileSync(state, `${JSON.stringify(cluster, undefined, "\t")}\n`, { mode: 0o600 });
	const [founder, ...others] = /** @type {[Node, ...Node[]]} */ (nodes);
	initialise(home, founder, password);
	// The first start begins the history that the copies share.
	await launch(home, cluster, founder, NEW_CLUSTER);
	await stopNode(home, founder.name);
	const position = recover(home, cluster, founder);
	const { data } = nodePaths(home, founder.name);
	for (const { name } of others) cpSync(data, nodePaths(home, name).data, { recursive: true });
	await launch(home, cluster, founder, [position, ...NEW_CLUSTER]);
	for (const node of others) await launch(home, cluster, node, [position]);
	say(`A cluster of ${NODES.length} nodes at ${nodes.map((node) => `${HOST}:${node.port}`).join(", ")}`);
	return cluster;
}

/**
 * Sends a node's process a signal: SIGKILL ends it at once, SIGSTOP makes it silent until SIGCONT.
 * @param {string} folder @param {string} name @param {NodeJS.Signals} signal
 */
export function signalNode(folder, name, signal) {
	const pid = pidOf(folder, name);
	if (pid === undefined) throw new Error(`Node ${name} does not run`);
	process.kill(pid, signal);
}

/** Starts a node that was stopped or killed: it catches up from where it stands. @param {string} folder @param {string} name */
export async function startNode(folder, name) {
	const home = resolve(folder);
	const cluster = clusterOf(home);
	const node = nodeOf(cluster, name);
	await launch(home, cluster, node, [recover(home, cluster, node)]);
}

/** Waits until all nodes take part in the cluster, and know it. @param {string} folder */
export async function untilWhole(folder) {
	const cluster = clusterOf(folder);
	const { nodes } = cluster;
	for (const end = Date.now() + SYNC_MS; ; await sleep(100)) {
		const states = await Promise.all(nodes.map((node) => stateOf(cluster, node)));
		const isWhole = states.every((state) => state?.isSynced && state.size === nodes.length);
		// A node that was paused shows what it knew before, until the others reach it.
		if (isWhole && new Set(states.map((state) => state?.view)).size === 1) return;
		if (Date.now() > end) throw new Error(`Not all of ${nodes.length} nodes came back to the cluster in ${folder}`);
	}
}

/** Ends all nodes of the folder's cluster, the last one first. @param {string} folder */
export async function stopCluster(folder) {
	for (const { name } of [...(readCluster(folder)?.nodes ?? [])].reverse()) await stopNode(folder, name);
}
