import { parseArgs } from "node:util";
import type { DataSourceSettings } from "../settings/settings";
import {
	COMMAND_NAMES,
	type CommandName,
	OPTIONS,
	type OptionName,
	optionsOf,
	SETTING_OPTIONS,
	takesValue,
} from "./commands";

/** What was typed. */
export interface Arguments {
	/** Undefined with `--help` or `--version` alone. */
	readonly command: CommandName | undefined;
	readonly options: Readonly<Partial<Record<OptionName, string | true>>>;
	/** The settings that were given as options. */
	readonly settings: DataSourceSettings;
}

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
	const given = tokens.flatMap((token) => {
		if (token.kind !== "option") return [];
		const { name, rawName: raw, value, inlineValue } = token;
		// What looks like an option is taken for a value only where it is joined to one by `=`.
		const isOption = value?.startsWith("-") === true && !inlineValue;
		return [{ name: SHORT[name] ?? name, raw, value, isOption }];
	});
	const isAside = given.some(({ name }) => name === "help" || name === "version");
	const command = readCommand(words[0], isAside);
	const found: Record<string, string | true> = {};
	const settings: Record<string, string> = {};
	for (const { name, raw, value, isOption } of given) {
		if (!optionsOf(command).includes(name)) refuse().refuseOption(name, raw, command);
		if (!takesValue(name) && value !== undefined) refuse().refuseUsage(`${raw} takes no value`);
		if (takesValue(name) && (value === undefined || isOption)) refuse().refuseUsage(`${raw} needs a value`);
		const setting = SETTING_OPTIONS.get(name);
		if (setting) settings[setting] = value ?? "";
		else found[name] = value ?? true;
	}
	if (words.length > 1) refuse().refuseUsage(`${command} takes no argument, and ${words.slice(1).join(" ")} was given`);
	return { command, options: found, settings: settings as DataSourceSettings };
}

function readCommand(word: string | undefined, isOptional: boolean): CommandName | undefined {
	if (word === undefined && isOptional) return undefined;
	return COMMAND_NAMES.find((name) => name === word) ?? refuse().refuseCommand(word);
}

/** Loaded where something is wrong only: most calls are right. */
function refuse() {
	return require("./usage") as typeof import("./usage");
}
