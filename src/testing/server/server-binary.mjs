import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** Where packages and installers put the server when its folder is not on PATH. */
const USUAL_FOLDERS = [
	"/usr/sbin",
	"/usr/bin",
	"/usr/local/sbin",
	"/usr/local/bin",
	"/usr/libexec",
	"/usr/local/mysql/bin",
	"/opt/homebrew/bin",
	"/opt/homebrew/opt/mariadb/bin",
	"/opt/homebrew/opt/mysql/bin",
];

const ELSEWHERE =
	"or name a running server, in DB_HOST for the quickstart and in TEST_DATABASE_URLS (mysql://…) for the tests";

/** @param {string} path */
function isProgram(path) {
	try {
		accessSync(path, constants.X_OK);
		return statSync(path).isFile();
	} catch {
		return false;
	}
}

/**
 * The first of `names` in the folders of PATH, then in the usual folders and `extra`.
 * @param {string[]} names
 * @param {string[]} [extra]
 */
export function findProgram(names, extra = []) {
	const folders = [...(process.env["PATH"] ?? "").split(delimiter).filter(Boolean), ...extra, ...USUAL_FOLDERS];
	return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isProgram);
}

/** A MariaDB or MySQL server program of this machine. */
export function findServer() {
	return findProgram(["mariadbd", "mysqld"]);
}

/**
 * The script that initialises a data folder for this `mariadbd`.
 * @param {string} server
 */
export function findInstaller(server) {
	const beside = join(dirname(server), "..");
	return findProgram(["mariadb-install-db", "mysql_install_db"], [join(beside, "bin"), join(beside, "scripts")]);
}

/**
 * What the program says of its version, and which of the two engines it is.
 * @param {string} server
 * @returns {{ engine: "mariadb" | "mysql", version: string }}
 */
export function describeServer(server) {
	const { stdout, stderr } = spawnSync(server, ["--no-defaults", "--version"], { encoding: "utf8" });
	const version = /Ver\s+(\S+)/.exec(stdout)?.[1];
	if (!version) throw new Error(`${server} does not run: ${stderr.trim() || "it printed no version"}`);
	return { engine: /mariadb/i.test(stdout) ? "mariadb" : "mysql", version };
}

/** @param {number[]} a @param {number[]} b */
function compareNumbers(a, b) {
	const at = a.findIndex((number, index) => number !== b[index]);
	return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

/**
 * The packages to install, out of the names that the machine's package lists have: MariaDB before MySQL,
 * the system's own choice before a versioned name (Ubuntu), later versions before earlier ones.
 * @param {string[]} names
 */
export function choosePackages(names) {
	/** @param {string} name */
	const rank = (name) => [
		name.startsWith("mariadb") ? 0 : 1,
		...(/-([\d.]+)$/.exec(name)?.[1] ?? "9999").split(".").map((part) => -Number(part)),
	];
	const [best] = names
		.filter((name) => /^(mariadb|mysql)-server-core(-[\d.]+)?$/.test(name))
		.sort((a, b) => compareNumbers(rank(a), rank(b)));
	// The client's package also holds my_print_defaults, without which no MariaDB data folder is initialised.
	return best ? [best, best.replace("server", "client")] : [];
}

/**
 * @param {string[]} command
 * @param {string} otherwise what to do when it fails
 */
function runAsRoot(command, otherwise) {
	const environment = ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"];
	const prefix = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
	const [program, ...rest] = [...prefix, ...environment, ...command];
	const result = spawnSync(/** @type {string} */ (program), rest, { encoding: "utf8" });
	if (result.status === 0) return;
	const reason = `${result.stderr ?? result.error?.message ?? ""}`.trim().split("\n").at(-1);
	throw new Error(`\`${command.join(" ")}\` failed (${reason}): ${otherwise}, ${ELSEWHERE}`);
}

/** Installs a server's packages through apt; they hold the programs only and start no service. */
export function installServer() {
	if (!findProgram(["apt-get"])) {
		const how = process.platform === "darwin" ? "`brew install mariadb`" : "for example `dnf install mariadb-server`";
		throw new Error(`Found neither mariadbd nor mysqld: install MariaDB (${how}) and run this again, ${ELSEWHERE}`);
	}
	const asRoot =
		"run `apt-get install --no-install-recommends mariadb-server-core mariadb-client-core` as root and try again";
	runAsRoot(["apt-get", "update", "-qq"], asRoot);
	const search = spawnSync("apt-cache", ["search", "--names-only", "^(mariadb|mysql)-server-core"], {
		encoding: "utf8",
	});
	const packages = choosePackages(search.stdout.split("\n").map((line) => line.split(" ")[0] ?? ""));
	if (packages.length === 0) {
		throw new Error(`The package lists of this machine have no mariadb-server-core: install MariaDB, ${ELSEWHERE}`);
	}
	runAsRoot(
		[
			"apt-get",
			"install",
			"-y",
			"-qq",
			"--no-install-recommends",
			"--no-remove",
			"-o",
			"DPkg::Lock::Timeout=300",
			...packages,
		],
		asRoot,
	);
	const server = findServer();
	if (!server)
		throw new Error(`${packages.join(" and ")} hold neither mariadbd nor mysqld: install MariaDB, ${ELSEWHERE}`);
	return server;
}
