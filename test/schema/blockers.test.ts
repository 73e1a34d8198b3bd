import assert from "node:assert/strict";
import { test } from "node:test";
import { createConnection } from "mysql2/promise";
import { describeSession, visibleSessions } from "../../src/schema/blockers";
import { withDatabase } from "../../testing/dataSource";

test("a session is described with what it executes, without a value and cut", () => {
	const session = { id: 7, user: "ada", host: "10.0.0.1:4711", seconds: 3 };
	assert.equal(describeSession({ ...session, statement: null }), "session 7 (ada@10.0.0.1, for 3 s)");
	assert.equal(
		describeSession({ ...session, statement: "UPDATE workspaces\n\tSET error_message = 'secret' WHERE id = 5" }),
		"session 7 (ada@10.0.0.1, for 3 s: UPDATE workspaces SET error_message = '…' WHERE id = …)",
	);
	assert.equal(describeSession({ ...session, seconds: "-1", statement: null }), "session 7 (ada@10.0.0.1, for 0 s)");
	assert.equal(describeSession({ ...session, seconds: null, statement: null }), "session 7 (ada@10.0.0.1, for ? s)");
	const long = describeSession({ ...session, statement: `SELECT ${"a, ".repeat(100)}b FROM t` });
	assert.match(long, /: SELECT a, .{90}…\)$/);
});

test("the statement of another session is visible to its user", () =>
	withDatabase(async (database, dataSource) => {
		const other = await createConnection({ uri: database.url });
		const queryRunner = dataSource.createQueryRunner();
		try {
			const running = other.query("SELECT SLEEP(20), 'secret'").catch(() => undefined);
			const find = async () =>
				(await visibleSessions(queryRunner)).find(({ id, statement }) => Number(id) === other.threadId && statement);
			let found = await find();
			while (!found) found = await find();
			assert.match(describeSession(found), /: SELECT SLEEP\(…\), '…'\)$/);
			await database.connection.query(`KILL QUERY ${other.threadId}`);
			await running;
		} finally {
			await queryRunner.release();
			await other.end();
		}
	}));
