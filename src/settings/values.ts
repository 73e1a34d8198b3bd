import { SettingsError } from "../errors";

/** Undefined for nothing, so that a variable that is set to nothing counts as not set. */
export function present(value: string): string | undefined {
	return value === "" ? undefined : value;
}

/** Text as it stands; the value is never part of the message, since it may be or hold a password. */
export function text(
	variable: string,
	value: unknown,
	otherwise: string,
	refuse: (value: string) => string | undefined = () => undefined,
): string {
	if (value === undefined || value === null || value === "") return otherwise;
	if (typeof value !== "string") throw new SettingsError(`${variable}: must be text, not a ${typeof value}`);
	const problem = refuse(value);
	if (problem) throw new SettingsError(`${variable}: ${problem}`);
	return value;
}

/** A whole number within bounds, both included. */
export function integer(variable: string, value: unknown, otherwise: number, least: number, most: number): number {
	if (value === undefined || value === null || value === "") return otherwise;
	const number = typeof value === "string" && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
	if (typeof number === "number" && Number.isInteger(number) && number >= least && number <= most) return number;
	throw new SettingsError(`${variable}: must be a whole number from ${least} to ${most}, not ${shown(value)}`);
}

/** One of a few words. */
export function choice<Word extends string>(
	variable: string,
	value: unknown,
	words: readonly Word[],
	otherwise: Word,
): Word {
	if (value === undefined || value === null || value === "") return otherwise;
	const found = words.find((word) => word === value);
	if (found === undefined) throw new SettingsError(`${variable}: must be ${words.join(" or ")}, not ${shown(value)}`);
	return found;
}

/** Short enough for a line, whatever was given. */
function shown(value: unknown): string {
	const text = JSON.stringify(value) ?? String(value);
	return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
