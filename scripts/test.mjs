import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { greeting, HOST, startServer, stopServer } from "../src/testing/server/private-server.mjs";
import { isAlive } from "../src/testing/server/processes.mjs";
import { formCluster, stopCluster } from "./lib/cluster.mjs";
import { urlOf } from "./lib/cluster-node.mjs";
import { installDependencies, PROJECT, run, SERVERS } from "./lib/project.mjs";
import { testFiles } from "./lib/test-files.mjs";

/** @typedef {{ passed: number, failed: number, skipped: number, empty: string[] }} Counts */
/** @typedef {{ flags: string[], concurrency?: number, env?: Record<string, string> }} Options */

const FOLDER_PREFIX = "test-";
/** What this run leaves nothing of. */
const FOLDER = join(SERVERS, `${FOLDER_PREFIX}${process.pid}`);
const COUNTS = join(FOLDER, "counts.json");
// The tests mostly wait for the server, so more than one file at a time pays off on the smallest machine too.
const CONCURRENCY = Math.min(4, Math.max(2, availableParallelism()));
/** Slow files too; the files for a cluster, on one of their own. */
const OWN_FLAGS = ["--all", "--cluster"];
// A test that hangs must not hold up a run for ever.
const TIMEOUT_MS = 30 * 60_000;

/** @type {import("node:child_process").ChildProcess | undefined} */
let suite;
/** @type {NodeJS.Signals | undefined} */
let interrupted;

/** @returns {Counts} */
function readCounts() {
	const written = existsSync(COUNTS) ? readFileSync(COUNTS, "utf8") : "";
	rmSync(COUNTS, { force: true });
	return written ? JSON.parse(written) : { passed: 0, failed: 0, skipped: 0, empty: [] };
}

/** @param {NodeJS.Signals} signal */
function signalSuite(signal) {
	if (suite?.pid === undefined || suite.exitCode !== null || suite.signalCode !== null) return;
	// The suite leads a process group of its own, with every process that a test started in it.
	process.kill(-suite.pid, signal);
}

/**
 * Runs the suite once, on one server.
 * @param {string} url @param {string[]} files @param {Options} options
 */
async function runSuite(url, files, { flags, concurrency = CONCURRENCY, env = {} }) {
	const reporters = [
		...["--test-reporter=spec", "--test-reporter-destination=stdout"],
		...[
			`--test-reporter=${join(PROJECT, "scripts", "lib", "count-reporter.mjs")}`,
			`--test-reporter-destination=${COUNTS}`,
		],
	];
	const options = [`--test-concurrency=${concurrency}`, `--test-timeout=${TIMEOUT_MS}`, ...reporters, ...flags];
	// With source maps, the place of a failed test is its line in TypeScript.
	const node = ["--enable-source-maps", "--import", "tsx", "--test"];
	const child = spawn(process.execPath, [...node, ...options, ...files], {
		cwd: PROJECT,
		env: { ...process.env, ...env, TEST_DATABASE_URL: url },
		stdio: ["ignore", "inherit", "inherit"],
		detached: true,
	});
	suite = child;
	const code = await new Promise((done) => child.on("close", done));
	const counts = readCounts();
	return { ...counts, ok: code === 0 && counts.failed === 0 && counts.empty.length === 0 && counts.passed > 0 };
}

/** Where a server is, without its password. @param {string} url */
function address(url) {
	if (!URL.canParse(url))
		throw new Error("TEST_DATABASE_URLS holds something other than mysql://user:password@host:port");
	const { hostname, port } = new URL(url);
	return { host: hostname, port: Number(port || 3306) };
}

/** @param {string[]} urls @param {string[]} files @param {Options} options */
async function runEverywhere(urls, files, options) {
	/** @type {(Awaited<ReturnType<typeof runSuite>> & { name: string })[]} */
	const results = [];
	for (const url of urls) {
		const { host, port } = address(url);
		const version = await greeting(host, port);
		if (!version) throw new Error(`No MySQL or MariaDB server answers at ${host}:${port}`);
		const name = `${version} at ${host}:${port}`;
		console.log(`\n=== ${name} ===`);
		results.push({ name, ...(await runSuite(url, files, options)) });
		if (interrupted) break;
	}
	return report(results);
}

/** @param {(Counts & { name: string, ok: boolean })[]} results */
function report(results) {
	const total = { passed: 0, failed: 0, skipped: 0 };
	console.log("");
	for (const { name, ok, passed, failed, skipped, empty } of results) {
		console.log(`${ok ? "ok    " : "FAILED"} ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
		for (const file of empty) console.log(`       no test in ${file}`);
		if (passed + failed === 0) console.log("       no test ran");
		total.passed += passed;
		total.failed += failed;
		total.skipped += skipped;
	}
	console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
	return results.every(({ ok }) => ok) ? 0 : 1;
}

/** Stops and removes what runs that were killed have left. */
async function sweep() {
	for (const name of existsSync(SERVERS) ? readdirSync(SERVERS) : []) {
		if (!name.startsWith(FOLDER_PREFIX) || isAlive(Number(name.slice(FOLDER_PREFIX.length)))) continue;
		await stopAll(join(SERVERS, name));
		rmSync(join(SERVERS, name), { recursive: true, force: true });
	}
}

/** @param {string} folder */
async function stopAll(folder) {
	await stopServer(folder);
	await stopCluster(folder);
}

/** @param {string[]} files @param {string[]} flags */
async function runOnOwnServer(files, flags) {
	const { port, password } = await startServer(FOLDER, { throwaway: true, say: console.log });
	return interrupted ? 1 : runEverywhere([`mysql://root:${password}@${HOST}:${port}`], files, { flags });
}

/** One file at a time, since they end nodes. @param {string[]} files @param {string[]} flags */
async function runOnCluster(files, flags) {
	const cluster = await formCluster(FOLDER, { say: console.log });
	const [url = ""] = cluster.nodes.map((node) => urlOf(cluster, node));
	const options = { flags, concurrency: 1, env: { TEST_CLUSTER: FOLDER } };
	return interrupted ? 1 : runEverywhere([url], files, options);
}

/** @param {{ files: string[], flags: string[], servers: string[], cluster: boolean }} given */
function runFiles({ files, flags, servers, cluster }) {
	if (cluster) return runOnCluster(files, flags);
	return servers.length > 0 ? runEverywhere(servers, files, { flags }) : runOnOwnServer(files, flags);
}

await run(async () => {
	for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
		process.on(signal, () => {
			interrupted = signal;
			signalSuite("SIGTERM");
			setTimeout(() => signalSuite("SIGKILL"), 5_000).unref();
		});
	}
	const given = process.argv.slice(2);
	const flags = given.filter((argument) => argument.startsWith("--") && !OWN_FLAGS.includes(argument));
	const filters = given.filter((argument) => !argument.startsWith("--"));
	const cluster = given.includes("--cluster");
	const files = testFiles({ filters, slow: given.includes("--all"), cluster });
	if (files.length === 0) throw new Error(`No test file matches ${filters.join(", ") || "test/**/*.test.ts"}`);
	installDependencies(console.log);
	await sweep();
	mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
	const urls = (process.env["TEST_DATABASE_URLS"] ?? "").split(",").map((url) => url.trim());
	const servers = urls.filter(Boolean);
	try {
		const code = await runFiles({ files, flags, servers, cluster });
		return interrupted ? 130 : code;
	} finally {
		await stopAll(FOLDER);
		rmSync(FOLDER, { recursive: true, force: true });
	}
});
