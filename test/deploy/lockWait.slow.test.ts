import assert from "node:assert/strict";
import { afterEach, before, beforeEach, describe, it } from "node:test";
import { type Connection, createConnection } from "mysql2/promise";
import { plan } from "../../src";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";
import { ADOPTION_CASES, installOldDashboard } from "../../testing/oldDashboard";
import { type CommandProxy, startProxy, type Verdict } from "../../testing/proxy";
import { describeSchema, dumpRows, recordTemplate, resetTo, stateOf, type Template } from "../support/snapshot";

/** MySQL cannot list sessions through information_schema while one sends such a character. */
const FOUR_BYTES = "🚀";

async function connect(database: TestDatabase): Promise<Connection> {
	const { host, port, username, password, name } = database;
	return createConnection({ host, port, user: username, password, database: name });
}

/** What everybody else does meanwhile: reads the table again and again, and never waits for more than 4 s. */
async function readOn(database: TestDatabase, table: string, until: Promise<unknown>, onFailure: () => unknown) {
	const connection = await connect(database);
	await connection.query("SET SESSION lock_wait_timeout = 4");
	let isOver = false;
	const over = () => {
		isOver = true;
	};
	until.then(over, over);
	const failures: unknown[] = [];
	let reads = 0;
	for (; !isOver; reads++) {
		await connection.query(`SELECT COUNT(*) FROM ${table} /* ${FOUR_BYTES} */`).catch((error: unknown) => {
			failures.push(error);
			return onFailure();
		});
	}
	await connection.end();
	return { reads, failures };
}

async function run(database: TestDatabase, port = database.port, tableTimeout = 60): Promise<void> {
	await withDataSource(database, { port, tableTimeout }, (dataSource) => dataSource.runMigrations());
}

function altersOf(statements: readonly string[]): string[] {
	return statements.filter((sql) => /^ALTER TABLE (?!`dployr_)/.test(sql));
}

/** How often the latest ALTER was sent. */
function lastAlters({ commands }: CommandProxy): number {
	const sent = altersOf(commands);
	return sent.filter((sql) => sql === sent.at(-1)).length;
}

/** A run that would wait for a table as long as the servers let it would outlast every test. */
describe("a run on tables that are in use", { timeout: 300_000 }, () => {
	let database: TestDatabase;
	let proxy: CommandProxy;
	let decide: () => Verdict | Promise<Verdict>;
	let reader: Connection | undefined;
	let adopted: Template;
	let draft: Template;

	before(async () => {
		adopted = await recordTemplate((empty) => installOldDashboard(empty));
		draft = await recordTemplate((empty) => installOldDashboard(empty, { draft: true }));
	});
	beforeEach(async () => {
		database = await createTestDatabase();
		decide = () => "forward";
		proxy = await startProxy(database, () => decide());
	});
	afterEach(async () => {
		await reader?.end();
		reader = undefined;
		await proxy.close();
		await database.drop();
	});

	/** A session of the dashboard's that has read a table in a transaction, which goes on. */
	async function read(where: TestDatabase, table: string): Promise<{ connection: Connection; id: number }> {
		const connection = await connect(where);
		reader = connection;
		await connection.query("START TRANSACTION");
		await connection.query(`SELECT * FROM ${table} LIMIT 1`);
		return { connection, id: connection.threadId };
	}

	/** What an undisturbed run makes of the same. */
	async function undisturbed(template: Template): Promise<unknown> {
		await resetTo(template, database);
		await run(database);
		const state = await stateOf(database);
		await resetTo(template, database);
		return state;
	}

	it("gives up after the table's timeout, naming the session in the way, and holds up nobody meanwhile", async () => {
		const wanted = await undisturbed(adopted);
		const before = { schema: await describeSchema(database), rows: await dumpRows(database) };
		const { connection, id } = await read(database, "workspace_logs");

		const running = run(database, proxy.port, 3);
		const others = readOn(database, "workspace_logs", running, () => connection.query("ROLLBACK"));
		await assert.rejects(running, new RegExp(`gave up.* session ${id} \\(`));
		const { reads, failures } = await others;
		assert.deepEqual(failures, []);
		assert.ok(reads > 1);
		assert.ok(lastAlters(proxy) > 1, "the statement was tried again");
		const of = (schema: Record<string, unknown[]>) =>
			Object.values(schema).map((rows) => rows.filter((row) => (row as { t?: string }).t === "workspace_logs"));
		assert.deepEqual(of(await describeSchema(database)), of(before.schema), "the table is as it was");
		assert.deepEqual((await dumpRows(database))["workspace_logs"], before.rows["workspace_logs"]);

		await connection.query("ROLLBACK");
		await run(database);
		assert.deepEqual(await stateOf(database), wanted);
	});

	it("goes on as soon as the transaction in the way has ended", async () => {
		const wanted = await undisturbed(adopted);
		const { connection } = await read(database, "workspace_logs");
		let isEnded = false;
		decide = async (): Promise<Verdict> => {
			if (!isEnded && lastAlters(proxy) > 2) {
				isEnded = true;
				await connection.query("COMMIT");
			}
			return "forward";
		};
		await run(database, proxy.port);
		assert.ok(isEnded, "the transaction was in the way");
		assert.deepEqual(await stateOf(database), wanted);
	});

	it("waits for a reader of dashboard_users where the server does, to add a foreign key, and names it", async () => {
		const wanted = await undisturbed(draft);
		const { connection, id } = await read(database, "dashboard_users");
		const running = run(database, proxy.port, 2);
		const [{ version }] = (await database.rows("SELECT VERSION() AS version")) as [{ version: string }];
		if (/mariadb/i.test(version)) await running;
		else await assert.rejects(running, new RegExp(`workspaces.*gave up.* session ${id} \\(`));
		await connection.query("ROLLBACK");
		await run(database);
		assert.deepEqual(await stateOf(database), wanted);
	});

	it("names the session in the way to a user who may see no others than his own", async () => {
		await resetTo(adopted, database);
		const username = database.name;
		await database.connection.query(`CREATE USER ${username} IDENTIFIED BY 'pässword'`);
		try {
			await database.connection.query(`GRANT ALL ON ${database.name}.* TO ${username}`);
			const own = { ...database, username, password: "pässword" };
			const { id } = await read(own, "workspace_logs");
			await assert.rejects(run(own, proxy.port, 0), new RegExp(`gave up.* session ${id} \\(`));
		} finally {
			await database.connection.query(`DROP USER ${username}`);
		}
	});

	for (const [name, old] of Object.entries(ADOPTION_CASES)) {
		it(`changes ${name} by statements that the server confirms to be online, as planned`, async () => {
			await resetTo(await recordTemplate((empty) => installOldDashboard(empty, old)), database);
			const planned = await withDataSource(database, {}, (dataSource) => plan(dataSource));
			await run(database, proxy.port);
			const sent = altersOf(proxy.commands);
			assert.deepEqual(sent, altersOf(planned.statements));
			assert.ok(sent.length > 5);
			for (const sql of sent) assert.match(sql, /, ALGORITHM=(INSTANT|INPLACE, LOCK=NONE)$/);
		});
	}
});
