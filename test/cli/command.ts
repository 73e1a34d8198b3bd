import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { TestDatabase } from "../../testing/database";
import { environment } from "../support/processes";

const PROJECT = join(__dirname, "..", "..");

/** What a command left. */
export interface CommandOutcome {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

export interface RunningCommand {
	readonly child: ChildProcess;
	/** What it has written so far. */
	stdout(): string;
	stderr(): string;
	readonly outcome: Promise<CommandOutcome>;
}

/** The variables that lead to a test's database. */
export function variablesOf({ host, port, username, password, name }: TestDatabase): Record<string, string> {
	return { DB_HOST: host, DB_PORT: String(port), DB_USERNAME: username, DB_PASSWORD: password, DB_DATABASE: name };
}

/** Starts the package's command from the sources; `--require` hooks may stand in `NODE_OPTIONS`. */
export function startCommand(args: readonly string[], env: Record<string, string>): RunningCommand {
	const main = join(PROJECT, "src", "cli", "main.ts");
	const child = spawn(process.execPath, ["--import", "tsx", main, ...args], {
		cwd: PROJECT,
		env: environment(env),
		stdio: ["ignore", "pipe", "pipe"],
	});
	let [stdout, stderr] = ["", ""];
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		stdout += text;
	});
	child.stderr.setEncoding("utf8").on("data", (text: string) => {
		stderr += text;
	});
	const outcome = new Promise<CommandOutcome>((done, fail) => {
		child.on("error", fail);
		child.on("close", (code) => done({ code, stdout, stderr }));
	});
	return { child, stdout: () => stdout, stderr: () => stderr, outcome };
}

export function runCommand(args: readonly string[], env: Record<string, string> = {}): Promise<CommandOutcome> {
	return startCommand(args, env).outcome;
}
