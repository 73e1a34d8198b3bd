import { readEnvironment } from "../settings/environment";
import { type Resolution, resolveSettings } from "../settings/settings";
import { SETTING_NAMES, SETTINGS, type SettingName } from "../settings/table";
import { EXIT, optionOf } from "./commands";
import { connected } from "./connected";
import { examineServer, type ServerFacts } from "./doctorServer";
import { failureOf } from "./failure";
import type { Work } from "./work";

interface SettingInForce {
	readonly option: SettingName;
	readonly variable: string;
	/** `(set)` for a secret. */
	readonly value: string;
	/** The option or variable that it comes from, with the file's path for one of a `.env`; or `default`. */
	readonly from: string;
}

/** Prints the settings in force with where each comes from, and what the server says of itself. */
export const doctorCommand: Work = async (given, output) => {
	const environment = readEnvironment();
	const resolution = resolveSettings(given.settings, environment);
	const settings = settingsInForce(resolution, environment.path);
	if (!output.json) output.result(["Settings", ...table(settings.map(settingRow))].join("\n"));
	try {
		const server = await connected(given, output, examineServer);
		const ok = server.problems.length === 0;
		if (output.json) output.result(JSON.stringify({ ok, settings, server }, null, 2));
		else output.result(serverText(server));
		return ok ? EXIT.done : EXIT.refused;
	} catch (error) {
		if (!output.json) throw error;
		const { exitCode, code, message } = failureOf(error);
		output.result(JSON.stringify({ ok: false, settings, error: { code, message } }, null, 2));
		output.error(`Error: ${message}`);
		return exitCode;
	}
};

function settingsInForce({ values, origins }: Resolution, envFile: string): SettingInForce[] {
	return SETTING_NAMES.flatMap((option): SettingInForce[] => {
		const [origin, value] = [origins[option], values[option]];
		if (!origin || value === undefined) return [];
		const { variable, isSecret, textOf } = SETTINGS[option];
		const from = {
			option: `--${optionOf(option)}`,
			variable: origin.name,
			".env": `${origin.name} in ${envFile}`,
			default: "default",
		};
		return [{ option, variable, value: isSecret ? "(set)" : textOf(value), from: from[origin.kind] }];
	});
}

function settingRow({ variable, value, from }: SettingInForce): string[] {
	return [variable, value, from];
}

function serverText({ server, tls, privileges, cluster, clock, variables, problems, remarks }: ServerFacts): string {
	const facts = [
		["server", server],
		["encryption", tls],
		["privileges", privileges],
		["cluster", cluster],
		["clock", clock],
	];
	const sections = [
		["", "Server", ...table(facts)],
		["", "Server variables that matter", ...table(Object.entries(variables))],
		...(remarks.length ? [["", "Worth knowing", ...remarks.map((remark) => `  ${remark}`)]] : []),
		[
			"",
			...(problems.length ? ["Problems", ...problems.map((problem) => `  ${problem}`)] : ["No problems were found."]),
		],
	];
	return sections.flat().join("\n");
}

function table(rows: readonly (readonly string[])[]): string[] {
	const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), []);
	return rows.map(
		(row) =>
			`  ${row
				.map((cell, i) => cell.padEnd(widths[i] ?? 0))
				.join("  ")
				.trimEnd()}`,
	);
}
