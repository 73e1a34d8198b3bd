import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import { type EntitySubscriberInterface, QueryFailedError } from "typeorm";
import { createDataSource, PreviewEnvironment, UserApiKey, Workspace, type WorkspacesDataSource } from "../../src";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { settingsOf, withDataSource } from "../../testing/dataSource";

const SECRET = "s3cr3t'value";
const BLOB = Buffer.from("s3cr3t-key-blob!");
/** Each form in which one of them could show. */
const FORMS = ["s3cr3t", BLOB.toString("hex"), BLOB.toString("hex").toUpperCase(), BLOB.toString("base64"), "73 33 63"];

let database: TestDatabase;
let dataSource: WorkspacesDataSource;
let userId: number;
const lines: string[] = [];

before(async () => {
	database = await createTestDatabase();
	[userId] = (await addUsers(database, "ann")) as [number];
	dataSource = createDataSource({ ...settingsOf(database, lines), logQueries: true });
	await dataSource.initialize();
	await dataSource.runMigrations();
	lines.length = 0;
});
after(async () => {
	await dataSource.destroy();
	await database.drop();
});

function assertNoSecret(text: string, where: string): void {
	for (const form of FORMS) assert.ok(!text.includes(form), `${where} holds ${form}: ${text}`);
}

/** Fails on purpose, and looks at everything that the error and the log hold. */
async function failure(work: () => Promise<unknown>, errno: number): Promise<QueryFailedError> {
	lines.length = 0;
	const error: unknown = await work().then(
		() => undefined,
		(reason: unknown) => reason,
	);
	assert.ok(error instanceof QueryFailedError, `failed with ${inspect(error)}`);
	const { driverError } = error as QueryFailedError<Error & { errno: number; code: string; sqlState: string }>;
	assert.equal(driverError.errno, errno, error.message);
	assert.equal((error as unknown as { errno: number }).errno, errno);
	assert.match(driverError.code, /^(ER|WARN)_/);
	assert.match(driverError.sqlState, /^\w{5}$/);
	assertNoSecret(inspect(error, { depth: null, showHidden: true, getters: true }), "the error");
	assertNoSecret(JSON.stringify(error), "the error's JSON");
	assertNoSecret(String(error.stack) + String(driverError.stack), "a stack");
	assert.match(String(error.stack), /\n\s+at /, "and the stack still says where");
	assertNoSecret(lines.join("\n"), "the log");
	assert.ok(
		lines.some((line) => line.startsWith("query failed: ")),
		"the log has it",
	);
	return error;
}

const INSERT = "INSERT INTO preview_environments (workspace_id, user_id, project_name, preview_hash, expires_at, ";

test("a duplicate value", async () => {
	await dataSource.query(
		"INSERT INTO dashboard_users (username, password_hash, system_username) VALUES (?, 'x', 'x')",
		[SECRET],
	);
	const again = () =>
		dataSource.query("INSERT INTO dashboard_users (username, password_hash, system_username) VALUES (?, 'x', 'x')", [
			SECRET,
		]);
	const error = await failure(again, 1062);
	assert.match(error.message, /^Duplicate entry '…' for key '(dashboard_users\.)?username'$/);
	assert.equal(error.parameters, undefined);
});

test("a value that is too long, of a blob and of an IV", async () => {
	const keys = dataSource.getRepository(UserApiKey);
	const blob = Buffer.concat([BLOB, Buffer.alloc(600, 1)]);
	await failure(() => keys.insert({ userId, anthropicKeyEncrypted: blob }), 1406);
	const error = await failure(() => keys.save(keys.create({ userId, openaiKeyIv: Buffer.concat([BLOB, BLOB]) })), 1406);
	assert.match(error.message, /Data too long for column 'openai_key_iv' at row 1/);
});

test("a value that a number, a date or an ENUM cannot take", async () => {
	const insert = (column: string) => () =>
		dataSource.query(`${INSERT}${column}) VALUES (1, 1, 'p', 'h', NOW(), ?)`, [SECRET]);
	assert.match(
		(await failure(insert("assigned_port"), 1366)).message,
		/^Incorrect integer value: '…' for column .*assigned_port.* at row 1$/,
	);
	assert.match((await failure(insert("created_at"), 1292)).message, /^Incorrect datetime value: '…' for column/);
	await failure(insert("status"), 1265);
});

test("a stored value that the statement itself does not hold", async () => {
	const update = () => dataSource.query("UPDATE dashboard_users SET is_admin = 1 WHERE username = 0");
	assert.match((await failure(update, 1292)).message, /^Truncated incorrect (DOUBLE|DECIMAL) value: '…'$/);
});

test("a literal in the statement, also in hexadecimal and in one that is not closed", async () => {
	const broken = [
		"UPDATE no_such_table SET password_hash = 's3cr3t'",
		`UPDATE no_such_table SET iv = 0x${BLOB.toString("hex")}, key_blob = x'${BLOB.toString("hex")}'`,
		"UPDATE no_such_table SET password_hash = \"s3cr3t \\\" s3cr3t\" -- it's\n, x = 's3cr3t'",
		"UPDATE no_such_table /* it's */ SET password_hash = 's3cr3t''s3cr3t'",
		"UPDATE no_such_table SET `it's` = 's3cr3t'",
	];
	for (const sql of broken) await failure(() => dataSource.query(sql), 1146);
	await failure(() => dataSource.query("UPDATE dashboard_users SETT password_hash = 's3cr3t'"), 1064);
	await failure(() => dataSource.query("UPDATE dashboard_users SET password_hash = 's3cr3t"), 1064);
	await failure(() => dataSource.query("SELECT 1 FROM dashboard_users WHERE id = 's3cr3t' FOO BAR"), 1064);
});

test("an entity, in a transaction and through the query builder", async () => {
	const values = {
		userId,
		workspaceId: 404,
		projectName: "p",
		previewHash: "h",
		expiresAt: new Date(),
		passwordHash: SECRET,
	};
	const insert = () => dataSource.transaction((manager) => manager.insert(PreviewEnvironment, values));
	const error = await failure(insert, 1452);
	assert.match(error.message, /preview_environments_ibfk_1/, "the names stay");
	const update = () =>
		dataSource
			.createQueryBuilder()
			.update(PreviewEnvironment)
			.set({ passwordHash: SECRET })
			.where("nothing = :secret", { secret: SECRET })
			.execute();
	assert.match((await failure(update, 1054)).message, /^Unknown column 'nothing' in /);
});

test("a stream", async () => {
	const queryRunner = dataSource.createQueryRunner();
	try {
		const thrown: unknown[] = [];
		const stream = await queryRunner.stream(
			"SELECT password_hash FROM no_such_table WHERE iv = ?",
			[SECRET],
			undefined,
			(error: Error) => thrown.push(error),
		);
		await assert.rejects(
			async () => {
				for await (const row of stream) assert.fail(`a row: ${inspect(row)}`);
			},
			(error: unknown) => {
				thrown.push(error);
				return true;
			},
		);
		assert.equal(thrown.length, 2);
		assertNoSecret(inspect(thrown, { depth: null, showHidden: true }), "the stream's error");
		assert.equal((thrown[1] as { errno: number }).errno, 1146);
	} finally {
		await queryRunner.release();
	}
	const rows: unknown[] = [];
	const reader = dataSource.createQueryRunner();
	for await (const row of await reader.stream("SELECT username FROM dashboard_users WHERE id = ?", [userId]))
		rows.push(row);
	await reader.release();
	assert.deepEqual(rows, [{ username: "ann" }]);
});

test("statements are printed in one line, without values, and only when asked for", async () => {
	lines.length = 0;
	await dataSource.query("SELECT id\n\tFROM dashboard_users WHERE username = ? AND password_hash = 's3cr3t'", [SECRET]);
	assert.deepEqual(lines, [
		"query: SELECT id FROM dashboard_users WHERE username = ? AND password_hash = '…' -- 1 value",
	]);

	const quiet: string[] = [];
	await withDataSource(database, { log: (line) => quiet.push(line) }, async (other) => {
		await other.query("SELECT 1");
		await assert.rejects(other.query("SELECT nothing"));
	});
	assert.deepEqual(quiet, []);
});

test("a bound number, and what a trigger says", async () => {
	await database.connection.query(
		"CREATE TRIGGER refuse BEFORE INSERT ON dashboard_users FOR EACH ROW BEGIN " +
			"IF NEW.system_username = 'refused' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = NEW.username; END IF; END",
	);
	try {
		const sql = "INSERT INTO dashboard_users (username, password_hash, system_username, id) VALUES (?, 'x', ?, ?)";
		const { driverError } = await failure(() => dataSource.query(sql, ["s3cr3t", "refused", 73_330]), 1644);
		const { sql: shown, message } = driverError as Error & { sql: string };
		assert.equal(message, "SIGNAL '…'");
		assert.equal(
			shown,
			"INSERT INTO dashboard_users (username, password_hash, system_username, id) VALUES ('…', '…', '…', …)",
		);
	} finally {
		await database.connection.query("DROP TRIGGER refuse");
	}
});

/** What a program might print of each of these. */
function printed(value: unknown): string {
	return inspect(value, { depth: 12 }) + inspect(value, { depth: 12, compact: false, sorted: true });
}

test("nothing that a program may come across prints the password of the database or the key of TLS", async () => {
	const name = database.name.slice(0, 20);
	await database.rows(`CREATE USER ${name} IDENTIFIED BY 's3cr3t'; GRANT ALL ON ${database.name}.* TO ${name}`);
	try {
		await withDataSource(database, { username: name, password: "s3cr3t" }, async (other) => {
			const events: unknown[] = [];
			other.subscribers.push({
				beforeQuery: (event) => void events.push(event),
				afterInsert: (event) => void events.push(event),
				afterTransactionCommit: (event) => void events.push(event),
			} satisfies EntitySubscriberInterface);
			const queryRunner = other.createQueryRunner();
			await queryRunner.connect();
			assertNoSecret(printed(other), "the DataSource");
			assertNoSecret(inspect(other.options, { depth: 8, showHidden: true }), "its options");
			assertNoSecret(printed(other.driver), "its driver");
			assertNoSecret(printed(other.manager), "its manager");
			assertNoSecret(printed(queryRunner), "a query runner");
			assertNoSecret(printed(queryRunner.manager), "the manager of a query runner");
			assertNoSecret(printed(await queryRunner.connect()), "a connection");
			assertNoSecret(printed((other.driver as unknown as { pool: unknown }).pool), "the pool");
			await queryRunner.release();
			await other.transaction((manager) => manager.getRepository(Workspace).insert({ userId, projectName: "p" }));
			assert.ok(events.length >= 3, "events were seen");
			assertNoSecret(printed(events), "an event");
		});
	} finally {
		await database.rows(`DROP USER ${name}`);
	}
});
