import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { redactMessage, redactSql, withoutSecrets } from "../../src/mysql/redact";

/** A statement, and what is shown of it. */
const SQL: Readonly<Record<string, readonly [string, string]>> = {
	"a string": ["SELECT 'secret', a", "SELECT '…', a"],
	"a string in double quotes": ['SELECT "secret"', "SELECT '…'"],
	"a string with the start of a comment in it": ["SELECT 'a # b', 'a -- b', 'a /* b'", "SELECT '…', '…', '…'"],
	"an empty string": ["SELECT '', \"\"", "SELECT '…', '…'"],
	"a doubled quote in a string": ["SELECT 'a''secret', \"a\"\"secret\"", "SELECT '…', '…'"],
	"the other quote in a string": ["SELECT 'a\"b', a, \"c'd\"", "SELECT '…', a, '…'"],
	"an escaped quote in a string": ["SELECT 'a\\'secret', \"a\\\"secret\"", "SELECT '…', '…'"],
	"an escaped backslash at the end of a string": ["SELECT 'a\\\\', a", "SELECT '…', a"],
	"an escaped line break in a string": ["SELECT 'a\\\nsecret', \"a\\\nsecret\", a", "SELECT '…', '…', a"],
	"a string that is not closed": ["SELECT a, 'secret", "SELECT a, '…'"],
	"a string that ends in an escape": ["SELECT 'secret\\", "SELECT '…'"],
	"a string in double quotes that is not closed": ['SELECT a, "secret', "SELECT a, '…'"],
	"hexadecimal and binary strings": ["SELECT x'AB', X'ab', b'01', B'10'", "SELECT x'…', X'…', b'…', B'…'"],
	"a hexadecimal string with quotes and breaks in it": ["SELECT x'a''b\\'c\nd' + a", "SELECT x'…' + a"],
	"hexadecimal and binary numbers": ["SELECT 0xAB09, 0Xaf, 0b01, 0B10", "SELECT …, …, …, …"],
	numbers: ["SELECT 12, -3, 1.5, .5, 1e10, a FROM t1 LIMIT 7", "SELECT …, -…, …, .…, …, a FROM t1 LIMIT …"],
	"words that hold digits": ["SELECT a0xAB, a1, _2, $3, @v4, ä5 FROM t6", "SELECT a0xAB, a1, _2, $3, @v4, ä5 FROM t6"],
	"a word before a string": ["SELECT xx'secret'", "SELECT xx'…'"],
	"names in backticks": ["SELECT `it's`, `a``'b1` FROM `t 2`", "SELECT `it's`, `a``'b1` FROM `t 2`"],
	"a backslash in a name": ["SELECT `a\\`, 'secret'", "SELECT `a\\`, '…'"],
	"a name that is not closed": ["SELECT `a'b", "SELECT `a'b"],
	"a comment": ["SELECT a /* secret 'a */ + 'b'", "SELECT a   + '…'"],
	"a comment over two lines": ["SELECT a /* a\nb */ + a", "SELECT a   + a"],
	"a comment that is not closed": ["SELECT a /* secret", "SELECT a  "],
	"a comment of which the server runs what is in it": [
		"SELECT /*!50000 'secret' */ a, /*M!100000 'secret' */ b, /*! 'secret' */ c",
		"SELECT /*!50000 '…' */ a, /*M!100000 '…' */ b, /*! '…' */ c",
	],
	"a comment to the end of its line": ["SELECT a -- secret 'a\n, 'b'", "SELECT a  \n, '…'"],
	"a comment to the end of all": ["SELECT a --", "SELECT a  "],
	"two minuses that begin no comment": ["SELECT 1--1, 'a'", "SELECT …--…, '…'"],
	"a comment that # begins": ["SELECT a # secret 'a\n, 'b'", "SELECT a  \n, '…'"],
	"a statement that changes the schema": [
		"ALTER TABLE t ADD COLUMN a VARCHAR(9) DEFAULT 'x' COMMENT 'y'",
		"ALTER TABLE t ADD COLUMN a VARCHAR(9) DEFAULT 'x' COMMENT 'y'",
	],
	"an index's statement": [
		" create  unique\tindex i ON t (a) COMMENT 'x'",
		" create  unique\tindex i ON t (a) COMMENT 'x'",
	],
	"another index's statement": ["DROP INDEX i ON t COMMENT 'x'", "DROP INDEX i ON t COMMENT 'x'"],
	"a database's statement": ["CREATE DATABASE d COMMENT 'x'", "CREATE DATABASE d COMMENT 'x'"],
	"a statement that only looks like one of the schema": [
		"CREATE USER a IDENTIFIED BY 'x'",
		"CREATE USER a IDENTIFIED BY '…'",
	],
	"a statement that holds one of the schema": ["SELECT 'x', 'ALTER TABLE t'", "SELECT '…', '…'"],
	"a statement whose word goes on": ["CREATE TABLESPACE t ADD DATAFILE 'x'", "CREATE TABLESPACE t ADD DATAFILE '…'"],
	"a statement that runs words together": ["ALTERTABLE t SET a = 'x'", "ALTERTABLE t SET a = '…'"],
};

describe("a statement that is shown", () => {
	for (const [what, [sql, shown]] of Object.entries(SQL)) {
		it(`hides values and nothing else: ${what}`, () => assert.equal(redactSql(sql), shown));
	}

	it("is cut after 2,000 characters", () => {
		assert.equal(redactSql("a".repeat(2_000)), "a".repeat(2_000));
		assert.equal(redactSql("a".repeat(2_001)), `${"a".repeat(2_000)}…`);
		assert.equal(redactSql(`SELECT '${"1".repeat(3_000)}'`), "SELECT '…'");
		assert.ok(!redactSql(`SELECT ${"a, ".repeat(2_000)}'secret'`).includes("secret"));
	});

	it("may be as long as a server takes it", () => {
		const escaped = "\\'\\\\".repeat(2_400_000);
		assert.equal(redactSql(`INSERT INTO t VALUES ('${escaped}', 12)`), "INSERT INTO t VALUES ('…', …)");
		assert.equal(redactSql(`SELECT \`${"``".repeat(100_000)}`).length, 2_001);
		assert.equal(redactSql(`SELECT ${"'a',".repeat(100_000)}a`).length, 2_001);
		assert.equal(redactSql(`SELECT ${"a".repeat(400_000)}'secret'`).length, 2_001);
	});
});

/** A server's message with its number, and what is shown of it. */
const MESSAGES: Readonly<Record<string, readonly [string, number | undefined, string]>> = {
	"a duplicate": ["Duplicate entry 'secret' for key 't.name'", 1062, "Duplicate entry '…' for key 't.name'"],
	"a duplicate with quotes in it": [
		"Duplicate entry 'a'b' for key 'c' for key 'name'",
		1062,
		"Duplicate entry '…' for key 'name'",
	],
	"a wrong value": [
		"Incorrect integer value: 'secret' for column 'a' at row 12",
		1366,
		"Incorrect integer value: '…' for column 'a' at row 12",
	],
	"a wrong value of a full name": [
		"Incorrect integer value: 'x' for column `db-1`.`t$`.`a` at row 12",
		1366,
		"Incorrect integer value: '…' for column `db-1`.`t$`.`a` at row 12",
	],
	"a wrong value without its row": ["Incorrect value: 'x' for column 'a'", 1366, "Incorrect value: '…' for column 'a'"],
	"a wrong argument": [
		"Incorrect value: 'x' for function str_to_date",
		1411,
		"Incorrect value: '…' for function str_to_date",
	],
	"a truncated value": [
		"Truncated incorrect INTEGER value: 'x' at row 10",
		1292,
		"Truncated incorrect INTEGER value: '…' at row 10",
	],
	"a syntax error": ["You have an error near 'secret' at line 10", 1064, "You have an error near '…' at line 10"],
	"what stands in double quotes": ['Invalid JSON text: "Missing a name" at position 4', 3141, "Invalid JSON text: '…'"],
	"a trigger's own words": ["secret", 1644, "SIGNAL '…'"],
	"a message that quotes nothing": ["Lock wait timeout exceeded", 1205, "Lock wait timeout exceeded"],
	"a message that quotes names only": ["Column 'a' cannot be null", 1048, "Column 'a' cannot be null"],
	"a message of the network": ["connect ECONNREFUSED '127.0.0.1'", undefined, "connect ECONNREFUSED '127.0.0.1'"],
	"a message over several lines": ["  near 'a\n b' at\n\tline 3 ", 1064, "near '…' at line 3"],
	"an end that is not at the end": ["Value 'x' at row 1 is wrong", 1366, "Value '…'"],
};

describe("a server's message", () => {
	for (const [what, [message, errno, shown]] of Object.entries(MESSAGES)) {
		it(`hides values and nothing else: ${what}`, () => assert.equal(redactMessage(message, errno), shown));
	}
});

describe("an error of the driver", () => {
	const driverError = (properties: object) =>
		Object.assign(new Error("Duplicate entry 'secret' for key 'name'"), { errno: 1062, ...properties });

	it("loses its values in place, and nothing else", () => {
		const message = "Duplicate entry 'secret' for key 'name'";
		const error = driverError({ sqlState: "23000", code: "ER_DUP_ENTRY", sqlMessage: message, sql: "SELECT 'secret'" });
		error.stack = `Error: ${message}\n    at first (file.ts:1:1)\n    at second (file.ts:2:2)`;
		assert.equal(withoutSecrets(error), error);
		const shown = "Duplicate entry '…' for key 'name'";
		assert.equal(error.message, shown);
		assert.equal(error.stack, `Error: ${shown}\n    at first (file.ts:1:1)\n    at second (file.ts:2:2)`);
		const { sqlState, code, sqlMessage, sql, errno } = error as unknown as Record<string, unknown>;
		assert.deepEqual([sqlState, code, errno], ["23000", "ER_DUP_ENTRY", 1062]);
		assert.deepEqual([sqlMessage, sql], [shown, "SELECT '…'"]);
	});

	it("is a trigger's own where it has the state for that, whatever its number", () => {
		const error = Object.assign(new Error("no secret"), { errno: 1146, sqlState: "45000", sqlMessage: "no secret" });
		withoutSecrets(error);
		assert.equal(error.message, "SIGNAL '…'");
		assert.equal(error.sqlMessage, "SIGNAL '…'");
	});

	it("has no frames where it had none, and no properties that it had not", () => {
		const error = driverError({ sqlState: "23000" });
		error.stack = "Error: Duplicate entry 'secret' for key 'name'";
		withoutSecrets(error);
		assert.equal(error.stack, "Error: Duplicate entry '…' for key 'name'");
		assert.deepEqual(Object.keys(error).sort(), ["errno", "sqlState"]);
		const bare = driverError({ sqlState: "23000" });
		delete bare.stack;
		withoutSecrets(bare);
		assert.equal(bare.stack, undefined);
	});

	it("is the server's where it has a state or the server's message, and hides values without a number too", () => {
		const byMessage = driverError({ sqlMessage: "near 'secret'", errno: undefined });
		withoutSecrets(byMessage);
		assert.equal(byMessage.message, "Duplicate entry '…' for key 'name'");
		const ofNetwork = Object.assign(new Error("connect ENOENT '/run/mysqld.sock'"), { errno: -2 });
		withoutSecrets(ofNetwork);
		assert.equal(ofNetwork.message, "connect ENOENT '/run/mysqld.sock'");
	});

	it("is the one that keeps names where its number says so", () => {
		const error = Object.assign(new Error("Column 'a' cannot be null"), { errno: 1048, sqlState: "23000" });
		withoutSecrets(error);
		assert.equal(error.message, "Column 'a' cannot be null");
	});

	it("may be anything else, which stays", () => {
		for (const value of ["text 'a'", undefined, null, 7]) assert.equal(withoutSecrets(value), value);
	});
});
