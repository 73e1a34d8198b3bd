import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { DataSource } from "typeorm";
import { IncompatibleSchemaError, MigrationError } from "../../src/errors";
import { type ConvergeOptions, converge, index, type TableShape } from "../../src/schema";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { startProxy, type Verdict } from "../../testing/proxy";
import { snapshot } from "../support/snapshot";
import { books } from "./tables";

const authors: TableShape = {
	...books,
	name: "authors",
	columns: books.columns.slice(0, 1),
	indexes: [],
	foreignKeys: [],
};

/** What an application has that runs migrations by TypeORM alone: nothing was planned, and nobody holds a lock. */
describe("converge on its own, under a plain DataSource", () => {
	let database: TestDatabase;
	let dataSource: DataSource;
	let proxy: Awaited<ReturnType<typeof startProxy>>;
	let decide: (sql: string) => Promise<unknown>;
	const lines: string[] = [];

	beforeEach(async () => {
		lines.length = 0;
		database = await createTestDatabase({ dashboardUsers: false });
		decide = async () => undefined;
		proxy = await startProxy(database, async (_, sql): Promise<Verdict> => {
			await decide(sql);
			return "forward";
		});
		const [{ version }] = (await database.rows("SELECT VERSION() AS version")) as [{ version: string }];
		const { username, password, name } = database;
		dataSource = await new DataSource({
			type: /mariadb/i.test(version) ? "mariadb" : "mysql",
			...{ host: "127.0.0.1", port: proxy.port, username, password, database: name },
			logger: {
				logQuery() {},
				logQueryError() {},
				logQuerySlow() {},
				logSchemaBuild() {},
				log() {},
				logMigration: (line: string) => void lines.push(line),
			},
		}).initialize();
	});
	afterEach(async () => {
		await dataSource.destroy();
		await proxy.close();
		await database.drop();
	});

	async function run(shapes: readonly TableShape[], options: ConvergeOptions = { create: true }): Promise<void> {
		const queryRunner = dataSource.createQueryRunner();
		try {
			await converge(queryRunner, shapes, options);
		} finally {
			await queryRunner.release();
		}
	}

	const isInspection = (sql: string) => sql.includes("information_schema.COLUMNS");

	it("makes tables, finds nothing more to do, and says so through the logger", async () => {
		await run([authors, books]);
		assert.deepEqual(lines, ["authors: created", "books: created"]);
		const made = await snapshot(database);
		assert.deepEqual(Object.keys(made), ["authors", "books", "typeorm_metadata"]);
		lines.length = 0;
		await run([authors, books]);
		assert.deepEqual(lines, ["authors: was there", "authors: as it was", "books: was there", "books: as it was"]);
		assert.deepEqual(await snapshot(database), made);
	});

	it("refuses what can't be brought to its shape, with every reason, before it changes anything", async () => {
		await run([authors, books]);
		await database.connection.query(
			`ALTER TABLE books MODIFY title TEXT NOT NULL, DROP INDEX unique_book, ADD INDEX held (author_id);
			ALTER TABLE books DROP FOREIGN KEY books_ibfk_1; INSERT INTO books (author_id, title) VALUES (9, 'x')`,
		);
		const before = await snapshot(database);
		await assert.rejects(run([authors, books], { create: true, parents: ["people"] }), (error: unknown) => {
			assert.ok(error instanceof IncompatibleSchemaError, String(error));
			assert.deepEqual(error.problems, [
				"the table people is missing; it belongs to the dashboard: start the dashboard once, then migrate",
				"books.title is text NOT NULL, expected varchar(100) NOT NULL",
				"1 row(s) of books have a author_id that is not in authors; correct or delete them",
			]);
			return true;
		});
		assert.deepEqual(await snapshot(database), before);
		await assert.rejects(run([{ ...books, name: "novels" }], { create: false }), /the table novels is missing/);
		assert.deepEqual(await snapshot(database), before);
	});

	it("inspects again before it refuses: somebody may be making the table just then", async () => {
		await run([authors, books]);
		await database.connection.query("ALTER TABLE books DROP COLUMN lent_at, MODIFY title VARCHAR(200) NOT NULL");
		let inspections = 0;
		decide = async (sql) => {
			if (isInspection(sql) && ++inspections === 3) {
				await database.connection.query("ALTER TABLE books MODIFY title VARCHAR(100) NOT NULL");
			}
		};
		await run([authors, books]);
		assert.ok(inspections >= 3);
		assert.deepEqual(await database.rows("SHOW COLUMNS FROM books LIKE 'lent_at'").then(({ length }) => length), 1);
	});

	it("gives up where another session keeps reverting what it does", async () => {
		await run([authors, books]);
		const revert = () => database.connection.query("ALTER TABLE books DROP INDEX idx_lent").catch(() => undefined);
		let rounds = 0;
		decide = async (sql) => {
			if (!isInspection(sql)) return;
			rounds++;
			await revert();
		};
		const shape = { ...books, indexes: [...books.indexes, index("idx_lent", "lent_at")] };
		await assert.rejects(run([shape]), (error: unknown) => {
			assert.ok(error instanceof MigrationError);
			assert.match(error.message, /another session keeps reverting these changes: books: add index idx_lent/);
			return true;
		});
		assert.ok(rounds > 3);
	});

	it("takes a table that somebody else made meanwhile for theirs", async () => {
		let isMade = false;
		decide = async (sql) => {
			if (!sql.startsWith("CREATE TABLE IF NOT EXISTS `authors`") || isMade) return;
			isMade = true;
			await database.connection.query("CREATE TABLE authors (id INT AUTO_INCREMENT PRIMARY KEY)");
		};
		await run([authors]);
		assert.ok(isMade);
		assert.deepEqual(lines, ["authors: was there", "authors: as it was"]);
		assert.deepEqual(await database.rows("SELECT `table` FROM typeorm_metadata"), []);
	});

	it("disclaims a table that it finds in another shape than it makes: a run was interrupted before it made it", async () => {
		await run([authors, books]);
		await database.connection.query("ALTER TABLE books DROP INDEX idx_genre");
		await run([authors, books]);
		assert.deepEqual(await database.rows("SELECT `table` AS owned FROM typeorm_metadata"), [{ owned: "authors" }]);
	});

	it("leaves the session as it found it", async () => {
		const queryRunner = dataSource.createQueryRunner();
		const variables = () =>
			queryRunner.query(
				"SELECT @@lock_wait_timeout, @@foreign_key_checks, @@sql_mode, @@sql_safe_updates, @@sql_notes, @@unique_checks",
			);
		await queryRunner.query("SET SESSION sql_safe_updates = 1, lock_wait_timeout = 77, foreign_key_checks = 0");
		const before = await variables();
		await converge(queryRunner, [authors, books], { create: true });
		assert.deepEqual(await variables(), before);
		await queryRunner.release();
	});
});
