import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HOST, socketPath } from "../../src/testing/server/private-server.mjs";
import { commandLine, isAlive, startDetached } from "../../src/testing/server/processes.mjs";

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
/** Milliseconds in which a node has to take part in the cluster. */
export const SYNC_MS = 60_000;
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
export const paths = (folder) => ({
	state: join(folder, "cluster.json"),
	programs: join(folder, "bin"),
});

/** @param {string} folder @param {string} name */
export const nodePaths = (folder, name) => ({
	home: join(folder, name),
	data: join(folder, name, "data"),
	temporary: join(folder, name, "tmp"),
	log: join(folder, name, "server.log"),
	pid: join(folder, name, "pid"),
});

export function refuseMissing() {
	const missing = Object.entries(PACKAGES).filter(([, files]) => !files.every((file) => existsSync(file)));
	if (missing.length === 0) return;
	const names = missing.map(([name]) => name).join(" ");
	throw new Error(
		`A cluster needs more of Debian's packages: run \`apt-get install --no-install-recommends ${names}\` as root ` +
			"(they hold programs only, and start no service)",
	);
}

/** @param {string} folder */
export function writeStateTransfer(folder) {
	const { programs } = paths(folder);
	mkdirSync(programs, { recursive: true, mode: 0o700 });
	writeFileSync(join(programs, `wsrep_sst_${METHOD}`), STATE_TRANSFER, { mode: 0o700 });
}

const asCurrentUser = () => (process.getuid?.() === 0 ? ["--user=root"] : []);

/** Makes a node's data folder. @param {string} folder @param {Node} node @param {string} password */
export function initialise(folder, { name }, password) {
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
export async function launch(folder, cluster, node, start) {
	const { log, temporary, home, pid } = nodePaths(folder, node.name);
	mkdirSync(temporary, { recursive: true });
	rmSync(socketPath(home), { force: true });
	const env = { ...process.env, PATH: `${paths(folder).programs}:/usr/sbin:/usr/bin:/sbin:/bin` };
	const started = startDetached(SERVER, options(folder, cluster, node, start), { log, env });
	// The server writes its own only once it has started.
	writeFileSync(pid, String(started.pid));
	for (const end = Date.now() + SYNC_MS; !started.hasEnded() && Date.now() < end; await sleep(100)) {
		if ((await stateOf(cluster, node))?.isSynced) return;
	}
	if (!started.hasEnded()) process.kill(started.pid, "SIGKILL");
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

/** The node's process, when it runs. @param {string} folder @param {string} name */
export function pidOf(folder, name) {
	const { data, pid } = nodePaths(resolve(folder), name);
	const number = existsSync(pid) ? Number(readFileSync(pid, "utf8")) : 0;
	return isAlive(number) && commandLine(number).includes(`--datadir=${data}`) ? number : undefined;
}

/** Where a node that is down stands in the history. @param {string} folder @param {Cluster} cluster @param {Node} node */
export function recover(folder, cluster, node) {
	const { stderr } = spawnSync(SERVER, options(folder, cluster, node, ["--wsrep-recover"]), { encoding: "utf8" });
	writeFileSync(nodePaths(folder, node.name).log, stderr, { flag: "a" });
	const position = /Recovered position:\s*(\S+)/.exec(stderr)?.[1];
	if (!position) throw failure(folder, node, "does not recover");
	return `--wsrep-start-position=${position}`;
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
