import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { commandLine, exclusively, isAlive, startDetached } from "./processes.mjs";
import { describeServer, findInstaller, findServer, installServer } from "./server-binary.mjs";

/**
 * @typedef {object} Server a server of this project's own, on loopback
 * @property {number} pid
 * @property {number} port
 * @property {string} socket
 * @property {string} password of `root`, made at random
 * @property {string} binary
 * @property {"mariadb" | "mysql"} engine
 * @property {string} version
 */

export const HOST = "127.0.0.1";
/** The longest path that a Unix socket can have. */
const SOCKET_PATH_BYTES = 107;
const START_MS = 120_000;
const STOP_MS = 60_000;

/** @param {string} folder */
const paths = (folder) => ({
	data: join(folder, "data"),
	unfinished: join(folder, "data.unfinished"),
	// A server that starts empties its folder for temporary tables, also of those that another server uses.
	temporary: join(folder, "tmp"),
	state: join(folder, "server.json"),
	log: join(folder, "server.log"),
	init: join(folder, "init.sql"),
	lock: join(folder, "lock"),
});

/** @param {string} path @param {string} content */
function writePrivately(path, content) {
	writeFileSync(`${path}.new`, content, { mode: 0o600 });
	renameSync(`${path}.new`, path);
}

/** @param {string} folder @returns {Server | undefined} */
function readState(folder) {
	try {
		return JSON.parse(readFileSync(paths(folder).state, "utf8"));
	} catch {
		return undefined;
	}
}

/**
 * The server of this folder, when it runs. A pid alone proves nothing: the system gives it to another process later.
 * @param {string} folder
 */
export function runningServer(folder) {
	const state = readState(resolve(folder));
	if (!state || !isAlive(state.pid)) return undefined;
	return commandLine(state.pid).includes(`--datadir=${paths(resolve(folder)).data}`) ? state : undefined;
}

/**
 * The version that a server greets with, or undefined when none answers.
 * @param {string} host @param {number} port @returns {Promise<string | undefined>}
 */
export function greeting(host, port) {
	return new Promise((done) => {
		const socket = connect({ host, port });
		/** @param {string} [version] */
		const finish = (version) => {
			socket.destroy();
			done(version);
		};
		socket.setTimeout(2_000, () => finish());
		socket.on("error", () => finish());
		socket.on("close", () => finish());
		// Four bytes of header and one of the protocol stand before the version.
		socket.on("data", (packet) =>
			finish(
				packet
					.toString("latin1", 5)
					.split("\0")[0]
					?.replace(/^5\.5\.5-/, ""),
			),
		);
	});
}

/** @param {number} port 0 asks for any free one @returns {Promise<number | undefined>} undefined when it is taken */
function freePort(port) {
	return new Promise((done) => {
		const server = createServer();
		server.on("error", () => done(undefined));
		server.listen(port, HOST, () => {
			const { port: free } = /** @type {import("node:net").AddressInfo} */ (server.address());
			server.close(() => done(free));
		});
	});
}

/** @param {string} folder */
export function socketPath(folder) {
	const beside = join(folder, "server.sock");
	if (Buffer.byteLength(beside) <= SOCKET_PATH_BYTES) return beside;
	return join(tmpdir(), `dployr-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}.sock`);
}

/** @param {string} folder */
function logTail(folder) {
	const { log } = paths(folder);
	const lines = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
	const errors = lines.filter((line) => /error/i.test(line));
	return (errors.length > 0 ? errors : lines).slice(-3).join("\n  ");
}

/** @param {string} folder @param {string} what @param {"mariadb" | "mysql"} engine */
function failure(folder, what, engine) {
	const confined = engine === "mysql" && existsSync("/etc/apparmor.d/usr.sbin.mysqld");
	const hint = confined
		? " (AppArmor's profile /etc/apparmor.d/usr.sbin.mysqld keeps mysqld out of other folders: allow this one there)"
		: "";
	return new Error(`${what}${hint}; the end of ${paths(folder).log}:\n  ${logTail(folder)}`);
}

const asCurrentUser = () => (process.getuid?.() === 0 ? ["--user=root"] : []);

/**
 * Makes the data folder under another name first, so that one that stands under its own name is whole.
 * @param {string} folder @param {Pick<Server, "binary" | "engine">} server @param {readonly string[]} settings
 */
function initialise(folder, { binary, engine }, settings) {
	const { data, unfinished, temporary, log } = paths(folder);
	mkdirSync(temporary, { recursive: true });
	if (existsSync(data)) return;
	rmSync(unfinished, { recursive: true, force: true });
	const target = [...asCurrentUser(), `--datadir=${unfinished}`, `--tmpdir=${temporary}`];
	const installer = engine === "mariadb" ? findInstaller(binary) : binary;
	if (!installer) throw new Error(`${binary} has no mariadb-install-db: install the whole of MariaDB's server package`);
	const options = engine === "mariadb" ? ["--force", "--skip-test-db"] : ["--initialize-insecure", ...settings];
	const output = openSync(log, "w");
	const { status } = spawnSync(installer, ["--no-defaults", ...target, ...options], {
		stdio: ["ignore", output, output],
	});
	closeSync(output);
	if (status !== 0) throw failure(folder, `${installer} could not make ${data}`, engine);
	renameSync(unfinished, data);
}

/** Read by the server before it admits anybody. @param {string} password */
const initSql = (password) =>
	[
		`ALTER USER 'root'@'localhost' IDENTIFIED BY '${password}';`,
		`CREATE USER IF NOT EXISTS 'root'@'${HOST}' IDENTIFIED BY '${password}';`,
		`ALTER USER 'root'@'${HOST}' IDENTIFIED BY '${password}';`,
		`GRANT ALL PRIVILEGES ON *.* TO 'root'@'${HOST}' WITH GRANT OPTION;`,
		"",
	].join("\n");

/** @param {string} folder @param {Omit<Server, "pid">} server @param {readonly string[]} settings */
function serverOptions(folder, { port, socket, engine }, settings) {
	const { data, temporary, init } = paths(folder);
	return [
		"--no-defaults",
		...asCurrentUser(),
		`--datadir=${data}`,
		`--tmpdir=${temporary}`,
		`--socket=${socket}`,
		`--pid-file=${join(folder, "server.pid")}`,
		`--init-file=${init}`,
		`--bind-address=${HOST}`,
		`--port=${port}`,
		"--character-set-server=utf8mb4",
		"--collation-server=utf8mb4_unicode_ci",
		"--skip-log-bin",
		...(engine === "mysql" ? ["--mysqlx=OFF", "--secure-file-priv=NULL"] : []),
		...settings,
	];
}

/**
 * @param {string} folder @param {Omit<Server, "pid">} server @param {readonly string[]} settings
 * @returns {Promise<Server | undefined>}
 */
async function launch(folder, server, settings) {
	const { log, state, init } = paths(folder);
	// No server of this folder runs here, and MySQL refuses a socket whose lock file names a pid that lives again.
	for (const leftover of [server.socket, `${server.socket}.lock`]) rmSync(leftover, { force: true });
	writePrivately(init, initSql(server.password));
	rmSync(log, { force: true });
	const { pid, hasEnded } = startDetached(server.binary, serverOptions(folder, server, settings), { log });
	const started = { ...server, pid };
	writePrivately(state, `${JSON.stringify(started, undefined, "\t")}\n`);
	for (const end = Date.now() + START_MS; !hasEnded() && Date.now() < end; await sleep(50)) {
		if (await greeting(HOST, server.port)) {
			rmSync(init, { force: true });
			return started;
		}
	}
	if (!hasEnded()) process.kill(pid, "SIGKILL");
	return undefined;
}

/**
 * Starts the server of this folder, or gives the one that runs. The folder is made, with a data folder in it, when it
 * is not there; no option file and no data of the machine's own service is touched.
 * @param {string} folder
 * @param {{ throwaway?: boolean, settings?: readonly string[], say?: (line: string) => void }} [options] `throwaway`:
 * losing the last second of writes in a crash of the machine does not matter; `settings`: the server's own options
 * @returns {Promise<Server>}
 */
export async function startServer(folder, { throwaway = false, settings = [], say = () => {} } = {}) {
	const home = resolve(folder);
	return exclusively(paths(home).lock, async () => {
		const running = runningServer(home);
		if (running) {
			for (const end = Date.now() + START_MS; Date.now() < end && runningServer(home); await sleep(50)) {
				if (await greeting(HOST, running.port)) return running;
			}
		}
		const before = existsSync(paths(home).data) ? readState(home) : undefined;
		const binary = before && existsSync(before.binary) ? before.binary : (findServer() ?? install(say));
		const { engine, version } = describeServer(binary);
		if (before && before.engine !== engine) {
			throw new Error(
				`${paths(home).data} was made by ${before.binary}, which is gone: install it again, or remove ${home}`,
			);
		}
		if (!existsSync(paths(home).data)) say(`Making a data folder for ${engine} ${version}`);
		initialise(home, { binary, engine }, settings);
		const password = before?.password ?? randomBytes(18).toString("base64url");
		for (let attempt = 1; attempt <= 3; attempt += 1) {
			const port = (before && attempt === 1 && (await freePort(before.port))) || (await freePort(0)) || 0;
			const server = { port, socket: socketPath(home), password, binary, engine, version };
			const started = await launch(home, server, [
				...(throwaway ? ["--innodb-flush-log-at-trx-commit=0"] : []),
				...settings,
			]);
			if (started) return started;
			// Somebody else took the port between the check and the start.
			if (!/in use/i.test(logTail(home))) break;
		}
		throw failure(home, `${binary} did not start`, engine);
	});
}

/** @param {(line: string) => void} say */
function install(say) {
	say("Found neither mariadbd nor mysqld: installing the server's packages through apt");
	return installServer();
}

/**
 * Stops the server of this folder and gives whether one ran.
 * @param {string} folder
 */
export async function stopServer(folder) {
	const home = resolve(folder);
	if (!existsSync(home)) return false;
	return exclusively(paths(home).lock, async () => {
		const server = runningServer(home);
		if (!server) return false;
		process.kill(server.pid, "SIGTERM");
		for (const end = Date.now() + STOP_MS; isAlive(server.pid); await sleep(50)) {
			if (Date.now() > end) process.kill(server.pid, "SIGKILL");
		}
		return true;
	});
}
