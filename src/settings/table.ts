import { type Fail, flag, integer, name, type Setting, text, word } from "./setting";

const DAY = 86_400;

/**
 * Every setting, by the name of its option. Types, variables, defaults, checks, `--help` and the documentation's table
 * come from here (`npm run docs` writes the last one).
 */
export const SETTINGS = {
	url: text({
		variable: "DATABASE_URL",
		meaning: "where the server is, in one value; each part counts where its own setting is not set",
		domain: "mysql://user:password@host:port/database",
		default: undefined,
		isSecret: true,
	}),
	host: name({
		variable: "DB_HOST",
		meaning: "name or address of the server; an IPv6 address may stand in brackets",
		default: "dployr-mariadb",
		check: checkHost,
	}),
	port: integer({ variable: "DB_PORT", meaning: "TCP port of the server", default: 3306, from: 1, to: 65_535 }),
	socketPath: name({
		variable: "DB_SOCKET",
		meaning: "path of a Unix socket, used instead of host and port; never encrypted",
		default: undefined,
	}),
	username: name({ variable: "DB_USERNAME", meaning: "user of the database", default: "dashboard_user" }),
	password: text({ variable: "DB_PASSWORD", meaning: "the user's password", default: undefined, isSecret: true }),
	passwordFile: name({
		variable: "DB_PASSWORD_FILE",
		meaning: "file that holds the password, instead of `DB_PASSWORD`; one line break at its end is not part of it",
		default: undefined,
	}),
	database: name({
		variable: "DB_DATABASE",
		meaning: "the dashboard's database",
		domain: "at most 64 characters",
		default: "dashboard",
		check: checkIdentifier,
	}),
	tls: word({
		variable: "DB_TLS",
		meaning:
			"`require` encrypts, `verify` also checks the certificate; `verify` is the default with `DB_TLS_CA`. Unless it is " +
			"`verify`, or `DB_SERVER_KEY` is set, whoever answers in the server's place learns the password",
		default: "off",
		words: ["off", "require", "verify"],
	}),
	tlsCa: name({
		variable: "DB_TLS_CA",
		meaning: "PEM file of certificate authorities, instead of those of Node",
		default: undefined,
	}),
	tlsCert: name({
		variable: "DB_TLS_CERT",
		meaning: "PEM file of the client's certificate, together with its key",
		default: undefined,
	}),
	tlsKey: name({
		variable: "DB_TLS_KEY",
		meaning: "PEM file of the client's private key, together with its certificate",
		default: undefined,
	}),
	serverKey: name({
		variable: "DB_SERVER_KEY",
		meaning:
			"PEM file of MySQL's public key (`public_key.pem` in its data folder), where `DB_TLS` is `off`: the password is " +
			"encrypted with this key alone",
		default: undefined,
	}),
	poolSize: integer({
		variable: "DB_POOL_SIZE",
		meaning: "connections at most",
		default: 10,
		from: 1,
		to: 1000,
	}),
	connectTimeout: integer({
		variable: "DB_CONNECT_TIMEOUT",
		meaning: "seconds to wait for a server that is not up yet; 0 tries once",
		default: 60,
		from: 0,
		to: 3600,
	}),
	acquireTimeout: integer({
		variable: "DB_ACQUIRE_TIMEOUT",
		meaning: "seconds that a call waits for a connection while all of them are in use",
		default: 30,
		from: 1,
		to: 3600,
	}),
	answerTimeout: integer({
		variable: "DB_ANSWER_TIMEOUT",
		meaning:
			"seconds without an answer after which the server is asked over another connection whether it still works on " +
			"the statement; the connection is given up where it does not",
		default: 10,
		from: 1,
		to: 3600,
	}),
	lockTimeout: integer({
		variable: "DB_LOCK_TIMEOUT",
		meaning: "seconds to wait for another run of migrations",
		default: 600,
		from: 0,
		to: DAY,
	}),
	tableTimeout: integer({
		variable: "DB_TABLE_TIMEOUT",
		meaning: "seconds for which a migration tries again while a table is in use",
		default: 60,
		from: 0,
		to: DAY,
	}),
	migrationsTable: name({
		variable: "DB_MIGRATIONS_TABLE",
		meaning: "name of the table in which TypeORM records the migrations",
		domain: "at most 64 characters",
		default: "migrations",
		check: checkIdentifier,
	}),
	allowTableCopy: flag({
		variable: "WORKSPACES_ALLOW_TABLE_COPY",
		meaning: "`yes` lets a run copy a table where the server cannot change it otherwise: writers wait meanwhile",
		default: false,
		off: "no",
		on: "yes",
		isSwitch: true,
	}),
	allowDataLoss: flag({
		variable: "WORKSPACES_ALLOW_DATA_LOSS",
		meaning: "`yes` lets a revert delete the data that it would otherwise be refused for",
		default: false,
		off: "no",
		on: "yes",
		isSwitch: true,
	}),
	logQueries: flag({
		variable: "DB_LOG",
		meaning: "`query` prints every statement, without its values",
		default: false,
		off: "off",
		on: "query",
	}),
} as const satisfies Record<string, Setting<string> | Setting<number> | Setting<boolean>>;

export type SettingName = keyof typeof SETTINGS;

/** In the order in which help and documentation list them. */
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** The default of a setting as the text of its variable; empty where there is none. */
export function defaultText(name: SettingName): string {
	const { default: value, textOf } = SETTINGS[name];
	return value === undefined ? "" : textOf(value);
}

/** The type of the setting's option. */
export type ValueOf<Name extends SettingName> =
	(typeof SETTINGS)[Name] extends Setting<infer Value, infer _> ? Value : never;

/** Variables that other programs use for what has another name here. */
export const FOREIGN_VARIABLES = {
	DB_USER: "username",
	DB_NAME: "database",
	DB_PASS: "password",
} as const satisfies Record<string, SettingName>;

function checkHost(host: string, fail: Fail): string {
	if (/[\s/@]/.test(host)) return fail("must be a name or address alone, not a URL");
	if (/^([^:[\]]+|\[[^\]]*\]):\d+$/.test(host)) return fail("must not hold a port, which belongs into DB_PORT");
	const [, address = host] = /^\[([^[\]]*:[^[\]]*)\]$/.exec(host) ?? [];
	if (/[[\]]/.test(address)) return fail("must hold brackets around an IPv6 address only");
	return address;
}

/** TypeORM takes a dot for the end of a database's name. */
function checkIdentifier(identifier: string, fail: Fail): string {
	if (identifier.length > 64) return fail("must have at most 64 characters");
	if (/[.`/\\\0]/.test(identifier)) return fail("must not hold a dot, a slash, a backslash or a backtick");
	return identifier;
}
