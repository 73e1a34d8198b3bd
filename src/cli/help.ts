import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { defaultText, SETTING_NAMES, SETTINGS } from "../settings/table";
import {
	COMMAND_NAMES,
	COMMANDS,
	type CommandName,
	GLOBAL_OPTIONS,
	OPTIONS,
	type OptionName,
	SETTING_OPTIONS,
} from "./commands";

const EXIT_CODES = `Exit codes: 0 done, or up to date; 1 not up to date, refused or failed; 2 wrong usage or setting;
3 the server cannot be reached or refuses the user; 130 or 143 interrupted by SIGINT or SIGTERM.`;

/** The help of one command, or of all. */
export function helpOf(command: CommandName | undefined): string {
	const options = [...(command ? COMMANDS[command].options : []), ...GLOBAL_OPTIONS];
	const head = command
		? [`Usage: dployr-workspaces-db ${command} [options]`, "", COMMANDS[command].summary]
		: [
				"Usage: dployr-workspaces-db <command> [options]",
				"",
				"Commands:",
				...columns(COMMAND_NAMES.map((name) => [name, COMMANDS[name].summary])),
			];
	return [...head, "", "Options:", ...columns(options.map(optionRow)), "", ...settingsHelp(), "", EXIT_CODES].join(
		"\n",
	);
}

function optionRow(name: OptionName): [string, string] {
	const { short, value, meaning } = OPTIONS[name] as { short?: string; value?: string; meaning: string };
	return [`${short ? `-${short}, ` : ""}--${name}${value ? ` <${value}>` : ""}`, meaning];
}

function settingsHelp(): string[] {
	const optionOf = new Map([...SETTING_OPTIONS].map(([option, name]) => [name, `--${option}`]));
	const rows = SETTING_NAMES.map((name): [string, string] => {
		const { variable, domain, meaning } = SETTINGS[name];
		const standard = defaultText(name);
		const details = [domain, standard && `default ${standard}`].filter(Boolean).join(", ");
		const names = [variable, optionOf.get(name)].filter(Boolean).join(" ");
		return [names, `${meaning.replaceAll("`", "")}${details && ` (${details})`}`];
	});
	return ["Settings, each a variable, also in a .env file of the working folder, or an option:", ...columns(rows)];
}

const WIDTH = 100;

function columns(rows: readonly (readonly [string, string])[]): string[] {
	const width = Math.max(...rows.map(([name]) => name.length)) + 4;
	return rows.flatMap(([name, text]) =>
		wrapped(text, WIDTH - width).map((line, index) => (index ? "" : `  ${name}`).padEnd(width) + line),
	);
}

function wrapped(text: string, width: number): string[] {
	const lines = [""];
	for (const word of text.split(" ")) {
		const line = lines.at(-1) ?? "";
		if (line && line.length + word.length + 1 > width) lines.push(word);
		else lines[lines.length - 1] = line ? `${line} ${word}` : word;
	}
	return lines;
}

/** The version in this package's package.json, which is further up in the build than in the sources. */
export function packageVersion(): string {
	for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
		try {
			const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<
				string,
				string
			>;
			if (name === "dployr-workspaces-db") return version ?? "";
		} catch {
			// None here: one folder up.
		}
	}
	return "";
}
