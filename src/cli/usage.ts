import { SETTING_NAMES, SETTINGS } from "../settings/table";
import { COMMAND_NAMES, COMMANDS, type CommandName, optionOf, optionsOf } from "./commands";
import { nearest } from "./nearest";

/** The command was called in a way that it does not know: exit code 2. */
export class UsageError extends Error {}

export function refuseUsage(problem: string): never {
	throw new UsageError(problem);
}

export function refuseCommand(word: string | undefined): never {
	if (word === undefined) return refuseUsage(`a command is missing: one of ${COMMAND_NAMES.join(", ")}`);
	const meant = nearest(word, COMMAND_NAMES);
	return refuseUsage(
		`unknown command ${word}${meant ? `; did you mean ${meant}?` : `: one of ${COMMAND_NAMES.join(", ")}`}`,
	);
}

/** @param raw as it was typed, with its dashes */
export function refuseOption(name: string, raw: string, command: CommandName | undefined): never {
	const elsewhere = COMMAND_NAMES.find((one) => (COMMANDS[one].options as readonly string[]).includes(name));
	if (elsewhere) return refuseUsage(`${raw} is an option of ${elsewhere} only`);
	const secret = SETTING_NAMES.find((setting) => SETTINGS[setting].isSecret && optionOf(setting) === name);
	if (secret) {
		const { variable } = SETTINGS[secret];
		return refuseUsage(`${raw} is no option, since lists of processes would show it: set ${variable}`);
	}
	const meant = nearest(name, optionsOf(command));
	return refuseUsage(`unknown option ${raw}${meant ? `; did you mean --${meant}?` : ""}`);
}
