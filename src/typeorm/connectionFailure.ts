import { ConnectionError } from "../errors";
import { withoutSecrets } from "../mysql/redact";
import type { ResolvedSettings } from "../settings/settings";

/** The network's and the server's ways to say that the server is not up yet, or is just going down. */
const PASSING_CODES = new Set([
	"ECONNREFUSED",
	"ECONNRESET",
	"ECONNABORTED",
	"EPIPE",
	"ENOTFOUND",
	"EAI_AGAIN",
	"ETIMEDOUT",
	"EHOSTUNREACH",
	"EHOSTDOWN",
	"ENETUNREACH",
	"PROTOCOL_CONNECTION_LOST",
]);

const PASSING_NUMBERS = new Set([
	1040, // too many connections
	1047, // a node of a Galera cluster that is not ready yet
	1053, // shutting down
	1152, // aborted connection
	1158, // network errors, as the server sees them
	1159,
	1160,
	1161,
	1203, // this user has too many connections
	1226, // this user has used up its resources
	1927, // connection was killed
	3032, // offline mode
	3169, // session was killed
]);

interface DriverError {
	readonly code?: string;
	readonly errno?: number;
	readonly syscall?: string;
	readonly message: string;
}

/** Whether trying again may help. */
export function isTransient(error: unknown): boolean {
	const { code, errno } = error as DriverError;
	if (PASSING_CODES.has(code ?? "") || PASSING_NUMBERS.has(errno ?? 0)) return true;
	// The file of a Unix socket appears when the server is up.
	return code === "ENOENT" && (error as DriverError).syscall === "connect";
}

/** One line that says why there is no connection, and the way out. */
export function connectionFailure(error: unknown, settings: ResolvedSettings): ConnectionError {
	if (error instanceof ConnectionError) return error;
	return new ConnectionError(`${place(settings)}: ${reason(error as DriverError, settings)}`, {
		cause: withoutSecrets(error),
	});
}

/** Where the server is looked for. */
export function place({ socketPath, host, port }: ResolvedSettings): string {
	return `Database server ${socketPath ?? `${host}:${port}`}`;
}

function reason(error: DriverError, settings: ResolvedSettings): string {
	const { username, database, socketPath, connectTimeout } = settings;
	if (isTransient(error)) {
		const where = socketPath ? "DB_SOCKET" : "DB_HOST and DB_PORT";
		const waited = connectTimeout ? ` within ${connectTimeout} s` : "";
		return `no connection${waited} (${summary(error)}); check that it runs, and ${where}, or raise DB_CONNECT_TIMEOUT`;
	}
	switch (error.errno) {
		case 1045:
		case 1698:
			return `access denied for user "${username}"; check DB_USERNAME and DB_PASSWORD`;
		case 1044:
			return `user "${username}" has no rights on database "${database}"; grant them, or correct DB_DATABASE`;
		case 1049:
			return `there is no database "${database}"; create it, or correct DB_DATABASE`;
		case 3159:
			return "it takes encrypted connections only; set DB_TLS to verify or require";
		case 1130:
			return `it takes no connections from this host; allow user "${username}" to come from here`;
	}
	if (isTls(error)) return `TLS failed (${summary(error)}); check DB_TLS and DB_TLS_CA`;
	return `cannot connect (${summary(error)})`;
}

function isTls({ code = "", message }: DriverError): boolean {
	return /SSL|TLS|CERT|SELF_SIGNED|ISSUER|UNABLE_TO_/.test(code) || /certificate|SSL/.test(message);
}

function summary({ code, message }: DriverError): string {
	const line = message.replaceAll(/\s+/g, " ").trim();
	if (!code || line.includes(code)) return line;
	return line ? `${code}: ${line}` : code;
}
