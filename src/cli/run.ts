import { type Arguments, readArguments } from "./arguments";
import { COMMANDS, type CommandName } from "./commands";
import { failureOf } from "./failure";
import { helpOf } from "./help";
import { createOutput, type Output } from "./output";
import { packageVersion } from "./version";
import type { Work } from "./work";

/** Loads a command's file, so that no command waits for what only another one needs. */
const LOAD: Readonly<Record<CommandName, () => Work>> = {
	migrate: () => (require("./migrate") as typeof import("./migrate")).migrateCommand,
	plan: () => (require("./plan") as typeof import("./plan")).planCommand,
	check: () => (require("./check") as typeof import("./check")).checkCommand,
	doctor: () => (require("./doctor") as typeof import("./doctor")).doctorCommand,
};

/** Runs the command that the arguments name, and returns its exit code. */
export async function run(args: readonly string[]): Promise<number> {
	// A program that asks for JSON gets it for wrong usage too.
	let output = createOutput({ json: args.includes("--json"), quiet: false });
	let given: Arguments | undefined;
	try {
		given = readArguments(args);
		const { command, options } = given;
		output = createOutput({ json: options.json === true, quiet: options.quiet === true });
		if (options.version) output.result(packageVersion());
		else if (options.help || !command) output.result(helpOf(command));
		else return await LOAD[command]()(given, output);
		return 0;
	} catch (error) {
		return fail(error, output, given);
	}
}

function fail(error: unknown, output: Output, given: Arguments | undefined): number {
	const { exitCode, code, message } = failureOf(error);
	output.line("");
	if (output.json) {
		const event = given?.command && COMMANDS[given.command].streams ? { event: "report" } : {};
		output.result(JSON.stringify({ ...event, ok: false, error: { code, message } }));
	}
	output.error(`Error: ${message}`);
	if (exitCode === 2) output.error(`See dployr-workspaces-db ${given?.command ? `${given.command} ` : ""}--help`);
	return exitCode;
}
