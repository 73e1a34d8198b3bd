import { WorkspaceLog } from "../entities";
import type { JsonValue } from "../entities/WorkspaceLog";
import { InvalidValueError } from "../errors";

const HIDDEN = "[REDACTED]";

/** Parts of names whose values are secrets. */
const SECRET = "key|passw(?:or)?d|pwd|passphrase|token|secret|credential|authorization|cookie|jwt|bearer|private";
const SECRET_NAME = new RegExp(SECRET, "i");

/** `NAME=value`: in a line that begins so, all of it, else up to where a value in a command or a URL ends. */
const LINE = new RegExp(`^(\\s*(?:export\\s+|-+)?[\\w.-]*(?:${SECRET})[\\w.-]*\\s*=)[^\\n]*`, "gim");
const WORD = new RegExp(`([\\w.-]*(?:${SECRET})[\\w.-]*=)(?:"[^"]*"|'[^']*'|[^\\s&;,"']+)`, "gi");
/** A header's line. */
const HEADER = /((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:key|token)[\w-]*)(\s*:\s*)[^\n"']+/gi;
/** What is a secret by its looks: a scheme with what follows it, a JSON web token, a password in a URL. */
const SCHEME = /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi;
const WEB_TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/]*:)[^\s@/]+@/gi;

/** How deep JSON may be nested: what MariaDB takes; MySQL takes 100 levels. */
const MOST_LEVELS = 31;

/**
 * Details as JSON, in which `[REDACTED]` stands for every secret: each value, at any depth, under a name that contains
 * key, password, passwd, pwd, passphrase, token, secret, credential, authorization, cookie, jwt, bearer or private; in
 * texts, each such `NAME=value`, header, web token and password in a URL; texts that are JSON are gone through like it.
 *
 * @throws InvalidValueError for what JSON cannot hold, and what is nested more than 31 levels deep
 */
export function detailsToJson(details: JsonValue | undefined): string | null {
	if (details === undefined || details === null) return null;
	try {
		const json = JSON.stringify(details, (name, value) => (SECRET_NAME.test(name) ? HIDDEN : redactText(value)));
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

function redactText(value: unknown): unknown {
	if (typeof value !== "string") return value;
	if (/^\s*[[{]/.test(value)) {
		const parsed = parse(value);
		if (parsed !== undefined)
			return JSON.stringify(parsed, (name, part) => (SECRET_NAME.test(name) ? HIDDEN : redactText(part)));
	}
	return value
		.replaceAll(LINE, `$1${HIDDEN}`)
		.replaceAll(WORD, `$1${HIDDEN}`)
		.replaceAll(HEADER, `$1$2${HIDDEN}`)
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
