import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { TestDatabase } from "../../testing/database";

const PROJECT = join(__dirname, "..", "..");
/** What a clone does not have, and the user's own. */
const LEFT_OUT = new Set(["node_modules", "dist", ".git", ".server", ".env"]);

/** An empty folder of one test's own. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
	const path = mkdtempSync(join(tmpdir(), "dployr-"));
	return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** The project as a clone has it, with this checkout's node_modules, in a folder of one test's own. */
export function cloneProject(): ReturnType<typeof temporaryFolder> {
	const folder = temporaryFolder();
	cpSync(PROJECT, folder.path, {
		recursive: true,
		filter: (source) => source === PROJECT || !LEFT_OUT.has(basename(source)),
	});
	symlinkSync(join(PROJECT, "node_modules"), join(folder.path, "node_modules"));
	return folder;
}

export interface Outcome {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	/** What it printed on both streams, in order. */
	readonly output: string;
}

/** Variables of this process that would change what a command of a test does. */
const FOREIGN = /^(DB_|WORKSPACES_|TEST_DATABASE_URL|NODE_TEST_CONTEXT|NODE_OPTIONS|NODE_ENV|npm_)/;

/** The environment that a command of a test gets. */
export function environment(additions: Record<string, string> = {}): NodeJS.ProcessEnv {
	const inherited = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
	return { ...Object.fromEntries(inherited), ...additions };
}

interface Place {
	readonly cwd: string;
	readonly env?: Record<string, string> | undefined;
}

/** Starts a command in that environment. */
export function start(
	[program, ...args]: readonly [string, ...string[]],
	{ cwd, env }: Place,
): { readonly child: ChildProcess; readonly outcome: Promise<Outcome> } {
	const child = spawn(program, args, { cwd, env: environment(env), stdio: ["ignore", "pipe", "pipe"] });
	let output = "";
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding("utf8").on("data", (text: string) => {
			output += text;
		});
	}
	const outcome = new Promise<Outcome>((done, fail) => {
		child.on("error", fail);
		child.on("close", (code, signal) => done({ code, signal, output }));
	});
	return { child, outcome };
}

/** Runs a command to its end. */
export function execute(command: readonly [string, ...string[]], place: Place): Promise<Outcome> {
	return start(command, place).outcome;
}

/** Starts TypeORM's own CLI on this module's `ormconfig.ts`. */
export function startTypeorm(
	{ host, port, username, password, name }: TestDatabase,
	command: "migration:run" | "migration:revert" | "migration:show",
): ReturnType<typeof start> {
	const settings = { DB_HOST: host, DB_PORT: String(port), DB_USERNAME: username, DB_DATABASE: name };
	const cli = join(PROJECT, "node_modules", "typeorm", "cli.js");
	return start([process.execPath, "--import", "tsx", cli, command, "-d", "ormconfig.ts"], {
		cwd: PROJECT,
		env: { ...settings, ...(password ? { DB_PASSWORD: password } : {}) },
	});
}

export interface Tarball {
	readonly path: string;
	/** Paths of the files in it. */
	readonly files: readonly string[];
	remove(): void;
}

/** Builds and packs the package as `npm publish` would, from a clone. */
export async function packProject(): Promise<Tarball> {
	const clone = cloneProject();
	try {
		const output = await npm(clone.path, "pack", "--json");
		const [packed] = JSON.parse(output.slice(output.indexOf("[\n"))) as [
			{ filename: string; files: { path: string }[] },
		];
		return {
			path: join(clone.path, packed.filename),
			files: packed.files.map(({ path }) => path),
			remove: clone.remove,
		};
	} catch (error) {
		clone.remove();
		throw error;
	}
}

/** Runs npm in a project of a test's own; what the cache has is not asked for again. */
export async function npm(cwd: string, ...args: string[]): Promise<string> {
	const options = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
	const { code, output } = await execute(["npm", ...args, ...options], { cwd });
	assert.equal(code, 0, `npm ${args.join(" ")}: ${output}`);
	return output;
}
