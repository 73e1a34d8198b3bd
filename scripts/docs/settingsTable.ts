import { defaultText, SETTING_NAMES, SETTINGS } from "../../src/settings/table";

const START = "<!-- settings: written by npm run docs -->\n";
const END = "<!-- /settings -->";

/** docs/deploying.md with the table of settings between its markers. */
export function withSettings(document: string): string {
	const start = document.indexOf(START);
	const end = document.indexOf(END);
	if (start < 0 || end < start) throw new Error(`docs/deploying.md lacks the markers ${START.trim()} and ${END}`);
	return document.slice(0, start + START.length) + settingsTable() + document.slice(end);
}

function settingsTable(): string {
	const code = (text: string) => text && `\`${text}\``;
	const rows = SETTING_NAMES.map((option) => {
		const { variable, meaning, domain } = SETTINGS[option];
		return [code(variable), code(option), code(defaultText(option)), domain, meaning];
	});
	const head = ["variable", "option", "default", "values", "meaning"];
	return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
