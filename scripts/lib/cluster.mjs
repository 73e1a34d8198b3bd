import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HOST, socketPath } from "../../src/testing/server/private-server.mjs";
import { commandLine, isAlive } from "../../src/testing/server/processes.mjs";

/**
 * @typedef {object} Cluster a Galera cluster of three nodes on loopback, in a folder of its own
 * @property {string} password of `root`, made at random
 * @property {readonly Node[]} nodes
 *
 * @typedef {object} Node
 * @property {string} name also of its folder
 * @property {number} port of SQL; the next two are Galera's
 */

const SERVER = "/usr/sbin/mariadbd";
const INSTALLER = "/usr/bin/mariadb-install-db";
const PROVIDER = "/usr/lib/galera/libgalera_smm.so";
/** What a cluster is made of, by the package of Debian's that has it. */
const PACKAGES = {
	"mariadb-server-core": [SERVER, INSTALLER],
	"mariadb-client-core": ["/usr/bin/my_print_defaults"],
	"galera-4": [PROVIDER],
};
const NEW_CLUSTER = ["--wsrep-new-cluster"];

const NODES = ["node1", "node2", "node3"];
const PORTS_PER_NODE = 3;
/** Below those that the system gives to clients, so that none takes the port of a node that is down. */
const PORTS = { from: 20_000, to: 32_000 };
const SYNC_MS = 60_000;
const STOP_MS = 30_000;
const ANSWER_MS = 5_000;

/**
 * Galera lets a script carry over the state of a node that joins. All nodes begin with a copy of one data folder, so that
 * a node only ever misses the last writes, which Galera itself hands over: the script passes on their number.
 */
const METHOD = "ist";
const STATE_TRANSFER = `#!/bin/sh
while [ $# -gt 0 ] && [ "$1" != --mysqld-args ]; do
	case $1 in
	--role) role=$2 ;;
	--address) address=$2 ;;
	--gtid) gtid=$2 ;;
	--parent) parent=$2 ;;
	--bypass) bypass=yes ;;
	esac
	shift
done
state="$0.$address"
if [ "$role" = joiner ]; then
	rm -f "$state"
	echo "ready $address"
	while [ ! -f "$state" ]; do
		kill -0 "$parent" || exit 32
		sleep 0.1
	done
	cat "$state"
elif [ -n "$bypass" ]; then
	echo "$gtid" >"$state.new"
	mv "$state.new" "$state"
	echo continue
	echo "done $gtid"
else
	echo "the node missed more than the others still hold" >&2
	exit 22
fi
`;

/** @param {string} folder */
const paths = (folder) => ({
	state: join(folder, "cluster.json"),
	programs: join(folder, "bin"),
});

/** @param {string} folder @param {string} name */
const nodePaths = (folder, name) => ({
	home: join(folder, name),
	data: join(folder, name, "data"),
	temporary: join(folder, name, "tmp"),
	log: join(folder, name, "server.log"),
	pid: join(folder, name, "pid"),
});

function refuseMissing() {
	const missing = Object.entries(PACKAGES).filter(([, files]) => !files.every((file) => existsSync(file)));
	if (missing.length === 0) return;
	const names = missing.map(([name]) => name).join(" ");
	throw new Error(
		`A cluster needs more of Debian's packages: run \`apt-get install --no-install-recommends ${names}\` as root ` +
			"(they hold programs only, and start no service)",
	);
}

const asCurrentUser = () => (process.getuid?.() === 0 ? ["--user=root"] : []);

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

/** Makes a node's data folder. @param {string} folder @param {Node} node @param {string} password */
function initialise(folder, { name }, password) {
	const { data, temporary, log } = nodePaths(folder, name);
	mkdirSync(temporary, { recursive: true });
	const output = openSync(log, "a");
	const target = ["--no-defaults", ...asCurrentUser(), `--datadir=${data}`, `--tmpdir=${temporary}`];
	const installed = spawnSync(INSTALLER, [...target, "--force", "--skip-test-db"], {
		stdio: ["ignore", output, output],
	});
	const sql = [
		"FLUSH PRIVILEGES;",
		`CREATE USER root@'${HOST}' IDENTIFIED BY '${password}';`,
		`GRANT ALL PRIVILEGES ON *.* TO root@'${HOST}' WITH GRANT OPTION;`,
		`ALTER USER root@localhost IDENTIFIED BY '${password}';`,
	];
	const secured = spawnSync(SERVER, [...target, "--bootstrap"], {
		input: sql.map((line) => `${line}\n`).join(""),
		stdio: ["pipe", output, output],
	});
	closeSync(output);
	if (installed.status === 0 && secured.status === 0) return;
	throw new Error(`Could not make ${data}; the end of ${log}:\n  ${tail(log)}`);
}

/** @param {string} file */
function tail(file) {
	const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
	return lines.slice(-6).join("\n  ");
}

/** @param {string} folder @param {Cluster} cluster @param {Node} node @param {readonly string[]} start */
function options(folder, { nodes }, { name, port }, start) {
	const { home, data, temporary } = nodePaths(folder, name);
	const provider = [
		`gmcast.listen_addr=tcp://${HOST}:${port + 1}`,
		`ist.recv_addr=${HOST}:${port + 2}`,
		"pc.recovery=false",
		"gcache.size=64M",
		// A node that says nothing is left out after 5 s, as by default.
		"evs.suspect_timeout=PT5S",
		"evs.inactive_timeout=PT10S",
	];
	return [
		"--no-defaults",
		...asCurrentUser(),
		`--datadir=${data}`,
		`--tmpdir=${temporary}`,
		`--socket=${socketPath(home)}`,
		`--pid-file=${join(home, "server.pid")}`,
		`--bind-address=${HOST}`,
		`--port=${port}`,
		"--character-set-server=utf8mb4",
		"--collation-server=utf8mb4_unicode_ci",
		"--skip-log-bin",
		"--binlog-format=ROW",
		"--innodb-autoinc-lock-mode=2",
		"--innodb-flush-log-at-trx-commit=0",
		"--innodb-buffer-pool-size=64M",
		"--wsrep-on=ON",
		`--wsrep-provider=${PROVIDER}`,
		`--wsrep-provider-options=${provider.join(";")}`,
		"--wsrep-cluster-name=dployr-test",
		`--wsrep-node-name=${name}`,
		`--wsrep-node-address=${HOST}:${port + 1}`,
		`--wsrep-node-incoming-address=${HOST}:${port}`,
		`--wsrep-sst-method=${METHOD}`,
		`--wsrep-sst-receive-address=${HOST}:${port}`,
		`--wsrep-cluster-address=gcomm://${nodes.map((peer) => `${HOST}:${peer.port + 1}`).join(",")}`,
		...start,
	];
}

/** @param {string} folder @param {Cluster} cluster @param {Node} node @param {readonly string[]} start */
async function launch(folder, cluster, node, start) {
	const { log, temporary, home, pid } = nodePaths(folder, node.name);
	mkdirSync(temporary, { recursive: true });
	rmSync(socketPath(home), { force: true });
	const output = openSync(log, "a");
	const child = spawn(SERVER, options(folder, cluster, node, start), {
		detached: true,
		stdio: ["ignore", output, output],
		env: { ...process.env, PATH: `${paths(folder).programs}:/usr/sbin:/usr/bin:/sbin:/bin` },
	});
	closeSync(output);
	let hasEnded = false;
	child.on("error", () => {
		hasEnded = true;
	});
	child.on("exit", () => {
		hasEnded = true;
	});
	child.unref();
	// The server writes its own only once it has started.
	writeFileSync(pid, String(child.pid ?? 0));
	for (const end = Date.now() + SYNC_MS; !hasEnded && Date.now() < end; await sleep(100)) {
		if ((await stateOf(cluster, node))?.isSynced) return;
	}
	if (!hasEnded) child.kill("SIGKILL");
	throw failure(folder, node, "did not join the cluster");
}

/** @param {string} folder @param {Node} node @param {string} what */
function failure(folder, { name }, what) {
	const { log } = nodePaths(folder, name);
	return new Error(`${name} ${what}; the end of ${log}:\n  ${tail(log)}`);
}

/**
 * What a node says of itself and of the others: undefined where it does not answer.
 * @param {Cluster} cluster @param {Node} node @returns {Promise<{ isSynced: boolean, size: number, view: string } | undefined>}
 */
export async function stateOf(cluster, node) {
	// Only now: the program that runs the tests installs it first.
	const { createConnection } = await import("mysql2/promise");
	try {
		const connection = await createConnection({ uri: urlOf(cluster, node), connectTimeout: ANSWER_MS });
		connection.on("error", () => undefined);
		try {
			const [rows] = await connection.query({ sql: "SHOW GLOBAL STATUS LIKE 'wsrep%'", timeout: ANSWER_MS });
			const found = /** @type {{ Variable_name: string, Value: string }[]} */ (rows);
			const status = new Map(found.map(({ Variable_name, Value }) => [Variable_name, Value]));
			return {
				isSynced: status.get("wsrep_local_state_comment") === "Synced",
				size: Number(status.get("wsrep_cluster_size")),
				view: status.get("wsrep_cluster_conf_id") ?? "",
			};
		} finally {
			connection.destroy();
		}
	} catch {
		return undefined;
	}
}

/** @param {Cluster} cluster @param {Node} node */
export function urlOf({ password }, { port }) {
	return `mysql://root:${password}@${HOST}:${port}`;
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
	const { state, programs } = paths(home);
	mkdirSync(programs, { recursive: true, mode: 0o700 });
	writeFileSync(join(programs, `wsrep_sst_${METHOD}`), STATE_TRANSFER, { mode: 0o700 });
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

/** The node's process, when it runs. @param {string} folder @param {string} name */
export function pidOf(folder, name) {
	const { data, pid } = nodePaths(resolve(folder), name);
	const number = existsSync(pid) ? Number(readFileSync(pid, "utf8")) : 0;
	return isAlive(number) && commandLine(number).includes(`--datadir=${data}`) ? number : undefined;
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

/** Where a node that is down stands in the history. @param {string} folder @param {Cluster} cluster @param {Node} node */
function recover(folder, cluster, node) {
	const { stderr } = spawnSync(SERVER, options(folder, cluster, node, ["--wsrep-recover"]), { encoding: "utf8" });
	writeFileSync(nodePaths(folder, node.name).log, stderr, { flag: "a" });
	const position = /Recovered position:\s*(\S+)/.exec(stderr)?.[1];
	if (!position) throw failure(folder, node, "does not recover");
	return `--wsrep-start-position=${position}`;
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

/** Ends a node, if it runs. @param {string} folder @param {string} name */
export async function stopNode(folder, name) {
	const pid = pidOf(folder, name);
	if (pid === undefined) return;
	process.kill(pid, "SIGCONT");
	process.kill(pid, "SIGTERM");
	for (const end = Date.now() + STOP_MS; isAlive(pid); await sleep(50)) {
		if (Date.now() > end) process.kill(pid, "SIGKILL");
	}
}

/** Ends all nodes of the folder's cluster, the last one first. @param {string} folder */
export async function stopCluster(folder) {
	for (const { name } of [...(readCluster(folder)?.nodes ?? [])].reverse()) await stopNode(folder, name);
}
