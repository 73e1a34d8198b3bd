import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Workspace, WorkspaceLog, WorkspaceRepository, type WorkspacesDataSource } from "../../src";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";
import { type SessionProxy, startSessionProxy } from "../support/sessionProxy";

/** Zones of process and server: east and west of UTC, with and without half hours and summer time. */
const PROCESS_ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Europe/Berlin"];
const SERVER_ZONES = ["+00:00", "-08:00", "+05:30"];

/** Hours that some zone of the process has not or has twice, and the bounds of a TIMESTAMP. */
const INSTANTS = [
	"1970-01-02T00:00:00Z",
	"2026-03-08T02:30:00Z",
	"2026-03-29T01:30:00Z",
	"2026-03-29T02:30:00Z",
	"2026-10-25T00:30:00Z",
	"2026-11-01T05:30:00Z",
	"2038-01-19T03:14:07Z",
].map((text) => new Date(text));

let database: TestDatabase;
let userId: number;

before(async () => {
	database = await createTestDatabase();
	[userId] = (await addUsers(database, "ann")) as [number];
	await withDataSource(database, {}, (dataSource) => dataSource.runMigrations());
});
after(() => database.drop());

/** A DataSource on a server whose sessions begin with settings of its own. */
async function onServerWith(
	first: string,
	work: (dataSource: WorkspacesDataSource, proxy: SessionProxy) => Promise<void>,
): Promise<void> {
	const proxy = await startSessionProxy(database, { first });
	try {
		await withDataSource(database, { port: proxy.port }, (dataSource) => work(dataSource, proxy));
	} finally {
		await proxy.close();
	}
}

async function inZone(zone: string, work: () => Promise<void>): Promise<void> {
	const before = process.env["TZ"];
	process.env["TZ"] = zone;
	try {
		await work();
	} finally {
		if (before === undefined) delete process.env["TZ"];
		else process.env["TZ"] = before;
	}
}

for (const processZone of PROCESS_ZONES) {
	for (const serverZone of SERVER_ZONES) {
		test(`instants are kept: process in ${processZone}, server in ${serverZone}`, async () => {
			await inZone(processZone, () =>
				onServerWith(`SET time_zone = '${serverZone}'`, (dataSource) => keepsInstants(dataSource)),
			);
		});
	}
}

async function keepsInstants(dataSource: WorkspacesDataSource): Promise<void> {
	const workspaces = dataSource.getRepository(Workspace);
	await workspaces.delete({ userId });
	for (const instant of INSTANTS) {
		const projectName = instant.toISOString();
		await workspaces.insert({ userId, projectName, lastActivity: instant });
		const [stored] = await database.rows<{ seconds: string; now: number }>(
			"SELECT UNIX_TIMESTAMP(last_activity) AS seconds, UNIX_TIMESTAMP() - UNIX_TIMESTAMP(created_at) AS now " +
				"FROM workspaces WHERE project_name = ?",
			[projectName],
		);
		assert.equal(Number(stored?.seconds) * 1000, instant.getTime(), projectName);
		assert.ok(Math.abs(Number(stored?.now)) < 600, "the server's own clock is right too");
		const read = await workspaces.findOneByOrFail({ userId, lastActivity: instant });
		assert.equal(read.lastActivity?.getTime(), instant.getTime());
		assert.ok(Math.abs((read.createdAt?.getTime() ?? 0) - Date.now()) < 600_000, "created just now");
	}
	assert.equal(await workspaces.countBy({ userId }), INSTANTS.length);
}

test("sessions are strict on a server that is not: nothing is stored cut, empty or out of range", async () => {
	await onServerWith("SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT', autocommit = 0", async (dataSource) => {
		const workspaces = dataSource.getRepository(Workspace);
		await workspaces.delete({ userId });
		const refused: [string, number, string, unknown][] = [
			["an ENUM value that does not exist", 1265, "status", "sleeping"],
			["an empty ENUM value", 1265, "status", ""],
			["a string that is too long", 1406, "container_id", "x".repeat(65)],
			["a blob that is too long", 1406, "code_server_password_iv", Buffer.alloc(17)],
			["a number out of range", 1264, "assigned_port", 2 ** 31],
			["text for a number", 1366, "assigned_port", "a port"],
			["a date that does not exist", 1292, "last_activity", "2026-02-30 00:00:00"],
			["a zero date", 1292, "last_activity", "0000-00-00 00:00:00"],
		];
		for (const [what, errno, column, value] of refused) {
			const sql = `INSERT INTO workspaces (user_id, project_name, ${column}) VALUES (?, 'p', ?)`;
			await assert.rejects(dataSource.query(sql, [userId, value]), { errno }, what);
		}
		await assert.rejects(
			dataSource.query("INSERT INTO workspaces (user_id) VALUES (?)", [userId]),
			{ errno: 1364 },
			"a column without a default left out",
		);
		assert.deepEqual(await database.rows("SELECT id FROM workspaces"), []);

		await workspaces.insert({ userId, projectName: 'four bytes 🚀 and "quotes" \\ \'', status: "running" });
		const kept = await database.rows("SELECT project_name AS name, status FROM workspaces");
		assert.deepEqual(kept, [{ name: 'four bytes 🚀 and "quotes" \\ \'', status: "running" }], "and committed");
	});
});

test("every session of the pool is set up, whatever the server's own settings are", async () => {
	const first = "SET time_zone = '+09:00', sql_mode = '', NAMES latin1, autocommit = 0";
	await onServerWith(first, async (dataSource, proxy) => {
		const sql =
			"SELECT @@time_zone AS zone, @@sql_mode AS mode, @@character_set_client AS client, " +
			"@@collation_connection AS collation, @@autocommit AS autocommit, SLEEP(0.05) AS slept, CONNECTION_ID() AS id";
		type Row = Record<"zone" | "mode" | "client" | "collation" | "id", string> & { autocommit: number | string };
		const rows = (await Promise.all(Array.from({ length: 8 }, () => dataSource.query<Row[]>(sql)))).flat();
		assert.ok(new Set(rows.map((row) => String(row.id))).size > 1, "several sessions");
		assert.ok(proxy.connections > 1);
		for (const row of rows) {
			assert.equal(row.zone, "+00:00");
			assert.match(row.mode, /STRICT_ALL_TABLES/);
			assert.equal(row.client, "utf8mb4");
			assert.equal(row.collation, "utf8mb4_unicode_ci");
			assert.equal(Number(row.autocommit), 1);
		}
	});
});

/** What a server or an account may have as defaults, and what sessions have instead. */
const DEFAULTS: readonly [variable: string, server: string, session: string][] = [
	["sql_safe_updates", "1", "0"],
	["sql_select_limit", "2", "18446744073709551615"],
	["sql_big_selects", "0", "1"],
	["sql_auto_is_null", "1", "0"],
	["foreign_key_checks", "0", "1"],
	["unique_checks", "0", "1"],
	["check_constraint_checks", "0", "1"],
	["sql_if_exists", "1", "0"],
	["completion_type", "'RELEASE'", "NO_CHAIN"],
	["lc_messages", "'de_DE'", "en_US"],
	["sql_quote_show_create", "0", "1"],
	["max_execution_time", "1", "0"],
	["max_statement_time", "0.5", "0"],
	["net_read_timeout", "1", "60"],
	["net_write_timeout", "1", "60"],
	["innodb_lock_wait_timeout", "4000", "10"],
	["lock_wait_timeout", "86400", "30"],
	["autocommit", "0", "1"],
	["transaction_isolation", "'SERIALIZABLE'", "REPEATABLE-READ"],
	["tx_isolation", "'SERIALIZABLE'", "REPEATABLE-READ"],
	["transaction_read_only", "1", "0"],
	["tx_read_only", "1", "0"],
];

async function defaultsOfThisServer() {
	const names = DEFAULTS.map(([name]) => `'${name}'`).join(", ");
	const rows = await database.rows<{ Variable_name: string }>(`SHOW VARIABLES WHERE Variable_name IN (${names})`);
	const known = new Set(rows.map((row) => row.Variable_name));
	return DEFAULTS.filter(([name]) => known.has(name));
}

test("no default of the server or the account reaches a session, of a user without global privileges either", async (t) => {
	const defaults = await defaultsOfThisServer();
	assert.ok(defaults.length > 15);
	const name = database.name.slice(0, 20);
	t.after(() => database.rows(`DROP USER ${name}`));
	await database.rows(`CREATE USER ${name} IDENTIFIED BY 'x'; GRANT ALL ON ${database.name}.* TO ${name}`);
	const proxy = await startSessionProxy(database, {
		first: `SET ${defaults.map(([variable, value]) => `${variable} = ${value}`).join(", ")}`,
	});
	try {
		await withDataSource(database, { port: proxy.port, username: name, password: "x" }, async (dataSource) => {
			const selected = defaults.map(([variable]) => `@@SESSION.${variable} AS ${variable}`).join(", ");
			const [row] = await dataSource.query<Record<string, unknown>[]>(`SELECT ${selected}`);
			for (const [variable, , value] of defaults) assert.equal(String(row?.[variable]), value, variable);
		});
	} finally {
		await proxy.close();
	}
});

test("a statement means the same under such defaults", async () => {
	const [timeout] = (await defaultsOfThisServer()).filter(([name]) => /^max_(execution|statement)_time$/.test(name));
	const first = `SET sql_safe_updates = 1, foreign_key_checks = 0, lc_messages = 'de_DE', ${timeout?.[0]} = ${timeout?.[1]}`;
	await onServerWith(first, async (dataSource) => {
		const workspaces = WorkspaceRepository.from(dataSource);
		await dataSource.query("DELETE FROM workspaces WHERE project_name <> ''");
		await assert.rejects(workspaces.createWithinLimit({ userId: 999_999, projectName: "p" }), { code: "NOT_FOUND" });
		await workspaces.createWithinLimit({ userId, projectName: "p" });
		await assert.rejects(workspaces.createWithinLimit({ userId, projectName: "p" }), {
			code: "ALREADY_EXISTS",
			properties: ["userId", "projectName"],
		});
		const [row] = await dataSource.query<{ slept: number | string }[]>("SELECT SLEEP(0.7) AS slept");
		assert.equal(Number(row?.slept), 0, "not interrupted");
	});
});

test("JSON comes back as it was written", async () => {
	await withDataSource(database, {}, async (dataSource) => {
		const logs = dataSource.getRepository(WorkspaceLog);
		const details = { text: "ü🚀'\"\\", list: [1, null, true], nested: { deep: [{}] } };
		const log = new WorkspaceLog();
		log.userId = userId;
		log.projectName = "json";
		log.action = "create";
		log.details = details;
		await dataSource.manager.save(log);
		const { details: read } = await logs.createQueryBuilder("log").where("log.id = :id", log).getOneOrFail();
		assert.deepEqual(read, details);
	});
});

test("a BIGINT is a number, and a text where a number would not hold it", async () => {
	await withDataSource(database, {}, async (dataSource) => {
		const sql = "SELECT COUNT(*) AS counted, 9007199254740991 AS largest, 9007199254740993 AS larger FROM workspaces";
		const [row] = await dataSource.query<Record<string, unknown>[]>(sql);
		const counted = await dataSource.getRepository(Workspace).count();
		assert.deepEqual({ ...row }, { counted, largest: 9_007_199_254_740_991, larger: "9007199254740993" });
	});
});
