import { ConnectionError, IncompatibleSchemaError, SettingsError, WorkspacesError } from "../errors";
import { redactMessage } from "../mysql/redact";
import type { Arguments } from "./arguments";
import { COMMANDS, EXIT } from "./commands";
import type { Output } from "./output";
import { UsageError } from "./usage";

export interface Failure {
	readonly exitCode: number;
	readonly code: string;
	readonly message: string;
	/** Each reason, where a run is refused. */
	readonly problems?: readonly string[];
}

/** An error as a program or a person gets it; no value of a statement or setting is part of it. */
export function failureOf(error: unknown): Failure {
	const message = messageOf(error);
	if (error instanceof UsageError) return { exitCode: EXIT.usage, code: "WRONG_USAGE", message };
	if (error instanceof SettingsError) return { exitCode: EXIT.usage, code: error.code, message };
	if (error instanceof ConnectionError) return { exitCode: EXIT.noServer, code: error.code, message };
	const code = error instanceof WorkspacesError ? error.code : "FAILED";
	const problems = error instanceof IncompatibleSchemaError ? { problems: error.problems } : {};
	return { exitCode: EXIT.refused, code, message, ...problems };
}

/** Prints an error, and returns the exit code that it stands for. */
export function reportFailure(error: unknown, output: Output, given: Arguments | undefined): number {
	const { exitCode, ...failure } = failureOf(error);
	const command = given?.command;
	output.line("");
	if (output.json) {
		const event = command && COMMANDS[command].streams ? { event: "report" } : {};
		output.result(JSON.stringify({ ...event, ok: false, error: failure }));
	}
	output.error(`Error: ${failure.message}`);
	if (exitCode === EXIT.usage) output.error(`See dployr-workspaces-db ${command ? `${command} ` : ""}--help`);
	return exitCode;
}

function messageOf(error: unknown): string {
	if (error instanceof WorkspacesError || error instanceof UsageError) return error.message;
	if (!(error instanceof Error)) return String(error);
	const { errno, code } = error as { errno?: number; code?: string };
	// An error of neither the server nor the system is a fault of this package: the stack helps to find it.
	if (errno === undefined && code === undefined) return error.stack ?? error.message;
	return redactMessage(error.message, errno);
}
