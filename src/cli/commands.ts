import { SETTING_NAMES, SETTINGS, type SettingName } from "../settings/table";

/** An option of the command that is not a setting. */
interface Option {
	readonly short?: string;
	/** What its value stands for in the help; undefined for a switch. */
	readonly value?: string;
	readonly meaning: string;
}

const option = <const Name extends string>(options: Readonly<Record<Name, Option>>) => options;

export const OPTIONS = option({
	to: { value: "migration", meaning: "revert down to this migration, which itself stays" },
	all: { meaning: "revert every migration" },
	json: { meaning: "print JSON for programs; migrate and revert print one event a line, the last one is the report" },
	quiet: { short: "q", meaning: "print results and errors only" },
	help: { short: "h", meaning: "print this help" },
	version: { short: "v", meaning: "print the version" },
});

export type OptionName = keyof typeof OPTIONS;

export const GLOBAL_OPTIONS = ["json", "quiet", "help", "version"] as const satisfies OptionName[];

export interface Command {
	readonly summary: string;
	/** Besides those that every command has. */
	readonly options: readonly OptionName[];
	/** Whether its JSON is one event a line rather than one document. */
	readonly streams?: boolean;
}

const command = <const Name extends string>(commands: Readonly<Record<Name, Command>>) => commands;

export const COMMANDS = command({
	migrate: {
		summary: "run the pending migrations, or refuse before anything is changed",
		options: [],
		streams: true,
	},
	revert: {
		summary: "revert the last migration, or several as one decision with --to or --all",
		options: ["to", "all"],
		streams: true,
	},
	status: {
		summary:
			"list each migration: applied, pending, half reverted, or unknown to this release; exit code 1 with pending ones",
		options: [],
	},
	plan: {
		summary: "print the SQL that migrate would execute here, and every reason for which it would refuse",
		options: [],
	},
	check: {
		summary: "say whether this database is up to date; exit code 1 when it is not",
		options: [],
	},
	doctor: {
		summary: "print the settings in force, where each comes from, and what the server says of itself",
		options: [],
	},
});

export type CommandName = keyof typeof COMMANDS;

export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];

/**
 * The settings that may be options of the command, by the option's name: `--socket` for `DB_SOCKET`. No secret is among
 * them, since every list of processes shows a command's options.
 */
export const SETTING_OPTIONS: ReadonlyMap<string, SettingName> = new Map(
	SETTING_NAMES.filter((name) => !SETTINGS[name].isSecret).map((name) => [optionOf(name), name]),
);

export function optionOf(name: SettingName): string {
	return SETTINGS[name].variable
		.replace(/^(DB|WORKSPACES)_/, "")
		.replaceAll("_", "-")
		.toLowerCase();
}

export function takesValue(name: string): boolean {
	const setting = SETTING_OPTIONS.get(name);
	return setting ? !SETTINGS[setting].isSwitch : OPTIONS[name as OptionName]?.value !== undefined;
}

/** What a command takes; without one, what any of them does. */
export function optionsOf(command: CommandName | undefined): string[] {
	const own = command ? COMMANDS[command].options : Object.keys(OPTIONS);
	return [...GLOBAL_OPTIONS, ...own, ...SETTING_OPTIONS.keys()];
}

/** What the exit code of a command says. */
export const EXIT = { done: 0, refused: 1, usage: 2, noServer: 3 } as const;
