import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

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
	/** What it printed on both streams, in order. */
	readonly output: string;
}

/** Variables of this process that would change what a command of a test does. */
const FOREIGN = /^(DB_|TEST_DATABASE_URL|NODE_TEST_CONTEXT|NODE_OPTIONS|NODE_ENV|npm_)/;

/** The environment that a command of a test gets. */
export function environment(additions: Record<string, string> = {}): NodeJS.ProcessEnv {
	const inherited = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
	return { ...Object.fromEntries(inherited), ...additions };
}

/** Runs a command to its end, in that environment. */
export function execute(
	command: readonly [string, ...string[]],
	{ cwd, env }: { cwd: string; env?: Record<string, string> | undefined },
): Promise<Outcome> {
	const [program, ...args] = command;
	return new Promise((done, fail) => {
		const child = spawn(program, args, {
			cwd,
			env: environment(env),
			stdio: ["ignore", "pipe", "pipe"],
		});
		let output = "";
		for (const stream of [child.stdout, child.stderr]) {
			stream.setEncoding("utf8").on("data", (text: string) => {
				output += text;
			});
		}
		child.on("error", fail);
		child.on("close", (code) => done({ code, output }));
	});
}
