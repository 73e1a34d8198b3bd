import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { migrate } from "../../src";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { openPlainDataSource } from "../../testing/dataSource";
import { CONTRACT } from "../support/contract";

/** What TypeORM keeps beside them, and the application's own. */
const OTHER_TABLES = ["dashboard_users", "migrations", "typeorm_metadata"];

let database: TestDatabase;
let mariadb: boolean;

interface Column {
	name: string;
	type: string;
	nullable: "YES" | "NO";
	fallback: string | null;
	extra: string;
	expression: string | null;
}

async function columnsOf(table: string): Promise<string[]> {
	const columns = await database.rows<Column>(
		`SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, IS_NULLABLE AS nullable, COLUMN_DEFAULT AS fallback,
			EXTRA AS extra, GENERATION_EXPRESSION AS expression
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
		[table],
	);
	return columns.map(columnLine);
}

function columnLine({ name, type, nullable, fallback, extra, expression }: Column): string {
	// The display width of integers says nothing; JSON is LONGTEXT on MariaDB, with a CHECK that has a test of its own.
	const bare = mariadb && type === "longtext" ? "json" : type.replace(/^(tiny)?int\(\d+\)$/, "$1int");
	const words = [name, bare, nullable === "YES" ? "NULL" : "NOT NULL"];
	const value = defaultOf(bare, fallback);
	if (value !== null) words.push("DEFAULT", value);
	const extras = extra.toUpperCase().replace("CURRENT_TIMESTAMP()", "CURRENT_TIMESTAMP");
	words.push(extras.replace("DEFAULT_GENERATED", "").replace("GENERATED", "").trim());
	// MySQL puts brackets around each operand.
	if (expression) words.push("AS", expression.toLowerCase().replace("(`user_id` is null)", "user_id is null"));
	return words.join(" ").replaceAll("`", "").trim();
}

function defaultOf(type: string, fallback: string | null): string | null {
	if (fallback === null || (mariadb && fallback === "NULL")) return null;
	if (/^current_timestamp(\(\))?$/i.test(fallback)) return "CURRENT_TIMESTAMP";
	return mariadb || type === "int" ? fallback : `'${fallback}'`;
}

async function indexesOf(table: string): Promise<string[]> {
	const indexes = await database.rows<{ line: string }>(
		`SELECT CONCAT(INDEX_NAME, IF(NON_UNIQUE, '', ' UNIQUE'), ' (',
			GROUP_CONCAT(COLUMN_NAME, IFNULL(CONCAT(' prefix ', SUB_PART), ''), IF(COLLATION = 'A', '', ' DESC')
				ORDER BY SEQ_IN_INDEX SEPARATOR ', '),
			')', IF(INDEX_TYPE = 'BTREE', '', INDEX_TYPE)) AS line
		FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?
		GROUP BY INDEX_NAME, NON_UNIQUE, INDEX_TYPE`,
		[table],
	);
	return indexes.map((index) => index.line).sort();
}

async function foreignKeysOf(table: string): Promise<string[]> {
	const keys = await database.rows<{ line: string }>(
		`SELECT CONCAT(k.CONSTRAINT_NAME, ' ', k.COLUMN_NAME, ' -> ', k.REFERENCED_TABLE_NAME, '.',
			k.REFERENCED_COLUMN_NAME, ' ON DELETE ', r.DELETE_RULE, ' ON UPDATE ', r.UPDATE_RULE) AS line
		FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
			ON r.CONSTRAINT_SCHEMA = k.TABLE_SCHEMA AND r.TABLE_NAME = k.TABLE_NAME
			AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
		WHERE k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME = ?`,
		[table],
	);
	return keys.map((key) => key.line).sort();
}

describe("the schema of a fresh database", () => {
	before(async () => {
		database = await createTestDatabase();
		const dataSource = await openPlainDataSource(database);
		await migrate(dataSource).finally(() => dataSource.destroy());
		const [server] = await database.rows<{ version: string }>("SELECT VERSION() AS version");
		mariadb = /mariadb/i.test(server?.version ?? "");
	});
	after(() => database.drop());

	it("has the five tables, on InnoDB and in utf8mb4, and nothing else of its own", async () => {
		const tables = await database.rows<{ name: string; engine: string; collation: string }>(
			`SELECT TABLE_NAME AS name, ENGINE AS engine, TABLE_COLLATION AS collation
			FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()`,
		);
		const names = tables.map((table) => table.name).sort();
		assert.deepEqual(names, [...Object.keys(CONTRACT), ...OTHER_TABLES].sort());
		for (const table of tables.filter(({ name }) => name in CONTRACT)) {
			assert.deepEqual({ ...table }, { name: table.name, engine: "InnoDB", collation: "utf8mb4_unicode_ci" });
		}
	});

	for (const [table, contract] of Object.entries(CONTRACT)) {
		it(`has the columns of ${table}`, async () => assert.deepEqual(await columnsOf(table), contract.columns));
		it(`has the indexes of ${table}`, async () => assert.deepEqual(await indexesOf(table), contract.indexes));
		it(`has the foreign keys of ${table}`, async () =>
			assert.deepEqual(await foreignKeysOf(table), contract.foreignKeys));
	}

	it("keeps every text in utf8mb4", async () => {
		const texts = await database.rows<{ place: string }>(
			`SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS place FROM information_schema.COLUMNS
			WHERE TABLE_SCHEMA = DATABASE() AND COLLATION_NAME = 'utf8mb4_unicode_ci' AND TABLE_NAME IN (?)`,
			[Object.keys(CONTRACT)],
		);
		const expected = Object.entries(CONTRACT).flatMap(([table, { columns }]) =>
			columns.flatMap((column) => (/ (varchar|enum|text)/.test(column) ? [`${table}.${column.split(" ")[0]}`] : [])),
		);
		assert.deepEqual(texts.map((text) => text.place).sort(), expected.sort());
	});

	it("checks that details are JSON, and nothing else", async () => {
		const checks = await database.rows<{ clause: string }>(
			"SELECT CHECK_CLAUSE AS clause FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()",
		);
		const clauses = checks.map((check) => check.clause);
		assert.deepEqual(clauses, mariadb ? ["json_valid(`details`)"] : []);
	});
});
