import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createConnection } from "mysql2/promise";
import {
	greeting,
	HOST,
	runningServer,
	type Server,
	socketPath,
	startServer,
	stopServer,
} from "../../src/testing/server/private-server.mjs";
import { isAlive } from "../../src/testing/server/processes.mjs";
import { choosePackages, findServer } from "../../src/testing/server/server-binary.mjs";

let home: string;
let folder: string;

before(() => {
	home = mkdtempSync(join(tmpdir(), "dployr-server-"));
	folder = join(home, "one");
});

after(async () => {
	await stopServer(folder);
	rmSync(home, { recursive: true, force: true });
});

async function ask(server: Server, sql: string): Promise<unknown> {
	const connection = await createConnection({
		host: HOST,
		port: server.port,
		user: "root",
		password: server.password,
		multipleStatements: true,
	});
	try {
		const [rows] = await connection.query<never[]>({ sql, rowsAsArray: true });
		return rows;
	} finally {
		await connection.end();
	}
}

test("a server of its own: made, reused, stopped and started again with its data", async () => {
	const first = await startServer(folder, { throwaway: true });
	assert.notEqual(first.port, 3306);
	assert.match((await greeting(HOST, first.port)) ?? "", /^\d+\.\d+\.\d+/);
	await ask(first, "CREATE DATABASE kept");
	assert.deepEqual(await ask(first, "SELECT @@tmpdir"), [[join(folder, "tmp")]]);
	assert.deepEqual(await ask(first, "SELECT @@bind_address, @@character_set_server, @@collation_server"), [
		[HOST, "utf8mb4", "utf8mb4_unicode_ci"],
	]);

	const again = await startServer(folder);
	assert.deepEqual(again, first);

	assert.equal(await stopServer(folder), true);
	assert.equal(isAlive(first.pid), false);
	assert.equal(await greeting(HOST, first.port), undefined);
	assert.equal(await stopServer(folder), false);

	const next = await startServer(folder, { throwaway: true });
	assert.notEqual(next.pid, first.pid);
	assert.equal(next.password, first.password);
	assert.deepEqual(await ask(next, "SHOW DATABASES LIKE 'kept'"), [["kept"]]);
});

test("nobody gets in without the password", async () => {
	const server = await startServer(folder, { throwaway: true });
	for (const user of ["root", ""]) {
		const attempt = createConnection({ host: HOST, port: server.port, user });
		await assert.rejects(attempt, { code: "ER_ACCESS_DENIED_ERROR" });
	}
});

test("many starts at once make one server", async () => {
	await stopServer(folder);
	const servers = await Promise.all([1, 2, 3].map(() => startServer(folder, { throwaway: true })));
	assert.equal(new Set(servers.map(({ pid }) => pid)).size, 1);
});

test("a record of a pid that belongs to another process is not a running server", async () => {
	const server = await startServer(folder, { throwaway: true });
	await stopServer(folder);
	writeFileSync(join(folder, "server.json"), JSON.stringify({ ...server, pid: process.pid }));
	writeFileSync(`${server.socket}.lock`, String(process.pid));
	assert.equal(runningServer(folder), undefined);
	assert.equal(await stopServer(folder), false);
	const next = await startServer(folder, { throwaway: true });
	assert.notEqual(next.pid, process.pid);
});

test("a killed server starts again", async () => {
	const server = await startServer(folder, { throwaway: true });
	process.kill(server.pid, "SIGKILL");
	while (runningServer(folder)) await new Promise((done) => setTimeout(done, 20));
	const next = await startServer(folder, { throwaway: true });
	assert.deepEqual(await ask(next, "SHOW DATABASES LIKE 'kept'"), [["kept"]]);
});

test("what a killed start left behind is made anew", async () => {
	const other = join(home, "other");
	mkdirSync(join(other, "data.unfinished", "mysql"), { recursive: true });
	writeFileSync(join(other, "data.unfinished", "ibdata1"), "half");
	writeFileSync(join(other, "server.json"), '{"pid": 1');
	writeFileSync(join(other, "lock"), "999999999");
	try {
		assert.deepEqual(await ask(await startServer(other, { throwaway: true }), "SELECT 1"), [[1]]);
	} finally {
		await stopServer(other);
	}
});

test("a port that somebody else has taken since is left to them", async () => {
	const server = await startServer(folder, { throwaway: true });
	await stopServer(folder);
	const { createServer } = await import("node:net");
	const squatter = createServer().listen(server.port, HOST);
	await new Promise((done) => squatter.on("listening", done));
	try {
		assert.notEqual((await startServer(folder, { throwaway: true })).port, server.port);
	} finally {
		squatter.close();
	}
});

test("a server that cannot start says where to look", async () => {
	const broken = join(home, "broken");
	mkdirSync(join(broken, "data"), { recursive: true });
	await assert.rejects(startServer(broken), (error: Error) => {
		assert.match(error.message, /did not start; the end of .*server\.log:/);
		assert.ok(readFileSync(join(broken, "server.log"), "utf8").length > 0);
		return true;
	});
});

test("the socket's path fits into the 107 bytes that the system allows", () => {
	assert.equal(socketPath("/home/me/dployr"), "/home/me/dployr/server.sock");
	const long = `/home/${"é".repeat(60)}`;
	assert.ok(Buffer.byteLength(socketPath(long)) <= 107);
	assert.notEqual(socketPath(long), socketPath(`${long}/2`));
});

test("the packages that suit the machine are chosen", () => {
	const debian = ["mariadb-server-core", "mariadb-server-core-10.5", "mysql-server-core-8.0", "mariadb-server"];
	assert.deepEqual(choosePackages(debian), ["mariadb-server-core", "mariadb-client-core"]);
	const jammy = ["mysql-server-core-8.0", "mariadb-server-core-10.6", "mariadb-server-core-10.11"];
	assert.equal(choosePackages(jammy)[0], "mariadb-server-core-10.11");
	assert.deepEqual(choosePackages(["mysql-server-core-8.0"]), ["mysql-server-core-8.0", "mysql-client-core-8.0"]);
	assert.deepEqual(choosePackages(["mysql-client-core-8.0"]), []);
	assert.ok(findServer());
});
