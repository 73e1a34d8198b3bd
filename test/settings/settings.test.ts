import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type DataSourceSettings, readSettings, SettingsError } from "../../src";
import { readEnvironment } from "../../src/settings/environment";
import { temporaryFolder } from "../support/processes";

const SECRET = "s3cr3t-passw0rd";

test("nothing set: the dashboard's own defaults", () => {
	assert.deepEqual(readSettings({}, {}), {
		host: "dployr-mariadb",
		port: 3306,
		socketPath: undefined,
		username: "dashboard_user",
		password: undefined,
		database: "dashboard",
		tls: undefined,
		poolSize: 10,
		connectTimeout: 60,
		lockTimeout: 600,
		tableTimeout: 60,
		logQueries: false,
	});
});

test("a variable sets each of them, and one that is set to nothing counts as not set", () => {
	const set = readSettings(
		{},
		{
			DB_HOST: "db.internal",
			DB_PORT: "3307",
			DB_SOCKET: "/run/mysqld.sock",
			DB_USERNAME: "me",
			DB_PASSWORD: SECRET,
			DB_DATABASE: "other",
			DB_TLS: "require",
			DB_POOL_SIZE: "1",
			DB_CONNECT_TIMEOUT: "0",
			DB_LOCK_TIMEOUT: "7",
			DB_TABLE_TIMEOUT: "8",
			DB_LOG: "query",
		},
	);
	assert.deepEqual(set, {
		host: "db.internal",
		port: 3307,
		socketPath: "/run/mysqld.sock",
		username: "me",
		password: SECRET,
		database: "other",
		tls: undefined,
		poolSize: 1,
		connectTimeout: 0,
		lockTimeout: 7,
		tableTimeout: 8,
		logQueries: true,
	});
	assert.deepEqual(readSettings({}, { DB_TLS: "require" }).tls, { rejectUnauthorized: false, verifyIdentity: false });
	assert.deepEqual(readSettings({}, { DB_TLS: "verify" }).tls, { rejectUnauthorized: true, verifyIdentity: true });
	const names = ["DB_HOST", "DB_PORT", "DB_SOCKET", "DB_PASSWORD", "DB_TLS", "DB_POOL_SIZE", "DB_LOG"];
	assert.deepEqual(readSettings({}, Object.fromEntries(names.map((name) => [name, ""]))), readSettings({}, {}));
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

test("a bad value is refused with the variable's name, in one line without the value of what may be a secret", () => {
	const refused: [Record<string, string>, RegExp][] = [
		[{ DB_PORT: "abc" }, /^DB_PORT: must be a whole number from 1 to 65535, not "abc"$/],
		[{ DB_PORT: "0" }, /^DB_PORT: /],
		[{ DB_PORT: "65536" }, /^DB_PORT: /],
		[{ DB_PORT: "33.5" }, /^DB_PORT: /],
		[{ DB_PORT: "-1" }, /^DB_PORT: /],
		[{ DB_POOL_SIZE: "0" }, /^DB_POOL_SIZE: /],
		[{ DB_POOL_SIZE: "1001" }, /^DB_POOL_SIZE: /],
		[{ DB_CONNECT_TIMEOUT: "3601" }, /^DB_CONNECT_TIMEOUT: /],
		[{ DB_LOCK_TIMEOUT: "for ever" }, /^DB_LOCK_TIMEOUT: /],
		[{ DB_TABLE_TIMEOUT: "1e3" }, /^DB_TABLE_TIMEOUT: /],
		[{ DB_HOST: `mysql://me:${SECRET}@db` }, /^DB_HOST: must be a name or address alone, not a URL$/],
		[{ DB_HOST: "db:3307" }, /^DB_HOST: must not hold a port, which belongs into DB_PORT$/],
		[{ DB_DATABASE: "a.b" }, /^DB_DATABASE: /],
		[{ DB_DATABASE: "x".repeat(65) }, /^DB_DATABASE: must have at most 64 characters$/],
		[{ DB_LOG: "everything" }, /^DB_LOG: must be off or query, not "everything"$/],
		[{ DB_TLS: "yes" }, /^DB_TLS: must be off or require or verify, not "yes"$/],
		[{ DB_TLS_CA: "/nowhere/ca.pem" }, /^DB_TLS_CA: the file \/nowhere\/ca.pem cannot be read \(ENOENT\)$/],
		[{ DB_TLS: "off", DB_TLS_CA: "/ca.pem" }, /^DB_TLS_CA: has no effect while DB_TLS is off/],
		[{ DB_TLS: "require", DB_TLS_CA: "/ca.pem" }, /^DB_TLS_CA: has no effect unless DB_TLS is verify/],
		[{ DB_TLS: "require", DB_TLS_CERT: "/c.pem" }, /^DB_TLS_KEY: must be set together with DB_TLS_CERT$/],
		[{ DB_TLS: "require", DB_TLS_KEY: "/k.pem" }, /^DB_TLS_CERT: must be set together with DB_TLS_KEY$/],
		[{ DB_TLS: "verify", DB_HOST: "10.0.0.1" }, /^DB_HOST: must be a name while DB_TLS is verify/],
		[{ DB_TLS: "verify", DB_TLS_CA: __filename }, /^DB_TLS_CA: the file .* is not PEM$/],
	];
	for (const [environment, message] of refused) {
		const given = JSON.stringify(environment);
		assert.throws(
			() => readSettings({}, environment),
			(error: unknown) => {
				assert.ok(error instanceof SettingsError, given);
				assert.match(error.message, message, given);
				assert.ok(!error.message.includes(SECRET) && !error.message.includes("\n"), given);
				return true;
			},
			given,
		);
	}
});

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
	assert.deepEqual(readEnvironment(folder.path, { DB_HOST: "set" }), { DB_HOST: "set" });

	writeFileSync(
		join(folder.path, ".env"),
		"# comment\nDB_HOST=file\nDB_PORT=4000\nDB_PASSWORD='a \"quoted\" #1'\nexport DB_USERNAME=exported\n",
	);
	const before = JSON.stringify(process.env);
	const environment = readEnvironment(folder.path, { DB_HOST: "set", DB_PORT: "" });
	assert.equal(environment["DB_HOST"], "set");
	assert.equal(environment["DB_PORT"], "");
	assert.equal(environment["DB_PASSWORD"], 'a "quoted" #1');
	assert.equal(environment["DB_USERNAME"], "exported");
	assert.equal(JSON.stringify(process.env), before);
});

test("a .env that cannot be read is refused by name", (t) => {
	const folder = temporaryFolder();
	t.after(folder.remove);
	mkdirSync(join(folder.path, ".env"));
	assert.throws(() => readEnvironment(folder.path, {}), /^SettingsError: .*\.env: cannot be read \(EISDIR\)/);
});
