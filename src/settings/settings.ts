import { SettingsError } from "../errors";
import { type Environment, readEnvironment } from "./environment";
import { readTls, type TlsClient, type TlsOptions } from "./tls";
import { choice, integer, present, text } from "./values";

/**
 * What a program may set itself; each option wins over its variable, and the variable over the `.env` file.
 *
 * | option | variable | default | meaning |
 * | --- | --- | --- | --- |
 * | `host` | `DB_HOST` | `dployr-mariadb` | name or address of the server |
 * | `port` | `DB_PORT` | `3306` | 1 to 65535 |
 * | `socketPath` | `DB_SOCKET` | none | path of a Unix socket, used instead of host and port |
 * | `username` | `DB_USERNAME` | `dashboard_user` | |
 * | `password` | `DB_PASSWORD` | none | |
 * | `database` | `DB_DATABASE` | `dashboard` | at most 64 characters, without `.`, `/`, `\` and backtick |
 * | `tls` | `DB_TLS` | `off`; `verify` with a CA | `off`, `require` (encrypted, any certificate) or `verify`; a socket is never encrypted |
 * | `tlsCa` | `DB_TLS_CA` | those of Node | file of certificate authorities, PEM |
 * | `tlsCert` | `DB_TLS_CERT` | none | file of the client's certificate, PEM; together with its key |
 * | `tlsKey` | `DB_TLS_KEY` | none | file of the client's private key, PEM |
 * | `poolSize` | `DB_POOL_SIZE` | `10` | connections at most, 1 to 1000 |
 * | `connectTimeout` | `DB_CONNECT_TIMEOUT` | `60` | seconds to go on connecting to a server that is not up yet, 0 to 3600; 0 tries once |
 * | `lockTimeout` | `DB_LOCK_TIMEOUT` | `600` | seconds that a run of migrations waits for another one, 0 to 86400 |
 * | `tableTimeout` | `DB_TABLE_TIMEOUT` | `60` | seconds for which a migration tries again while a table is in use, 0 to 86400 |
 * | `logQueries` | `DB_LOG=query` | `false` | prints every statement, without its values |
 * | `log` | | standard output | takes each line that would be printed |
 */
export interface DataSourceSettings extends TlsOptions {
	readonly host?: string | undefined;
	readonly port?: number | undefined;
	readonly socketPath?: string | undefined;
	readonly username?: string | undefined;
	readonly password?: string | undefined;
	readonly database?: string | undefined;
	readonly poolSize?: number | undefined;
	readonly connectTimeout?: number | undefined;
	readonly lockTimeout?: number | undefined;
	readonly tableTimeout?: number | undefined;
	readonly logQueries?: boolean | undefined;
	readonly log?: ((line: string) => void) | undefined;
}

/** The settings in force, all of them checked. */
export interface ResolvedSettings {
	readonly host: string;
	readonly port: number;
	readonly socketPath: string | undefined;
	readonly username: string;
	readonly password: string | undefined;
	readonly database: string;
	readonly tls: TlsClient | undefined;
	readonly poolSize: number;
	/** Seconds. */
	readonly connectTimeout: number;
	/** Seconds. */
	readonly lockTimeout: number;
	/** Seconds. */
	readonly tableTimeout: number;
	readonly logQueries: boolean;
}

const DAY = 86_400;

const OPTIONS: Readonly<Record<keyof DataSourceSettings, true>> = {
	host: true,
	port: true,
	socketPath: true,
	username: true,
	password: true,
	database: true,
	tls: true,
	tlsCa: true,
	tlsCert: true,
	tlsKey: true,
	poolSize: true,
	connectTimeout: true,
	lockTimeout: true,
	tableTimeout: true,
	logQueries: true,
	log: true,
};

/**
 * Takes each setting from the options, else from the variables, else its default, and checks it.
 *
 * @throws SettingsError that names the first setting that cannot be used.
 */
export function readSettings(
	options: DataSourceSettings = {},
	environment: Environment = readEnvironment(),
): ResolvedSettings {
	for (const name of Object.keys(options)) {
		if (!Object.hasOwn(OPTIONS, name)) throw new SettingsError(`${name}: createDataSource has no such option`);
	}
	const { username, password, database } = options;
	const host = text("DB_HOST", options.host ?? environment["DB_HOST"], "dployr-mariadb", refuseHost);
	const socketPath = readSocket(options, environment);
	return {
		host,
		port: integer("DB_PORT", options.port ?? environment["DB_PORT"], 3306, 1, 65_535),
		socketPath,
		username: text("DB_USERNAME", username ?? environment["DB_USERNAME"], "dashboard_user"),
		password: present(text("DB_PASSWORD", password ?? environment["DB_PASSWORD"], "")),
		database: text("DB_DATABASE", database ?? environment["DB_DATABASE"], "dashboard", refuseDatabase),
		tls: readTls(options, environment, socketPath === undefined ? host : undefined),
		poolSize: integer("DB_POOL_SIZE", options.poolSize ?? environment["DB_POOL_SIZE"], 10, 1, 1000),
		...readTimeouts(options, environment),
		logQueries: options.logQueries ?? choice("DB_LOG", environment["DB_LOG"], ["off", "query"], "off") === "query",
	};
}

function readTimeouts(options: DataSourceSettings, environment: Environment) {
	const { connectTimeout, lockTimeout, tableTimeout } = options;
	return {
		connectTimeout: integer("DB_CONNECT_TIMEOUT", connectTimeout ?? environment["DB_CONNECT_TIMEOUT"], 60, 0, 3600),
		lockTimeout: integer("DB_LOCK_TIMEOUT", lockTimeout ?? environment["DB_LOCK_TIMEOUT"], 600, 0, DAY),
		tableTimeout: integer("DB_TABLE_TIMEOUT", tableTimeout ?? environment["DB_TABLE_TIMEOUT"], 60, 0, DAY),
	};
}

/** A host that a program names wins over a socket that only the environment names. */
function readSocket({ host, socketPath }: DataSourceSettings, environment: Environment): string | undefined {
	const fallback = host === undefined ? environment["DB_SOCKET"] : undefined;
	return present(text("DB_SOCKET", socketPath ?? fallback, ""));
}

function refuseHost(host: string): string | undefined {
	if (/[\s/@]/.test(host)) return "must be a name or address alone, not a URL";
	if (/^[^:]+:\d+$/.test(host)) return "must not hold a port, which belongs into DB_PORT";
	return undefined;
}

/** TypeORM takes a dot for the end of the database's name. */
function refuseDatabase(database: string): string | undefined {
	if (database.length > 64) return "must have at most 64 characters";
	if (/[.`/\\\0]/.test(database)) return "must not hold a dot, a slash, a backslash or a backtick";
	return undefined;
}
