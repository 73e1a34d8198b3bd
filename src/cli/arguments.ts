import { parseArgs } from "node:util";
import type { DataSourceSettings } from "../settings/settings";
import { SETTING_NAMES, SETTINGS, type SettingName } from "../settings/table";
import { COMMAND_NAMES, COMMANDS, type CommandName, GLOBAL_OPTIONS, OPTIONS, type OptionName } from "./commands";
import { nearest } from "./nearest";

/** The command was called in a way that it does not know: exit code 2. */
export class UsageError extends Error {}

/** What was typed. */
export interface Arguments {
	/** Undefined with `--help` or `--version` alone. */
	readonly command: CommandName | undefined;
	readonly options: Readonly<Partial<Record<OptionName, string | true>>>;
	/** The settings that were given as options. */
	readonly settings: DataSourceSettings;
}

/**
 * The settings that may be options of the command, by the option's name: `--socket` for `DB_SOCKET`. No secret is among
 * them, since every list of processes shows a command's options.
 */
export const SETTING_OPTIONS: ReadonlyMap<string, SettingName> = new Map(
	SETTING_NAMES.filter((name) => !SETTINGS[name].isSecret).map((name) => [
		SETTINGS[name].variable.replace(/^DB_/, "").replaceAll("_", "-").toLowerCase(),
		name,
	]),
);

const SHORT: Readonly<Record<string, string>> = Object.fromEntries(
	Object.entries(OPTIONS).flatMap(([name, { short }]) => (short ? [[short, name]] : [])),
);

/** @throws UsageError that names what is not known, with the nearest that is */
export function readArguments(args: readonly string[]): Arguments {
	const options = Object.fromEntries(
		[...Object.keys(OPTIONS), ...SETTING_OPTIONS.keys()].map((name) => [
			name,
			{ type: takesValue(name) ? "string" : "boolean" } as const,
		]),
	);
	const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
	const words = tokens.flatMap((token) => (token.kind === "positional" ? [token.value] : []));
	const given = tokens.flatMap((token) =>
		token.kind === "option" ? [{ name: SHORT[token.name] ?? token.name, raw: token.rawName, value: token.value }] : [],
	);
	const isAside = given.some(({ name }) => name === "help" || name === "version");
	const command = readCommand(words[0], isAside);
	const found: Record<string, string | true> = {};
	const settings: Record<string, string> = {};
	for (const { name, raw, value } of given) {
		if (!optionsOf(command).includes(name)) throw unknownOption(name, raw, command);
		if (!takesValue(name) && value !== undefined) throw new UsageError(`${raw} takes no value`);
		if (takesValue(name) && (value === undefined || value.startsWith("-")))
			throw new UsageError(`${raw} needs a value`);
		const setting = SETTING_OPTIONS.get(name);
		if (setting) settings[setting] = value ?? "";
		else found[name] = value ?? true;
	}
	if (words.length > 1) throw new UsageError(`${command} takes no argument, and ${words.slice(1).join(" ")} was given`);
	return { command, options: found, settings: settings as DataSourceSettings };
}

function takesValue(name: string): boolean {
	return SETTING_OPTIONS.has(name) || OPTIONS[name as OptionName]?.value !== undefined;
}

/** What a command takes; without one, what any of them does. */
function optionsOf(command: CommandName | undefined): string[] {
	const own = command ? COMMANDS[command].options : Object.keys(OPTIONS);
	return [...GLOBAL_OPTIONS, ...own, ...SETTING_OPTIONS.keys()];
}

function readCommand(word: string | undefined, isOptional: boolean): CommandName | undefined {
	if (word === undefined) {
		if (isOptional) return undefined;
		throw new UsageError(`a command is missing: one of ${COMMAND_NAMES.join(", ")}`);
	}
	const known = COMMAND_NAMES.find((name) => name === word);
	if (!known) throw new UsageError(`unknown command ${word}; did you mean ${nearest(word, COMMAND_NAMES)}?`);
	return known;
}

function unknownOption(name: string, raw: string, command: CommandName | undefined): UsageError {
	const elsewhere = COMMAND_NAMES.find((one) => (COMMANDS[one].options as readonly string[]).includes(name));
	if (elsewhere) return new UsageError(`${raw} is an option of ${elsewhere} only`);
	const secret = SETTING_NAMES.find((setting) => SETTINGS[setting].isSecret && secretOption(setting) === name);
	if (secret) {
		return new UsageError(
			`${raw} is no option, since lists of processes would show it: set ${SETTINGS[secret].variable}`,
		);
	}
	return new UsageError(`unknown option ${raw}; did you mean --${nearest(name, optionsOf(command))}?`);
}

function secretOption(setting: SettingName): string {
	return SETTINGS[setting].variable.replace(/^DB_/, "").replaceAll("_", "-").toLowerCase();
}
