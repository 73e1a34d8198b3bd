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
	/** Each word that was typed. */
	readonly args: readonly string[];
}

const SHORT: Readonly<Record<string, string>> = Object.fromEntries(
	Object.entries(OPTIONS).flatMap(([name, { short }]) => (short ? [[short, name]] : [])),
);

/** An option as it was typed. */
interface TypedOption {
	/** As it was typed, with its dashes. */
	readonly raw: string;
	readonly name: string;
	/** What was joined to it by `=`, or for an option that takes a value the word behind it. */
	readonly value: string | undefined;
}

/** @throws UsageError that names what is not known, with the nearest that is */
export function readArguments(args: readonly string[]): Arguments {
	const { words, typed } = divide(args);
	const isAside = typed.some(({ name }) => name === "help" || name === "version");
	const command = readCommand(words[0], isAside);
	const options: Record<string, string | true> = {};
	const settings: Record<string, string | true> = {};
	for (const { name, raw, value } of typed) {
		if (!optionsOf(command).includes(name)) refuse().refuseOption(name, raw, command);
		if (!takesValue(name) && value !== undefined) refuse().refuseUsage(`${raw} takes no value`);
		if (takesValue(name) && value === undefined) refuse().refuseUsage(`${raw} needs a value`);
		const setting = SETTING_OPTIONS.get(name);
		if (setting) settings[setting] = value ?? true;
		else options[name] = value ?? true;
	}
	if (words.length > 1) refuse().refuseUsage(`${command} takes no argument, and ${words.slice(1).join(" ")} was given`);
	return { command, options, settings: settings as DataSourceSettings, args };
}

/** Own code, since Node's `parseArgs` costs a call that has nothing to do 4 ms, and does not say what is nearest. */
function divide(args: readonly string[]): { readonly words: string[]; readonly typed: TypedOption[] } {
	const words: string[] = [];
	const typed: TypedOption[] = [];
	for (let i = 0; i < args.length; i++) {
		const arg = args[i] ?? "";
		if (arg === "--") return { words: [...words, ...args.slice(i + 1)], typed };
		const [, raw, long, short, joined] = /^(--([^=]+)|-([^-=]))(?:=([\s\S]*))?$/.exec(arg) ?? [];
		if (raw === undefined) {
			words.push(arg);
			continue;
		}
		const name = long ?? SHORT[short ?? ""] ?? short ?? "";
		const next = args[i + 1];
		// What looks like an option is taken for a value only where it is joined to one.
		const isNext = joined === undefined && takesValue(name) && next !== undefined && !next.startsWith("-");
		if (isNext) i++;
		typed.push({ raw, name, value: isNext ? next : joined });
	}
	return { words, typed };
}

function readCommand(word: string | undefined, isOptional: boolean): CommandName | undefined {
	if (word === undefined && isOptional) return undefined;
	return COMMAND_NAMES.find((name) => name === word) ?? refuse().refuseCommand(word);
}

/** Loaded for wrong usage only. */
function refuse() {
	return require("./usage") as typeof import("./usage");
}
