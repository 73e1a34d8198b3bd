import { isIP } from "node:net";
import { failFor, readSettingFile } from "./setting";
import type { ValueOf } from "./table";

/** Whether the connection is encrypted, and whether the server's certificate is checked. */
export type TlsMode = ValueOf<"tls">;

/** The settings on which encryption depends. */
export interface TlsSettings {
	/** Undefined where it is not set. */
	readonly mode: TlsMode | undefined;
	readonly ca: string | undefined;
	readonly cert: string | undefined;
	readonly key: string | undefined;
	/** Undefined for a socket. */
	readonly host: string | undefined;
}

/** The client's side of TLS, as mysql2 takes it. */
export interface TlsClient {
	readonly rejectUnauthorized: boolean;
	readonly verifyIdentity: boolean;
	readonly ca?: Buffer;
	readonly cert?: Buffer;
	readonly key?: Buffer;
}

/**
 * The options for mysql2; undefined where connections are not encrypted.
 *
 * @throws SettingsError where settings contradict each other, or a file cannot be used
 */
export function readTls({ mode: given, ca, cert, key, host }: TlsSettings): TlsClient | undefined {
	const mode = given ?? (ca ? "verify" : "off");
	const unused = mode === "off" && (ca ? "DB_TLS_CA" : cert ? "DB_TLS_CERT" : key ? "DB_TLS_KEY" : undefined);
	if (unused) failFor(unused)("has no effect while DB_TLS is off: set DB_TLS to verify or require");
	if (ca && mode === "require") failFor("DB_TLS_CA")("has no effect unless DB_TLS is verify");
	if (cert && !key) failFor("DB_TLS_KEY")("must be set together with DB_TLS_CERT");
	if (key && !cert) failFor("DB_TLS_CERT")("must be set together with DB_TLS_KEY");
	if (mode === "off" || host === undefined) return undefined;
	// mysql2 compares the certificate with a name, and with `localhost` where it has only an address.
	if (mode === "verify" && isIP(host)) {
		failFor("DB_HOST")("must be a name while DB_TLS is verify, since that is what a certificate is for");
	}
	return {
		rejectUnauthorized: mode === "verify",
		verifyIdentity: mode === "verify",
		...(ca ? { ca: readPem("DB_TLS_CA", ca) } : {}),
		...(cert ? { cert: readPem("DB_TLS_CERT", cert) } : {}),
		...(key ? { key: readPem("DB_TLS_KEY", key) } : {}),
	};
}

/** The key with which a password is encrypted where the connection is not; undefined where none is pinned. */
export function readServerKey(path: string | undefined, isEncrypted: boolean): Buffer | undefined {
	if (path === undefined) return undefined;
	if (isEncrypted) failFor("DB_SERVER_KEY")("has no effect unless DB_TLS is off");
	const key = readPem("DB_SERVER_KEY", path);
	if (!key.includes("PUBLIC KEY-----")) failFor("DB_SERVER_KEY")("the file holds no public key");
	return key;
}

function readPem(variable: string, path: string): Buffer {
	const content = readSettingFile(variable, path);
	if (!content.includes("-----BEGIN ")) failFor(variable)("the file is not PEM");
	return content;
}
