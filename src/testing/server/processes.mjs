import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Longer than a slow machine takes to make a data folder and start a server. */
const LOCK_MS = 300_000;

/** Whether the process runs: one that has ended, and that nobody has asked about yet, does not. @param {number} pid */
export function isAlive(pid) {
	try {
		return pid > 0 && process.kill(pid, 0) && !hasEnded(pid);
	} catch (error) {
		return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
	}
}

/** @param {number} pid */
function hasEnded(pid) {
	try {
		return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
	} catch {
		return false;
	}
}

/** @param {number} pid */
export function commandLine(pid) {
	try {
		return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
	} catch {
		return spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" }).stdout ?? "";
	}
}

/**
 * Starts a program that outlives this process, with its output at the end of a file.
 * @param {string} program @param {readonly string[]} args @param {{ log: string, env?: NodeJS.ProcessEnv }} options
 */
export function startDetached(program, args, { log, env = process.env }) {
	const output = openSync(log, "a");
	const child = spawn(program, args, { detached: true, stdio: ["ignore", output, output], env });
	closeSync(output);
	let ended = false;
	const end = () => {
		ended = true;
	};
	child.on("error", end);
	child.on("exit", end);
	child.unref();
	return { pid: child.pid ?? 0, hasEnded: () => ended };
}

/**
 * Does one work at a time of those that name this lock file, which a process that is gone holds no longer.
 * @template Result
 * @param {string} lock @param {() => Promise<Result>} work
 */
export async function exclusively(lock, work) {
	mkdirSync(dirname(lock), { recursive: true, mode: 0o700 });
	// A link appears whole, so that nobody ever reads a lock without a pid in it.
	const own = `${lock}.${process.pid}.${randomBytes(4).toString("hex")}`;
	writeFileSync(own, String(process.pid));
	try {
		for (const end = Date.now() + LOCK_MS; !tryLink(own, lock); await sleep(100)) {
			const holder = readPid(lock);
			if (holder === undefined) continue;
			if (!isAlive(holder)) rmSync(lock, { force: true });
			else if (Date.now() > end) throw new Error(`Process ${holder} holds ${lock}: end it, or remove the file`);
		}
	} finally {
		rmSync(own, { force: true });
	}
	try {
		return await work();
	} finally {
		rmSync(lock, { force: true });
	}
}

/** @param {string} path */
function readPid(path) {
	try {
		return Number(readFileSync(path, "utf8"));
	} catch {
		return undefined;
	}
}

/** @param {string} existing @param {string} path */
function tryLink(existing, path) {
	try {
		linkSync(existing, path);
		return true;
	} catch (error) {
		if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
		return false;
	}
}
