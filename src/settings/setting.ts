import { readFileSync } from "node:fs";

/** One row of the table of settings. `Value` is the type of its option, and of the setting in force. */
export interface Setting<Value, Default extends Value | undefined = Value | undefined> {
	readonly variable: string;
	/** What it is, for `--help` and the documentation. */
	readonly meaning: string;
	/** Which values it takes, for the same; empty for any text. */
	readonly domain: string;
	readonly default: Default;
	/** A value as the text of the variable. */
	textOf(value: unknown): string;
	/** Whether its value must never be printed. */
	readonly isSecret: boolean;
	/** Whether it is an option of the command that takes no value. */
	readonly isSwitch: boolean;
	/** The value that a variable's text stands for, or an option's value, checked. */
	parse(given: unknown, fail: Fail): Value;
}

/** Says what a value must be. What was given never becomes part of it: it may be a password in the wrong place. */
export type Fail = (problem: string) => never;

interface Row<Default> {
	readonly variable: string;
	readonly meaning: string;
	readonly default: Default;
}

interface TextRow<Default> extends Row<Default> {
	readonly domain?: string;
	readonly isSecret?: boolean;
	/** Returns the text in the form that is used, or fails. */
	readonly check?: (value: string, fail: Fail) => string;
}

export function text<const Default extends string | undefined>(row: TextRow<Default>): Setting<string, Default> {
	const { domain = "", isSecret = false, check = (value: string) => value } = row;
	return {
		...row,
		domain,
		textOf: String,
		isSecret,
		isSwitch: false,
		parse(given, fail) {
			if (typeof given !== "string") return fail(`must be text, not a ${typeof given}`);
			return check(given, fail);
		},
	};
}

/** A name or path: white space around it is a mistake, and the servers differ in what they make of it. */
export function name<const Default extends string | undefined>(row: TextRow<Default>): Setting<string, Default> {
	const { check = (value: string) => value } = row;
	return text({
		...row,
		check(value, fail) {
			if (/^\s/.test(value)) return fail("begins with white space: remove it");
			if (/\s$/.test(value)) return fail("ends with white space: remove it");
			return check(value, fail);
		},
	});
}

interface NumberRow<Default> extends Row<Default> {
	/** Both bounds are included. */
	readonly from: number;
	readonly to: number;
}

export function integer<const Default extends number>(row: NumberRow<Default>): Setting<number, Default> {
	const { from, to } = row;
	const domain = `${from} to ${to}`;
	return {
		...row,
		domain,
		textOf: String,
		isSecret: false,
		isSwitch: false,
		parse(given, fail) {
			const value = typeof given === "string" && /^\s*\d+\s*$/.test(given) ? Number(given) : given;
			if (typeof value === "number" && Number.isInteger(value) && value >= from && value <= to) return value;
			return fail(`must be a whole number from ${domain}`);
		},
	};
}

interface WordRow<Word, Default> extends Row<Default> {
	readonly words: readonly Word[];
}

export function word<const Word extends string, const Default extends Word | undefined>(
	row: WordRow<Word, Default>,
): Setting<Word, Default> {
	const domain = listed(row.words);
	return {
		...row,
		domain,
		textOf: String,
		isSecret: false,
		isSwitch: false,
		parse: (given, fail) => row.words.find((known) => known === given) ?? fail(`must be ${domain}`),
	};
}

interface FlagRow extends Row<boolean> {
	readonly on: string;
	readonly off: string;
	readonly isSwitch?: boolean;
}

/** A boolean as an option, one of two words as a variable. */
export function flag(row: FlagRow): Setting<boolean, boolean> {
	const domain = listed([row.off, row.on]);
	return {
		...row,
		domain,
		textOf: (value) => (value ? row.on : row.off),
		isSecret: false,
		isSwitch: row.isSwitch ?? false,
		parse(given, fail) {
			if (given === true || given === row.on) return true;
			if (given === false || given === row.off) return false;
			return fail(`must be ${domain}`);
		},
	};
}

function listed(words: readonly string[]): string {
	return [words.slice(0, -1).join(", "), words.at(-1)].filter(Boolean).join(" or ");
}

/**
 * Reads the file whose path a setting holds. No message shows the path: somebody may have put the secret itself there.
 *
 * @throws SettingsError where it cannot be read
 */
export function readSettingFile(variable: string, path: string): Buffer {
	try {
		return readFileSync(path);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		return failFor(variable)(`the file cannot be read (${code}); a relative path starts at ${process.cwd()}`);
	}
}

/** Fails with a `SettingsError` in the name of a variable, or of what else is wrong. */
export function failFor(variable: string, cause?: unknown): Fail {
	return (problem) => {
		// Loaded for a failure only: a command that finds nothing to do loads little.
		const { SettingsError } = require("../errors") as typeof import("../errors");
		throw new SettingsError(`${variable}: ${problem}`, cause === undefined ? undefined : { cause });
	};
}
