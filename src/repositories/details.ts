import { WorkspaceLog } from "../entities";
import type { JsonValue } from "../entities/WorkspaceLog";
import { InvalidValueError } from "../errors";

const HIDDEN = "[REDACTED]";

/** Parts of names whose values are secrets. */
const SECRET = "key|passw(?:or)?d|pwd|passphrase|token|secret|credential|authorization|cookie|jwt|bearer";
const SECRET_NAME = new RegExp(SECRET, "i");

// What repeats is bounded wherever it may be tried from every character, so that megabytes take milliseconds.
/** `NAME=value` that begins a line: all of the line. */
const LINE = new RegExp(
	`^(\\s{0,100}(?:(?:export|set|-)\\s+)?[\\w.-]{0,100}(?:${SECRET})[\\w.-]{0,100}\\s*=)[^\\n]*`,
	"gim",
);
/** `NAME=value` anywhere else: up to where a value in a command or a URL ends. Found from its equals sign. */
const WORD = new RegExp(`=(?<=(?:${SECRET})[\\w.-]{0,100}=)(?:"[^"]*"|'[^']*'|[^\\s&;,"']+)`, "gi");
/** A header with its value. */
const HEADER = /((?:authorization|cookie|x-[\w-]{0,50}(?:key|token)[\w-]{0,50})\s{0,5}:\s{0,5})[^\n"']+/gi;
/** What is a secret by its form: a scheme with what follows it, a JSON web token, a password in a URL. */
const SCHEME = /\b(Bearer|Basic)\s{1,5}[\w.~+/=-]{8,}/gi;
const WEB_TOKEN = /\beyJ[\w-]{1,5000}\.[\w-]{1,50000}\.[\w-]*/g;
const URL_PASSWORD = /(:\/\/[^\s:@/]{0,200}:)[^\s@/]{1,500}@/g;

/** How deep JSON may be nested: what MariaDB takes; MySQL takes 100 levels. */
const MOST_LEVELS = 31;

/**
 * Details as JSON, in which `[REDACTED]` stands for every secret: each value, at any depth, under a name that contains
 * key, password, passwd, pwd, passphrase, token, secret, credential, authorization, cookie, jwt or bearer, or beside such
 * a `name`; in texts, each such `NAME=value`, header, web token and password in a URL; texts that are JSON are gone
 * through like it.
 *
 * @throws InvalidValueError for what JSON cannot hold, and what is nested more than 31 levels deep
 */
export function detailsToJson(details: JsonValue | undefined): string | null {
	if (details === undefined || details === null) return null;
	try {
		const json = JSON.stringify(details, redact);
		if (json !== undefined) {
			if (depthOf(json) <= MOST_LEVELS) return json;
			throw new InvalidValueError(WorkspaceLog.entityName, "details", `nested at most ${MOST_LEVELS} levels deep`);
		}
	} catch (cause) {
		if (cause instanceof InvalidValueError) throw cause;
		throw new InvalidValueError(WorkspaceLog.entityName, "details", "what JSON can hold", { cause });
	}
	throw new InvalidValueError(WorkspaceLog.entityName, "details", "what JSON can hold");
}

/** Takes the secrets out of a value; for `JSON.stringify`. */
function redact(name: string, value: unknown): unknown {
	if (SECRET_NAME.test(name)) return HIDDEN;
	if (typeof value === "string") return redactText(value);
	return isNamedSecret(value) ? { ...value, value: HIDDEN } : value;
}

/** As in lists of an environment's variables: `{ "name": "API_KEY", "value": … }`. */
function isNamedSecret(value: unknown): value is { name: string; value: unknown } {
	if (typeof value !== "object" || value === null) return false;
	const { name } = value as { name?: unknown };
	return typeof name === "string" && "value" in value && SECRET_NAME.test(name);
}

function redactText(text: string): string {
	const parsed = /^\s*[[{]/.test(text) ? parse(text) : undefined;
	if (parsed !== undefined) return JSON.stringify(parsed, redact);
	return text
		.replaceAll(LINE, `$1${HIDDEN}`)
		.replaceAll(WORD, `=${HIDDEN}`)
		.replaceAll(HEADER, `$1${HIDDEN}`)
		.replaceAll(SCHEME, `$1 ${HIDDEN}`)
		.replaceAll(WEB_TOKEN, HIDDEN)
		.replaceAll(URL_PASSWORD, `$1${HIDDEN}@`);
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/** How many levels of lists and objects a JSON text has. */
function depthOf(json: string): number {
	let [depth, most, isText] = [0, 0, false];
	for (let index = 0; index < json.length; index++) {
		const character = json[index];
		if (character === "\\") index++;
		else if (character === '"') isText = !isText;
		else if (isText) continue;
		else if (character === "{" || character === "[") most = Math.max(most, ++depth);
		else if (character === "}" || character === "]") depth--;
	}
	return most;
}
