const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export function escapeText(text: string): string {
	return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

/** Text in which what stands in backticks is code. */
export function rich(text: string): string {
	return escapeText(text).replace(/`([^`]+)`/g, "<code>$1</code>");
}

/** Fills a template; arrays are joined, and what is undefined or false leaves nothing. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): string {
	return parts.map((part, index) => part + text(values[index])).join("");
}

type Value = string | number | false | undefined | readonly Value[];

function text(value: Value): string {
	if (value === undefined || value === false) return "";
	return Array.isArray(value) ? value.map(text).join("") : String(value);
}
