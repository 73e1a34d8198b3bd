import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { type DataSourceSettings, readSettings, SettingsError } from "../../src";
import { readEnvironment, type Variables } from "../../src/settings/environment";
import { resolveSettings } from "../../src/settings/settings";
import { SETTING_NAMES, SETTINGS, type SettingName } from "../../src/settings/table";
import { temporaryFolder } from "../support/processes";

const SECRET = "s3cr3t-passw0rd";

test("nothing set: the defaults of the table, which are the dashboard's own", () => {
	const { tls, ...settings } = readSettings({}, {});
	assert.equal(tls, undefined);
	const defaults = Object.entries(settings).map(([name]) => [name, SETTINGS[name as SettingName].default]);
	assert.deepEqual(settings, Object.fromEntries(defaults));
	const { host, port, username, database } = settings;
	assert.deepEqual([host, port, username, database], ["dployr-mariadb", 3306, "dashboard_user", "dashboard"]);
});

/** A value that a variable may have, and the setting that it makes; the table has no other settings. */
const EXAMPLES: Partial<Record<SettingName, [string, unknown]>> = {
	host: ["db.internal", "db.internal"],
	port: ["3307", 3307],
	socketPath: ["/run/mysqld.sock", "/run/mysqld.sock"],
	username: ["me", "me"],
	password: [SECRET, SECRET],
	database: ["other", "other"],
	migrationsTable: ["workspaces_migrations", "workspaces_migrations"],
	allowTableCopy: ["yes", true],
	allowDataLoss: ["yes", true],
	logQueries: ["query", true],
};

test("a variable sets each of them, and one that is set to nothing counts as not set", () => {
	for (const name of SETTING_NAMES) {
		const setting = SETTINGS[name];
		const isNumber = typeof setting.default === "number";
		const [text, value] = EXAMPLES[name] ?? (isNumber ? [String(setting.default + 1), setting.default + 1] : []);
		if (text === undefined) continue;
		const settings: Record<string, unknown> = readSettings({}, { [setting.variable]: text });
		assert.deepEqual(settings, { ...readSettings({}, {}), [name]: value }, setting.variable);
		assert.deepEqual(readSettings({ [name]: value }, {}), settings, name);
		assert.deepEqual(readSettings({}, { [setting.variable]: "" }), readSettings({}, {}), setting.variable);
	}
	assert.deepEqual(readSettings({}, { DB_TLS: "require" }).tls, { rejectUnauthorized: false, verifyIdentity: false });
	assert.deepEqual(readSettings({}, { DB_TLS: "verify" }).tls, { rejectUnauthorized: true, verifyIdentity: true });
	assert.equal(readSettings({}, { DB_TLS: "" }).tls, undefined);
});

test("the names of options and variables stay what programs and deploys have written", () => {
	const names = SETTING_NAMES.map((name) => `${name} ${SETTINGS[name].variable}`);
	assert.equal(new Set(names).size, names.length);
	for (const known of ["host DB_HOST", "port DB_PORT", "username DB_USERNAME", "password DB_PASSWORD"]) {
		assert.ok(names.includes(known), known);
	}
});

test("an option wins over its variable, and a host over a socket of the environment", () => {
	const environment = { DB_HOST: "db", DB_PORT: "1", DB_SOCKET: "/run/x.sock", DB_LOG: "query", DB_POOL_SIZE: "5" };
	const settings = readSettings({ host: "localhost", port: 2, logQueries: false, poolSize: undefined }, environment);
	assert.equal(settings.host, "localhost");
	assert.equal(settings.port, 2);
	assert.equal(settings.socketPath, undefined);
	assert.equal(settings.logQueries, false);
	assert.equal(settings.poolSize, 5);
	assert.equal(readSettings({}, environment).socketPath, "/run/x.sock");
});

test("a bad value is refused with the variable's name, in one line, and the value is never part of it", () => {
	const whole = "must be a whole number from";
	const refused: [Record<string, string>, string][] = [
		[{ DB_PORT: SECRET }, `DB_PORT: ${whole} 1 to 65535`],
		[{ DB_PORT: "0" }, `DB_PORT: ${whole} 1 to 65535`],
		[{ DB_PORT: "65536" }, `DB_PORT: ${whole} 1 to 65535`],
		[{ DB_PORT: "33.5" }, `DB_PORT: ${whole} 1 to 65535`],
		[{ DB_PORT: "-1" }, `DB_PORT: ${whole} 1 to 65535`],
		[{ DB_POOL_SIZE: "0" }, `DB_POOL_SIZE: ${whole} 1 to 1000`],
		[{ DB_POOL_SIZE: "1001" }, `DB_POOL_SIZE: ${whole} 1 to 1000`],
		[{ DB_CONNECT_TIMEOUT: "3601" }, `DB_CONNECT_TIMEOUT: ${whole} 0 to 3600`],
		[{ DB_LOCK_TIMEOUT: "for ever" }, `DB_LOCK_TIMEOUT: ${whole} 0 to 86400`],
		[{ DB_TABLE_TIMEOUT: "1e3" }, `DB_TABLE_TIMEOUT: ${whole} 0 to 86400`],
		[{ DB_HOST: `mysql://me:${SECRET}@db` }, "DB_HOST: must be a name or address alone, not a URL"],
		[{ DB_HOST: "db:3307" }, "DB_HOST: must not hold a port, which belongs into DB_PORT"],
		[{ DB_HOST: "[::1]:3307" }, "DB_HOST: must not hold a port, which belongs into DB_PORT"],
		[{ DB_HOST: "[db]" }, "DB_HOST: must hold brackets around an IPv6 address only"],
		[{ DB_HOST: "db " }, "DB_HOST: ends with white space: remove it"],
		[{ DB_USERNAME: "me\n" }, "DB_USERNAME: ends with white space: remove it"],
		[{ DB_DATABASE: "dashboard\t" }, "DB_DATABASE: ends with white space: remove it"],
		[{ DB_DATABASE: " dashboard" }, "DB_DATABASE: begins with white space: remove it"],
		[{ DB_SOCKET: "/run/my.sock " }, "DB_SOCKET: ends with white space: remove it"],
		[{ DB_DATABASE: "a.b" }, "DB_DATABASE: must not hold a dot, a slash, a backslash or a backtick"],
		[{ DB_DATABASE: "x".repeat(65) }, "DB_DATABASE: must have at most 64 characters"],
		[{ DB_MIGRATIONS_TABLE: "a`b" }, "DB_MIGRATIONS_TABLE: must not hold a dot, a slash, a backslash or a backtick"],
		[{ DB_LOG: SECRET }, "DB_LOG: must be off or query"],
		[{ DB_TLS: SECRET }, "DB_TLS: must be off, require or verify"],
		[
			{ DB_TLS: "off", DB_TLS_CA: "/ca.pem" },
			"DB_TLS_CA: has no effect while DB_TLS is off: set DB_TLS to verify or require",
		],
		[{ DB_TLS: "require", DB_TLS_CA: "/ca.pem" }, "DB_TLS_CA: has no effect unless DB_TLS is verify"],
		[{ DB_TLS: "require", DB_TLS_CERT: "/c.pem" }, "DB_TLS_KEY: must be set together with DB_TLS_CERT"],
		[{ DB_TLS: "require", DB_TLS_KEY: "/k.pem" }, "DB_TLS_CERT: must be set together with DB_TLS_KEY"],
		[{ DB_TLS: "verify", DB_TLS_CA: __filename }, "DB_TLS_CA: the file is not PEM"],
		[{ DB_SERVER_KEY: __filename }, "DB_SERVER_KEY: the file is not PEM"],
		[{ DB_TLS: "require", DB_SERVER_KEY: __filename }, "DB_SERVER_KEY: has no effect unless DB_TLS is off"],
		[{ DB_PASSWORD_FILE: "/dev/null" }, "DB_PASSWORD_FILE: the file is empty"],
		[
			{ DB_PASSWORD_FILE: "/f", DB_PASSWORD: SECRET },
			"DB_PASSWORD_FILE: cannot be set together with DB_PASSWORD: set one of them",
		],
		[{ DATABASE_URL: SECRET }, "DATABASE_URL: must be a URL such as mysql://user:password@host:3306/database"],
		[
			{ DATABASE_URL: `mysql://me:${SECRET}%@db/x` },
			"DATABASE_URL: holds a % that is not followed by two hexadecimal digits: write %25 for a percent sign",
		],
		[
			{ DATABASE_URL: `mysql://me:${SECRET}@db:port/x` },
			"DATABASE_URL: is not a valid URL: write special characters in the password as %40, %2F and so on",
		],
		[
			{ DATABASE_URL: `mysql://me:${SECRET}@db/a.b` },
			"DATABASE_URL (DB_DATABASE): must not hold a dot, a slash, a backslash or a backtick",
		],
		[
			{ DATABASE_URL: `mysql://me:${SECRET}@db/x?ssl=true` },
			"DATABASE_URL: its parameter ssl is not used: set DB_TLS to verify or require, or to off",
		],
	];
	for (const [variables, message] of refused) assertRefused(variables, message);
	assertRefused({ DB_TLS: "verify", DB_HOST: "10.0.0.1" }, /^DB_HOST: must be a name while DB_TLS is verify/);
	for (const variable of ["DB_TLS_CA", "DB_PASSWORD_FILE"]) {
		assertRefused({ [variable]: SECRET }, new RegExp(`^${variable}: the file cannot be read \\(ENOENT\\)`));
	}
});

function assertRefused(variables: Record<string, string>, message: string | RegExp): void {
	const given = JSON.stringify(variables);
	assert.throws(
		() => readSettings({}, variables),
		(error: unknown) => {
			assert.ok(error instanceof SettingsError, given);
			if (typeof message === "string") assert.equal(error.message, message, given);
			else assert.match(error.message, message, given);
			assert.ok(!inspect(error, { depth: 5 }).includes(SECRET) && !error.message.includes("\n"), given);
			return true;
		},
		given,
	);
}

test("options are checked like variables, and one that does not exist is refused", () => {
	const wrong = (options: object) => () => readSettings(options as DataSourceSettings, {});
	assert.throws(wrong({ port: "x" }), /^SettingsError: DB_PORT: /);
	assert.throws(wrong({ port: 1.5 }), /^SettingsError: DB_PORT: /);
	assert.throws(wrong({ host: 7 }), /^SettingsError: DB_HOST: must be text, not a number/);
	assert.throws(wrong({ user: "me" }), /^SettingsError: user: createDataSource has no such option/);
	assert.throws(wrong({ synchronize: true }), /^SettingsError: synchronize: createDataSource has no such option/);
});

test("a .env file gives what is not set, and changes nothing in the process", (t) => {
	const folder = temporaryFolder();
	t.after(folder.remove);
	const inFolder = (variables: Variables) => resolveSettings({}, readEnvironment(folder.path, variables));
	assert.equal(inFolder({ DB_HOST: "set" }).settings.host, "set");

	writeFileSync(
		join(folder.path, ".env"),
		"# comment\nDB_HOST=file\nDB_PORT=4000\nDB_PASSWORD='a \"quoted\" #1'\nexport DB_USERNAME=exported\n",
	);
	const before = JSON.stringify(process.env);
	const { settings, origins } = inFolder({ DB_HOST: "set", DB_PORT: "" });
	assert.equal(settings.host, "set");
	assert.equal(settings.port, 3306);
	assert.equal(settings.password, 'a "quoted" #1');
	assert.equal(settings.username, "exported");
	assert.equal(JSON.stringify(process.env), before);
	assert.deepEqual(origins.host, { kind: "variable", name: "DB_HOST" });
	assert.deepEqual(origins.password, { kind: ".env", name: "DB_PASSWORD" });
	assert.deepEqual(origins.port, { kind: "default", name: "port" });
	assert.equal(origins.socketPath, undefined);

	writeFileSync(join(folder.path, ".env"), "\uFEFFDB_HOST=first-line\n");
	assert.equal(inFolder({}).settings.host, "first-line");
	writeFileSync(join(folder.path, ".env"), Buffer.from("\uFEFFDB_HOST=x\n", "utf16le"));
	assert.throws(() => inFolder({}), /^SettingsError: .*\.env: is not UTF-8 text: save it as UTF-8$/);
});

test("a password comes from a file, of the stronger source where there are two", (t) => {
	const folder = temporaryFolder();
	t.after(folder.remove);
	const path = join(folder.path, "secret");
	for (const [content, password] of [
		["from file", "from file"],
		["from file\n", "from file"],
		["\uFEFFfrom file\r\n", "from file"],
		["kept \n\n", "kept \n"],
	] as const) {
		writeFileSync(path, content);
		assert.equal(readSettings({}, { DB_PASSWORD_FILE: path }).password, password);
	}
	assert.equal(readSettings({ password: "mine" }, { DB_PASSWORD_FILE: path }).password, "mine");
	assert.equal(readSettings({ passwordFile: path }, { DB_PASSWORD: "other" }).password, "kept \n");
	const { settings, origins } = resolveSettings(
		{},
		environmentOf({ DB_PASSWORD_FILE: path, DATABASE_URL: URL_OF_ALL }),
	);
	assert.equal(settings.password, "kept \n");
	assert.deepEqual(origins.password, { kind: "variable", name: "DB_PASSWORD_FILE" });
});

const URL_OF_ALL = "mysql://me:p%40ss@db.internal:3307/other";

test("DATABASE_URL gives what nothing else sets, part by part", () => {
	const { settings, origins } = resolveSettings({}, environmentOf({ DATABASE_URL: URL_OF_ALL, DB_PORT: "4000" }));
	const { host, port, username, password, database } = settings;
	assert.deepEqual([host, port, username, password, database], ["db.internal", 4000, "me", "p@ss", "other"]);
	assert.deepEqual(origins.host, { kind: "variable", name: "DATABASE_URL" });
	assert.deepEqual(origins.port, { kind: "variable", name: "DB_PORT" });

	assert.equal(readSettings({}, { DATABASE_URL: "mariadb://db" }).host, "db");
	assert.equal(readSettings({}, { DATABASE_URL: "mysql://db" }).port, 3306);
	assert.equal(readSettings({}, { DATABASE_URL: "mysql://[::1]/x" }).host, "::1");
	assert.equal(readSettings({}, { DB_HOST: "[fe80::1]" }).host, "fe80::1");
	assert.equal(readSettings({ url: URL_OF_ALL }, { DB_HOST: "weaker", DB_SOCKET: "/s" }).host, "db.internal");
	assert.equal(readSettings({ url: URL_OF_ALL }, { DB_SOCKET: "/s" }).socketPath, undefined);
	assert.equal(readSettings({ url: URL_OF_ALL, host: "stronger" }, {}).host, "stronger");
	assert.equal(readSettings({ tls: "off" }, { DATABASE_URL: `${URL_OF_ALL}?ssl=true` }).tls, undefined);
});

test("what is likely to be a mistake is remarked on before anything waits for a server", () => {
	const noticesOf = (variables: Variables, options: DataSourceSettings = {}) =>
		resolveSettings(options, environmentOf(variables)).notices;
	const [nothing] = noticesOf({ PATH: "/bin" });
	assert.match(
		nothing ?? "",
		/^no DB_\* variable is set, and there is no \/nowhere\/\.env: using dployr-mariadb:3306, /,
	);
	assert.deepEqual(noticesOf({}, { host: "db" }), []);
	assert.deepEqual(noticesOf({ DB_HOST: "db", DB_USER: "me", DB_NAME: "x", DB_PASS: SECRET }), [
		"DB_USER is set but not used: the name is DB_USERNAME",
		"DB_NAME is set but not used: the name is DB_DATABASE",
		"DB_PASS is set but not used: the name is DB_PASSWORD",
	]);
	assert.deepEqual(noticesOf({ DB_USERNAME: "me", DB_USER: "other" }), []);
	assert.deepEqual(noticesOf({ DATABASE_URL: "postgres://db/x", DB_HOST: "db" }), []);
	assert.deepEqual(noticesOf({ DATABASE_URL: "postgres://db/x", DB_USERNAME: "me" }), [
		"DATABASE_URL is not used: it does not begin with mysql:// or mariadb://",
	]);
	assert.deepEqual(noticesOf({ DATABASE_URL: `${URL_OF_ALL}?connection_limit=5` }), [
		"DATABASE_URL: its parameters are not used: connection_limit",
	]);
});

function environmentOf(variables: Variables) {
	return { variables, file: {}, path: "/nowhere/.env", hasFile: false };
}

test("a .env that cannot be read is refused by name", (t) => {
	const folder = temporaryFolder();
	t.after(folder.remove);
	mkdirSync(join(folder.path, ".env"));
	assert.throws(() => readEnvironment(folder.path, {}), /^SettingsError: .*\.env: cannot be read \(EISDIR\)/);
});
