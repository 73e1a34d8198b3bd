import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { TestDatabase } from "./database";

const PROJECT = join(__dirname, "..", "..");
/** Variables of this process that would change what the command does. */
const FOREIGN = /^(DB_|WORKSPACES_|TEST_DATABASE_URL|NODE_TEST_CONTEXT|NODE_OPTIONS|npm_)/;

export interface CliOutcome {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	/** What it printed on both streams, in order. */
	readonly output: string;
}

/** Starts TypeORM's own CLI on this module's `ormconfig.ts`. */
export function startTypeorm(
	{ host, port, username, password, name }: TestDatabase,
	command: "migration:run" | "migration:revert" | "migration:show",
): { readonly child: ChildProcess; readonly outcome: Promise<CliOutcome> } {
	const inherited = Object.entries(process.env).filter(([variable]) => !FOREIGN.test(variable));
	const settings = { DB_HOST: host, DB_PORT: String(port), DB_USERNAME: username, DB_DATABASE: name };
	const cli = join(PROJECT, "node_modules", "typeorm", "cli.js");
	const child = spawn(process.execPath, ["--import", "tsx", cli, command, "-d", "ormconfig.ts"], {
		cwd: PROJECT,
		env: { ...Object.fromEntries(inherited), ...settings, ...(password ? { DB_PASSWORD: password } : {}) },
		stdio: ["ignore", "pipe", "pipe"],
	});
	let output = "";
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding("utf8").on("data", (text: string) => {
			output += text;
		});
	}
	const outcome = new Promise<CliOutcome>((done, fail) => {
		child.on("error", fail);
		child.on("close", (code, signal) => done({ code, signal, output }));
	});
	return { child, outcome };
}
