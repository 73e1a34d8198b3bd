import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { SettingsError } from "../errors";
import type { Environment } from "./environment";
import { choice, present, text } from "./values";

export type TlsMode = "off" | "require" | "verify";

export interface TlsOptions {
	readonly tls?: TlsMode | undefined;
	readonly tlsCa?: string | undefined;
	readonly tlsCert?: string | undefined;
	readonly tlsKey?: string | undefined;
}

/** The client's side of TLS, as mysql2 takes it. */
export interface TlsClient {
	readonly rejectUnauthorized: boolean;
	readonly verifyIdentity: boolean;
	readonly ca?: Buffer;
	readonly cert?: Buffer;
	readonly key?: Buffer;
}

/** Undefined where connections are not encrypted; the host is undefined for a socket. */
export function readTls(
	options: TlsOptions,
	environment: Environment,
	host: string | undefined,
): TlsClient | undefined {
	const path = (name: string, option: string | undefined) => present(text(name, option ?? environment[name], ""));
	const ca = path("DB_TLS_CA", options.tlsCa);
	const cert = path("DB_TLS_CERT", options.tlsCert);
	const key = path("DB_TLS_KEY", options.tlsKey);
	const mode = choice("DB_TLS", options.tls ?? environment["DB_TLS"], MODES, ca ? "verify" : "off");
	const unused = mode === "off" && (ca ? "DB_TLS_CA" : cert ? "DB_TLS_CERT" : key ? "DB_TLS_KEY" : undefined);
	if (unused) throw new SettingsError(`${unused}: has no effect while DB_TLS is off: set DB_TLS to verify or require`);
	if (ca && mode === "require") throw new SettingsError("DB_TLS_CA: has no effect unless DB_TLS is verify");
	if (cert && !key) throw new SettingsError("DB_TLS_KEY: must be set together with DB_TLS_CERT");
	if (key && !cert) throw new SettingsError("DB_TLS_CERT: must be set together with DB_TLS_KEY");
	if (mode === "off" || host === undefined) return undefined;
	// mysql2 compares the certificate with a name, and with `localhost` where it has only an address.
	if (mode === "verify" && isIP(host)) {
		throw new SettingsError("DB_HOST: must be a name while DB_TLS is verify, since that is what a certificate is for");
	}
	return {
		rejectUnauthorized: mode === "verify",
		verifyIdentity: mode === "verify",
		...(ca ? { ca: readPem("DB_TLS_CA", ca) } : {}),
		...(cert ? { cert: readPem("DB_TLS_CERT", cert) } : {}),
		...(key ? { key: readPem("DB_TLS_KEY", key) } : {}),
	};
}

const MODES: readonly TlsMode[] = ["off", "require", "verify"];

function readPem(variable: string, path: string): Buffer {
	let content: Buffer;
	try {
		content = readFileSync(path);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		throw new SettingsError(`${variable}: the file ${path} cannot be read (${code})`, { cause: error });
	}
	if (!content.includes("-----BEGIN ")) throw new SettingsError(`${variable}: the file ${path} is not PEM`);
	return content;
}
