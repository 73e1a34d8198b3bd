import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The project's folder. */
export const PROJECT = join(import.meta.dirname, "..", "..");
/** The private servers' folder, which git ignores. */
export const SERVERS = join(PROJECT, ".server");

/** @typedef {{ version?: string, optional?: boolean }} LockedPackage */

/** @param {string} path @returns {Record<string, LockedPackage>} */
function lockedPackages(path) {
	return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : {};
}

/** Whether node_modules holds what the lock file says. Packages for other systems are optional, and absent. */
function isInstalled() {
	const wanted = lockedPackages(join(PROJECT, "package-lock.json"));
	const present = lockedPackages(join(PROJECT, "node_modules", ".package-lock.json"));
	return Object.entries(wanted).every(
		([path, { version, optional }]) =>
			path === "" || present[path]?.version === version || (optional && !present[path]),
	);
}

/** Installs node_modules from the lock file, when they are missing or others. @param {(line: string) => void} say */
export function installDependencies(say) {
	if (isInstalled()) return;
	say("Installing node_modules (npm ci)");
	const { status, error } = spawnSync("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], {
		cwd: PROJECT,
		stdio: ["ignore", "inherit", "inherit"],
	});
	if (status !== 0) throw new Error(`npm ci failed${error ? `: ${error.message}` : ""}: see its messages above`);
}

/** Ends the process with one line for a failure. @param {() => Promise<number | void>} main gives the exit code */
export async function run(main) {
	try {
		process.exitCode = (await main()) ?? 0;
	} catch (error) {
		console.error(`Error: ${error instanceof Error ? error.message : String(error)}`);
		process.exitCode = 1;
	}
}
