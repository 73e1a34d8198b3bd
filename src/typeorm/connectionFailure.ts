import { ConnectionError } from "../errors";
import { ERROR, errorNumber, hasNumber } from "../mysql/errorNumbers";
import { isOutOfConnections, SESSION_ENDED } from "../mysql/failure";
import { withoutSecrets } from "../mysql/redact";
import type { ResolvedSettings } from "../settings/settings";

/** Failures of the network that may pass; a server that starts or stops causes them, too. */
const TRANSIENT_CODES = new Set([
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

const TRANSIENT_NUMBERS = [
	...SESSION_ENDED,
	// A node of a Galera cluster that is not ready.
	ERROR.UNKNOWN_COM_ERROR,
	ERROR.SERVER_OFFLINE_MODE,
];

interface DriverError {
	readonly code?: string;
	readonly syscall?: string;
	readonly message: string;
}

/** Whether trying again may help. */
export function isTransient(error: unknown): boolean {
	const { code } = error as DriverError;
	if (TRANSIENT_CODES.has(code ?? "") || hasNumber(error, ...TRANSIENT_NUMBERS) || isOutOfConnections(error))
		return true;
	// The file of a Unix socket appears when the server is up.
	return code === "ENOENT" && (error as DriverError).syscall === "connect";
}

/**
 * One line that says why there is no connection, and what to do about it.
 *
 * @param waited seconds for which it was tried again; undefined where it is tried once, whatever DB_CONNECT_TIMEOUT is
 */
export function connectionFailure(error: unknown, settings: ResolvedSettings, waited?: number): ConnectionError {
	if (error instanceof ConnectionError) return error;
	return new ConnectionError(`${place(settings)}: ${reason(error as DriverError, settings, waited)}`, {
		cause: withoutSecrets(error),
	});
}

/** Where the server is looked for. */
export function place({ socketPath, host, port }: ResolvedSettings): string {
	return `Database server ${socketPath ?? `${host.includes(":") ? `[${host}]` : host}:${port}`}`;
}

function reason(error: DriverError, settings: ResolvedSettings, waited: number | undefined): string {
	const { username, database, socketPath } = settings;
	if (isTransient(error)) {
		const where = socketPath ? "DB_SOCKET" : "DB_HOST and DB_PORT";
		const within = waited ? ` within ${waited} s` : "";
		const longer = waited === undefined ? "" : ", or raise DB_CONNECT_TIMEOUT";
		return `no connection${within} (${summary(error)}); check that it runs, and ${where}${longer}`;
	}
	switch (errorNumber(error)) {
		case ERROR.ACCESS_DENIED_ERROR:
		case ERROR.ACCESS_DENIED_NO_PASSWORD_ERROR:
			return `access denied for user "${username}"; check DB_USERNAME and DB_PASSWORD${passwordHint(settings)}${tlsHint(settings)}`;
		case ERROR.DBACCESS_DENIED_ERROR:
			return `user "${username}" has no privileges on database "${database}"; grant them, or correct DB_DATABASE`;
		case ERROR.BAD_DB_ERROR:
			return `there is no database "${database}"; create it, or correct DB_DATABASE`;
		case ERROR.SECURE_TRANSPORT_REQUIRED:
			return "it takes encrypted connections only; set DB_TLS to verify or require";
		case ERROR.HOST_NOT_PRIVILEGED:
			return `it takes no connections from this machine; allow user "${username}" to connect from here`;
	}
	if (isTls(error)) return `TLS failed (${summary(error)}); check DB_TLS and DB_TLS_CA`;
	return `cannot connect (${summary(error)})`;
}

/** What is worth knowing of a password that was refused, without a character of it. */
function passwordHint({ password }: ResolvedSettings): string {
	if (password === undefined) return ": no password is set";
	if (/\s$/.test(password)) return ": the password ends with white space, which was sent as a part of it";
	return /^\s/.test(password) ? ": the password begins with white space, which was sent as a part of it" : "";
}

/** The servers refuse an account that requires TLS as they refuse a wrong password. */
function tlsHint({ tls, socketPath }: ResolvedSettings): string {
	return tls || socketPath ? "" : "; if the account requires TLS, set DB_TLS to verify or require";
}

function isTls({ code = "", message }: DriverError): boolean {
	return /SSL|TLS|CERT|SELF_SIGNED|ISSUER|UNABLE_TO_/.test(code) || /certificate|SSL/.test(message);
}

function summary({ code, message }: DriverError): string {
	const line = message.replaceAll(/\s+/g, " ").trim();
	if (!code || line.includes(code)) return line;
	return line ? `${code}: ${line}` : code;
}
