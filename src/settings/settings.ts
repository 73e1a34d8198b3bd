import { type Environment, readEnvironment, type Variables } from "./environment";
import { failFor, readSettingFile } from "./setting";
import { type Found, type Origin, Sources } from "./sources";
import { FOREIGN_VARIABLES, SETTING_NAMES, SETTINGS, type SettingName, type ValueOf } from "./table";
import type { TlsClient } from "./tls";

/**
 * What a program may set itself. Each option wins over its variable, the variable over the `.env` file, and all of them
 * over the parts of `DATABASE_URL`. docs/deploying.md lists each with its variable, default, bounds and meaning.
 */
export type DataSourceSettings = { readonly [Name in SettingName]?: ValueOf<Name> | undefined } & {
	/** Takes each line that would be printed; standard output by default. */
	readonly log?: ((line: string) => void) | undefined;
};

/** Settings that are only read to find others. */
type Resolving = "url" | "passwordFile" | "tls" | "tlsCa" | "tlsCert" | "tlsKey" | "serverKey";

/**
 * The settings in force, all of them checked. Times are in seconds.
 *
 * @example
 * const { host, port, database, poolSize } = readSettings();
 * console.log(`${host}:${port}/${database}, ${poolSize} connections at most`);
 */
export type ResolvedSettings = {
	readonly [Name in Exclude<SettingName, Resolving>]: ValueOf<Name> | Missing<Name>;
} & {
	/** Undefined where connections are not encrypted. */
	readonly tls: TlsClient | undefined;
	/** The server's public key where it is pinned. */
	readonly serverKey: Buffer | undefined;
};

/** What a setting is where nothing sets it and it has no default. */
type Missing<Name extends SettingName> = Extract<(typeof SETTINGS)[Name]["default"], undefined>;

export interface Resolution {
	readonly settings: ResolvedSettings;
	/** Each as it was given, which for a file is its path. Undefined where it is not set and has no default. */
	readonly values: { readonly [Name in SettingName]: ValueOf<Name> | undefined };
	/** Undefined where the value is. */
	readonly origins: Readonly<Partial<Record<SettingName, Origin>>>;
	/** What an operator should know before anything waits for a server, one line each. */
	readonly notices: readonly string[];
}

/**
 * Takes each setting from the options, else from the variables, else its default, and checks it.
 *
 * @param variables instead of those of the process and of a `.env` file in the working folder
 * @throws SettingsError that names the first setting that cannot be used.
 *
 * @example
 * const { host } = readSettings({ database: "dashboard" });             // the rest from the environment
 * const { port } = readSettings({}, { DB_PORT: "3307" });               // from these variables only
 */
export function readSettings(options: DataSourceSettings = {}, variables?: Variables): ResolvedSettings {
	const only = (given: Variables): Environment => ({ variables: given, file: {}, path: "", hasFile: true });
	return resolveSettings(options, variables && only(variables)).settings;
}

/** `readSettings`, with where each setting comes from and what is worth a remark. */
export function resolveSettings(
	options: DataSourceSettings = {},
	environment: Environment = readEnvironment(),
): Resolution {
	const unknown = Object.keys(options).find((name) => name !== "log" && !SETTING_NAMES.includes(name as SettingName));
	if (unknown !== undefined) failFor(unknown)("createDataSource has no such option");
	const sources = new Sources(options, environment);
	const found = new Map(SETTING_NAMES.map((name) => [name, sources.find(name)]));
	settleSocket(found);
	settlePassword(found);
	const values = valuesOf(found);
	const { url: _url, passwordFile: _file, tlsCa: _ca, tlsCert: _cert, tlsKey: _key, ...rest } = values;
	return {
		settings: { ...rest, ...encryptionOf(found) } as ResolvedSettings,
		values: values as Resolution["values"],
		origins: Object.fromEntries([...found].flatMap(([name, entry]) => (entry ? [[name, entry.origin]] : []))),
		notices: [...sources.notices, ...noticesOf(found, environment)],
	};
}

type AllFound = Map<SettingName, Found | undefined>;

function isGiven(found: AllFound, name: SettingName): boolean {
	return (found.get(name)?.origin.kind ?? "default") !== "default";
}

function valuesOf(found: AllFound): Record<SettingName, unknown> {
	return Object.fromEntries([...found].map(([name, entry]) => [name, entry?.value])) as Record<SettingName, unknown>;
}

/** A host that a program names wins over a socket that only the environment names. */
function settleSocket(found: AllFound): void {
	const [host, socket] = [found.get("host"), found.get("socketPath")];
	if (host && socket && host.rank === 0 && socket.rank > 0) found.set("socketPath", undefined);
}

/** Of a password and a file that holds one, that of the stronger source counts. */
function settlePassword(found: AllFound): void {
	const [password, file] = [found.get("password"), found.get("passwordFile")];
	if (!file || (password && password.rank < file.rank)) return;
	if (password?.rank === file.rank) {
		failFor("DB_PASSWORD_FILE")("cannot be set together with DB_PASSWORD: set one of them");
	}
	const content = readSettingFile("DB_PASSWORD_FILE", file.value as string)
		.toString("utf8")
		.replace(/^\uFEFF/, "")
		.replace(/\r?\n$/, "");
	if (!content) failFor("DB_PASSWORD_FILE")("the file is empty");
	found.set("password", { ...file, value: content });
}

const ENCRYPTION = ["tls", "tlsCa", "tlsCert", "tlsKey", "serverKey"] as const satisfies Resolving[];

function encryptionOf(found: AllFound): Pick<ResolvedSettings, "tls" | "serverKey"> {
	if (!ENCRYPTION.some((name) => isGiven(found, name))) return { tls: undefined, serverKey: undefined };
	// Loaded for encryption only: a command that finds nothing to do loads little.
	const { readServerKey, readTls } = require("./tls") as typeof import("./tls");
	const value = <Name extends SettingName>(name: Name) => found.get(name)?.value as ValueOf<Name> | Missing<Name>;
	const tls = readTls({
		mode: isGiven(found, "tls") ? value("tls") : undefined,
		ca: value("tlsCa"),
		cert: value("tlsCert"),
		key: value("tlsKey"),
		host: value("socketPath") === undefined ? value("host") : undefined,
	});
	return { tls, serverKey: readServerKey(value("serverKey"), tls !== undefined) };
}

function noticesOf(found: AllFound, { variables, file, path, hasFile }: Environment): string[] {
	const notices = Object.entries(FOREIGN_VARIABLES).flatMap(([variable, name]) =>
		(variables[variable] ?? file[variable]) && !isGiven(found, name)
			? [`${variable} is set but not used: the name is ${SETTINGS[name].variable}`]
			: [],
	);
	if (!SETTING_NAMES.some((name) => isGiven(found, name))) {
		const { host, port, username, database } = SETTINGS;
		const where = hasFile ? `${path} sets none` : `there is no ${path}`;
		notices.push(
			`no DB_* variable is set, and ${where}: using ${host.default}:${port.default}, user ${username.default} ` +
				`without a password, database ${database.default}`,
		);
	}
	return notices;
}
