import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { createConnection } from "mysql2/promise";
import { ConnectionError, ConnectionLostError, createDataSource, type DataSourceSettings } from "../../src";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource, settingsOf, withDataSource } from "../../testing/dataSource";
import { temporaryFolder } from "../support/processes";
import { freePort, startSessionProxy } from "../support/sessionProxy";

const SECRET = "s3cr3t-passw0rd";
let database: TestDatabase;

before(async () => {
	database = await createTestDatabase();
});
after(() => database.drop());

async function failureOf(settings: DataSourceSettings): Promise<ConnectionError> {
	const dataSource = createDataSource({ ...settingsOf(database), ...settings });
	const error: unknown = await dataSource.initialize().then(
		() => dataSource.destroy(),
		(reason) => reason,
	);
	assert.ok(error instanceof ConnectionError, `expected a ConnectionError, not ${inspect(error)}`);
	assert.equal(inspect(error), error.message, "printed as its message alone");
	assert.ok(!error.message.includes("\n"), "one line");
	const everything = inspect(error.cause, { depth: null, showHidden: true }) + error.stack;
	assert.ok(!everything.includes(SECRET), "no secret in it");
	assert.equal(dataSource.isInitialized, false);
	return error;
}

test("the type follows the server that answers, with three statements to set up and find out", async () => {
	const [{ version }] = (await database.rows("SELECT VERSION() AS version")) as [{ version: string }];
	const expected = /mariadb/i.test(version) ? "mariadb" : "mysql";
	const sent: string[] = [];
	const record = (sql: string) => {
		sent.push(sql);
		return sql;
	};
	const proxy = await startSessionProxy(database, { rewrite: record });
	try {
		await withDataSource(database, { host: proxy.host, port: proxy.port }, async (dataSource) => {
			assert.equal(dataSource.options.type, expected);
			assert.equal(dataSource.driver.options.type, expected);
			assert.ok(version.startsWith(dataSource.driver.version ?? "none"));
			assert.equal(dataSource.driver.isReturningSqlSupported("insert"), expected === "mariadb");
			assert.equal(dataSource.driver.database, database.name);
		});
	} finally {
		await proxy.close();
	}
	assert.equal(sent.length, 3, sent.join("\n"));
	assert.match(sent[0] ?? "", /^SET NAMES utf8mb4 .*time_zone = '\+00:00'/);
});

test("it connects again after it was destroyed", async () => {
	const dataSource = await openDataSource(database);
	await dataSource.destroy();
	await dataSource.initialize();
	assert.deepEqual(await dataSource.query("SELECT 'yes' AS works"), [{ works: "yes" }]);
	await assert.rejects(dataSource.initialize(), /already/i);
	await dataSource.destroy();
});

test("a pool of one serves callers one after the other", async () => {
	await withDataSource(database, { poolSize: 1 }, async (dataSource) => {
		const ids = await Promise.all(
			Array.from({ length: 20 }, () => dataSource.query<{ id: number }[]>("SELECT CONNECTION_ID() AS id")),
		);
		assert.equal(new Set(ids.map(([row]) => String(row?.id))).size, 1);
	});
});

test("at most as many connections as the pool may have", async () => {
	const proxy = await startSessionProxy(database);
	try {
		await withDataSource(database, { host: proxy.host, port: proxy.port, poolSize: 3 }, async (dataSource) => {
			await Promise.all(Array.from({ length: 12 }, () => dataSource.query("SELECT SLEEP(0.02)")));
		});
		assert.equal(proxy.connections, 3);
	} finally {
		await proxy.close();
	}
});

/** Fails at the first attempt, although there is time for more. */
async function failureAtOnce(settings: DataSourceSettings): Promise<ConnectionError> {
	const proxy = await startSessionProxy(database);
	try {
		const error = await failureOf({ host: proxy.host, port: proxy.port, connectTimeout: 5, ...settings });
		assert.equal(proxy.connections, 1);
		return error;
	} finally {
		await proxy.close();
	}
}

test("wrong password: given up at once, however long it may wait", async () => {
	const error = await failureAtOnce({ password: SECRET });
	assert.match(
		error.message,
		/: access denied for user "\w+"; check DB_USERNAME and DB_PASSWORD; if the account requires TLS, set DB_TLS/,
	);
	assert.equal((error.cause as { errno?: number }).errno, 1045);
});

test("an account that requires TLS: given up at once, and the message says what may be missing", async (t) => {
	const name = database.name.slice(0, 20);
	t.after(() => database.rows(`DROP USER ${name}`));
	await database.rows(
		`CREATE USER ${name} IDENTIFIED BY '${SECRET}' REQUIRE SSL; GRANT ALL ON ${database.name}.* TO ${name}`,
	);
	const error = await failureAtOnce({ username: name, password: SECRET });
	assert.match(error.message, /; if the account requires TLS, set DB_TLS to verify or require$/);
	const encrypted = await failureAtOnce({ username: "nobody_there", password: SECRET, tls: "require" });
	assert.doesNotMatch(encrypted.message, /requires TLS/);
});

test("a transaction that is read only is named as such", async () => {
	await withDataSource(database, {}, async (dataSource) => {
		const queryRunner = dataSource.createQueryRunner();
		await queryRunner.query("START TRANSACTION READ ONLY");
		const write = queryRunner.query("INSERT INTO dashboard_users (username) VALUES ('never')");
		await assert.rejects(write, { name: "ReadOnlyServerError", code: "READ_ONLY" });
		await queryRunner.query("ROLLBACK");
		await queryRunner.release();
	});
});

test("unknown database: given up at once", async () => {
	const error = await failureAtOnce({ database: "no_such_database" });
	assert.match(error.message, /: there is no database "no_such_database"; create it, or correct DB_DATABASE$/);
});

test("a user without rights on the database: given up at once", async (t) => {
	const name = database.name.slice(0, 20);
	t.after(() => database.rows(`DROP USER ${name}`));
	await database.rows(`CREATE USER ${name} IDENTIFIED BY '${SECRET}'`);
	const error = await failureAtOnce({ username: name, password: SECRET });
	assert.match(error.message, new RegExp(`: user "${name}" has no privileges on database "${database.name}"`));
});

test("a server whose certificate is nobody's, or that has none: given up at once", async () => {
	const error = await failureAtOnce({ tls: "verify", host: "localhost" });
	assert.match(error.message, /: TLS failed \(.+\); check DB_TLS and DB_TLS_CA$/);
});

test("with DB_TLS=require the session is encrypted, or there is none", async () => {
	const { host, port, username: user, password } = database;
	const canEncrypt = await createConnection({ host, port, user, password, ssl: { rejectUnauthorized: false } }).then(
		(connection) => connection.end().then(() => true),
		() => false,
	);
	if (!canEncrypt) {
		const error = await failureAtOnce({ tls: "require" });
		assert.match(error.message, /TLS/);
		return;
	}
	await withDataSource(database, { tls: "require" }, async (dataSource) => {
		const [cipher] = await dataSource.query<{ Value: string }[]>("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
		assert.match(cipher?.Value ?? "", /^\w/);
	});
});

test("a password is encrypted with the pinned key of the server, and with no other", async (t) => {
	const [status] = await database.rows<{ Value: string }>(
		"SHOW GLOBAL STATUS LIKE 'Caching_sha2_password_rsa_public_key'",
	);
	const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
	const foreign = publicKey.export({ type: "spki", format: "pem" }) as string;
	const folder = temporaryFolder();
	const name = database.name.slice(0, 20);
	t.after(async () => {
		folder.remove();
		await database.rows(`DROP USER ${name}`);
	});
	// A new account's password is not in the server's cache, so the server asks for it.
	await database.rows(`CREATE USER ${name} IDENTIFIED BY '${SECRET}'; GRANT ALL ON ${database.name}.* TO ${name}`);
	const settings = (key: string) => {
		const serverKey = join(folder.path, "key.pem");
		writeFileSync(serverKey, key);
		return { username: name, password: SECRET, serverKey };
	};
	if (status) {
		const error = await failureAtOnce(settings(foreign));
		assert.match(error.message, /access denied/);
	}
	// MariaDB has no such plugin: it is sent no password.
	await withDataSource(database, settings(status?.Value ?? foreign), async (dataSource) => {
		assert.deepEqual(await dataSource.query("SELECT 'in' AS state"), [{ state: "in" }]);
	});
});

test("absent server: one line after the time is over, and nothing is printed where it tries only once", async () => {
	const port = await freePort();
	const lines: string[] = [];
	const log = (line: string) => void lines.push(line);
	const error = await failureOf({ port, log });
	assert.match(
		error.message,
		new RegExp(`^Database server 127.0.0.1:${port}: no connection \\(.*ECONNREFUSED.*\\); check that it runs`),
	);
	assert.deepEqual(lines, []);

	const waited = await failureOf({ port, connectTimeout: 1, log });
	assert.match(waited.message, /: no connection within 1 s \(.*ECONNREFUSED/);
	assert.deepEqual(lines, [`Database server 127.0.0.1:${port} is not up yet (ECONNREFUSED): waiting up to 1 s`]);
});

test("a name that nobody knows is one that may pass", async () => {
	const error = await failureOf({ host: "no-such-host.invalid" });
	assert.match(error.message, /^Database server no-such-host\.invalid:\d+: no connection \(.*(ENOTFOUND|EAI_AGAIN)/);
});

test("a socket that is not there yet is one that may pass", async () => {
	const error = await failureOf({ socketPath: "/nowhere/mysqld.sock" });
	assert.match(error.message, /^Database server \/nowhere\/mysqld\.sock: no connection \(.*ENOENT.*DB_SOCKET/);
});

test("a server that comes up late is waited for", async () => {
	const port = await freePort();
	const lines: string[] = [];
	const opening = openDataSource(database, { port, connectTimeout: 30, log: (line) => lines.push(line) });
	await sleep(400);
	const proxy = await startSessionProxy(database, { port });
	try {
		const dataSource = await opening;
		assert.deepEqual(await dataSource.query("SELECT DATABASE() AS name"), [{ name: database.name }]);
		await dataSource.destroy();
		assert.deepEqual(lines, [`Database server 127.0.0.1:${port} is not up yet (ECONNREFUSED): waiting up to 30 s`]);
	} finally {
		await proxy.close();
	}
});

test("a server that takes connections and drops them while it starts is waited for", async () => {
	const proxy = await startSessionProxy(database, { drops: 3 });
	try {
		await withDataSource(database, { port: proxy.port, connectTimeout: 30 }, async (dataSource) => {
			assert.deepEqual(await dataSource.query("SELECT 'yes' AS works"), [{ works: "yes" }]);
		});
		assert.equal(proxy.connections, 4);
	} finally {
		await proxy.close();
	}
});

test("a server that is gone later: the call fails at once, and the message names no time to raise", async () => {
	const proxy = await startSessionProxy(database);
	await withDataSource(database, { port: proxy.port }, async (dataSource) => {
		assert.deepEqual(await dataSource.query("SELECT 'yes' AS works"), [{ works: "yes" }]);
		await proxy.close();
		const failure: unknown = await dataSource.query("SELECT 1").catch((error: unknown) => error);
		assert.ok(failure instanceof ConnectionError || failure instanceof ConnectionLostError, inspect(failure));
		const next: unknown = await dataSource.query("SELECT 1").catch((error: unknown) => error);
		assert.ok(next instanceof ConnectionError, inspect(next));
		assert.match(next.message, /: no connection \(.*ECONNREFUSED.*\); check that it runs, and DB_HOST and DB_PORT$/);
	});
});

test("a session that cannot be set up fails its connection, and the next one is tried afresh", async () => {
	const broken = (sql: string, connection: number) =>
		sql.startsWith("SET NAMES") && connection === 2 ? "SET no_such_variable_here = 1" : sql;
	const proxy = await startSessionProxy(database, { rewrite: broken });
	try {
		await withDataSource(database, { port: proxy.port, poolSize: 2 }, async (dataSource) => {
			const first = dataSource.createQueryRunner();
			await first.connect();
			const failure = await dataSource.query("SELECT @@time_zone AS zone").catch((error: unknown) => error);
			assert.ok(failure instanceof ConnectionError, inspect(failure));
			assert.match(failure.message, /cannot connect \(.*no_such_variable_here/);
			assert.deepEqual(await dataSource.query("SELECT @@time_zone AS zone"), [{ zone: "+00:00" }]);
			assert.equal(proxy.connections, 3);
			await first.release();
		});
	} finally {
		await proxy.close();
	}
});
