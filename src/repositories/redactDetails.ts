const SECRET_NAME = /key|password|token|secret|credential/i;

/**
 * Details as JSON, with `[REDACTED]` for every value under a name that contains `key` (`api_key` among them),
 * `password`, `token`, `secret` or `credential`, in upper or lower case, at any depth, in arrays too.
 */
export function redactedJson(details: unknown): string | undefined {
	return JSON.stringify(details, (name, value) => (SECRET_NAME.test(name) ? "[REDACTED]" : value));
}
