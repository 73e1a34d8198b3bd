import { type Arguments, readArguments } from "./arguments";
import type { CommandName } from "./commands";
import { createOutput, type Output } from "./output";
import { onSignal } from "./signals";
import type { Work } from "./work";

/** Loads a command's file, so that no command waits for what only another one needs. */
const LOAD: Readonly<Record<CommandName, () => Work>> = {
	migrate: () => (require("./migrate") as typeof import("./migrate")).migrateCommand,
	revert: () => (require("./revert") as typeof import("./revert")).revertCommand,
	status: () => (require("./status") as typeof import("./status")).statusCommand,
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
		if (command && !options.help && !options.version) {
			onSignal(() => reportInterruption(output, given));
			return await LOAD[command]()(given, output);
		}
		const { helpOf, packageVersion } = require("./help") as typeof import("./help");
		output.result(options.version ? packageVersion() : helpOf(command));
		return 0;
	} catch (error) {
		const { reportFailure } = require("./failure") as typeof import("./failure");
		return reportFailure(error, output, given);
	}
}

/** For a signal that comes before `interruptibly` handles it: until then no command has changed anything. */
function reportInterruption(output: Output, given: Arguments | undefined): void {
	const { InterruptedError } = require("../errors") as typeof import("../errors");
	const { reportFailure } = require("./failure") as typeof import("./failure");
	reportFailure(new InterruptedError("interrupted; nothing was changed"), output, given);
}
