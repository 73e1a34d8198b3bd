import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applyClause, createdTable, doneText } from "../../src/schema/clause";
import { difference } from "../../src/schema/difference";
import {
	type ActualColumn,
	foreignKey,
	index,
	notNull,
	nullable,
	type Server,
	type TableShape,
	unique,
	virtual,
} from "../../src/schema/shape";
import { statementsOf } from "../../src/schema/statements";
import { actual, actualColumn, actualIndex, actualKey, books, columnsWith } from "./tables";

const MARIADB: Server = { family: "mariadb", collation: "utf8mb4_unicode_ci" };
const MYSQL: Server = { family: "mysql", collation: "utf8mb4_unicode_ci" };

/** The statements that bring a table to its shape, as far as they are not the same for each. */
function alters(table: ReturnType<typeof actual>, shape: TableShape = books, server = MARIADB) {
	return statementsOf(table, difference(table, shape).clauses, server).map(({ parts, algorithm, what }) => ({
		parts,
		algorithm,
		what,
	}));
}

function problems(table: ReturnType<typeof actual>, shape: TableShape = books): readonly string[] {
	return difference(table, shape).problems;
}

describe("a table", () => {
	it("that is as wanted needs nothing", () => {
		assert.deepEqual(difference(actual(), books), { clauses: [], guards: [], problems: [], notes: [] });
	});

	it("that this module just made needs nothing", () => {
		assert.deepEqual(difference(createdTable(books, MYSQL), books), {
			clauses: [],
			guards: [],
			problems: [],
			notes: [],
		});
		assert.equal(createdTable(books, MYSQL).engine, "InnoDB");
		assert.equal(createdTable(books, MYSQL).collation, MYSQL.collation);
		assert.equal(createdTable(books, MYSQL).rows, 0);
	});

	it("in a view's place, of another engine or with another key is refused, whatever else differs", () => {
		const columns = columnsWith("title", { type: "text" });
		assert.deepEqual(problems(actual(books, { engine: null, columns })), [
			"books is a view, expected a table; rename or drop it",
		]);
		assert.deepEqual(problems(actual(books, { engine: "MyISAM", columns })), [
			"books uses the engine MyISAM, expected InnoDB (ALTER TABLE `books` ENGINE=InnoDB)",
		]);
		assert.deepEqual(problems(actual(books, { primaryKey: ["id", "title"], columns })), [
			"books has the primary key (id, title), expected (id)",
		]);
		assert.deepEqual(problems(actual(books, { primaryKey: ["ID"] })), []);
	});

	it("in another character set differs in nothing that is to be changed unasked", () => {
		const { notes, clauses } = difference(actual(books, { collation: "latin1_swedish_ci" }), books);
		assert.deepEqual([clauses, notes], [[], []]);
	});
});

describe("a column", () => {
	it("that may be NULL is added where the shape has it, others with it in one statement", () => {
		const shape = {
			...books,
			columns: [nullable("shelf", "int", "3"), ...books.columns, nullable("note", "text")],
		};
		assert.deepEqual(alters(actual(), shape), [
			{
				parts: ["ADD COLUMN `shelf` int NULL DEFAULT 3", "ADD COLUMN `note` text NULL AFTER `lent_at`"],
				algorithm: "INSTANT",
				what: ["add column shelf", "add column note"],
			},
		]);
	});

	it("that is generated is added last, each in a statement of its own", () => {
		const shape = {
			...books,
			columns: [...books.columns, virtual("a", "int", "id + 1"), virtual("b", "int", "id + 2"), nullable("c", "int")],
		};
		assert.deepEqual(
			alters(actual(), shape).map(({ parts }) => parts),
			[
				["ADD COLUMN `c` int NULL AFTER `b`"],
				["ADD COLUMN `a` int GENERATED ALWAYS AS (id + 1) VIRTUAL"],
				["ADD COLUMN `b` int GENERATED ALWAYS AS (id + 2) VIRTUAL"],
			],
		);
	});

	it("that must not be NULL is not added: nobody knows its values", () => {
		assert.deepEqual(problems(actual(books, { columns: columnsWith("title", null) })), [
			"books.title is missing, expected varchar(100) NOT NULL",
		]);
		assert.deepEqual(problems(actual(books, { columns: columnsWith("id", null) })), [
			"books.id is missing, expected int NOT NULL AUTO_INCREMENT",
		]);
	});

	it("is found whatever the case of its name", () => {
		assert.deepEqual(alters(actual(books, { columns: columnsWith("lent_at", { name: "Lent_At" }) })), []);
	});

	const INCOMPATIBLE: Record<string, [Partial<ActualColumn>, string]> = {
		"of another type": [{ type: "bigint" }, "bigint NOT NULL"],
		"that is too wide": [{ type: "varchar(101)" }, "varchar(101) NOT NULL"],
		"of bytes in place of text": [{ type: "varbinary(10)" }, "varbinary(10) NOT NULL"],
		"that counts": [{ autoIncrement: true }, "varchar(100) NOT NULL AUTO_INCREMENT"],
		"that is generated": [{ generated: "'x'" }, "varchar(100) NOT NULL generated as 'x'"],
	};
	for (const [what, [change, found]] of Object.entries(INCOMPATIBLE)) {
		it(`${what} is refused`, () => {
			assert.deepEqual(problems(actual(books, { columns: columnsWith("title", change) })), [
				`books.title is ${found}, expected varchar(100) NOT NULL`,
			]);
		});
	}

	it("that is too short is widened in place", () => {
		assert.deepEqual(alters(actual(books, { columns: columnsWith("title", { type: "varchar(99)" }) })), [
			{
				parts: ["MODIFY COLUMN `title` varchar(100) NOT NULL"],
				algorithm: "INPLACE",
				what: ["column title is varchar(100) instead of varchar(99)"],
			},
		]);
	});

	it("with another default, ON UPDATE or fewer ENUM values changes without a rebuild, all in one statement", () => {
		const columns = columnsWith("genre", { type: "enum('novel')", default: null }).map((column) =>
			column.name === "lent_at" ? { ...column, default: "CURRENT_TIMESTAMP", onUpdate: true } : column,
		);
		assert.deepEqual(alters(actual(books, { columns })), [
			{
				parts: [
					"MODIFY COLUMN `genre` enum('novel','essay') NULL DEFAULT 'novel'",
					"MODIFY COLUMN `lent_at` timestamp NULL",
				],
				algorithm: "INSTANT",
				what: [
					"column genre takes the value essay",
					"column genre has the default novel",
					"column lent_at has no default",
					"column lent_at is no longer set by every update",
				],
			},
		]);
		const shape = {
			...books,
			columns: books.columns.map((column) =>
				column.name === "lent_at" ? { ...column, default: "CURRENT_TIMESTAMP", onUpdate: true } : column,
			),
		};
		assert.deepEqual(alters(actual(), shape), [
			{
				parts: ["MODIFY COLUMN `lent_at` timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"],
				algorithm: "INSTANT",
				what: ["column lent_at has the default CURRENT_TIMESTAMP", "column lent_at is set by every update"],
			},
		]);
	});

	it("keeps further ENUM values of a database, in its order, with a note", () => {
		const { clauses, notes } = difference(
			actual(books, { columns: columnsWith("genre", { type: "enum('poem','it''s','novel')" }) }),
			books,
		);
		assert.deepEqual(notes, ["column genre keeps further values: poem, it''s"]);
		const [clause] = clauses;
		assert.equal(clause?.kind === "modifyColumn" && clause.column.type, "enum('poem','it''s','novel','essay')");
		const known = difference(
			actual(books, { columns: columnsWith("genre", { type: "enum('essay','novel','poem')" }) }),
			books,
		);
		assert.deepEqual(known.clauses, []);
		assert.equal(known.notes.length, 1);
	});

	it("changes its nullability in place: to NOT NULL only where no row is in the way", () => {
		const columns = columnsWith("title", { nullable: true });
		assert.deepEqual(alters(actual(books, { columns })), [
			{
				parts: ["MODIFY COLUMN `title` varchar(100) NOT NULL"],
				algorithm: "INPLACE",
				what: ["column title must not be NULL"],
			},
		]);
		assert.deepEqual(difference(actual(books, { columns }), books).guards, [
			{
				sql: "SELECT COUNT(*) AS found FROM `books` WHERE `title` IS NULL",
				problem: "row(s) of books have no title, which must not be NULL; fill them in or delete them",
			},
		]);
		const loosened = actual(books, { columns: columnsWith("lent_at", { nullable: false }) });
		assert.deepEqual(alters(loosened)[0]?.what, ["column lent_at may be NULL"]);
		assert.equal(alters(loosened)[0]?.algorithm, "INPLACE");
		assert.deepEqual(difference(loosened, books).guards, []);
	});

	it("keeps its comment, character set and collation", () => {
		const columns = columnsWith("title", {
			type: "varchar(9)",
			comment: "the owner's \\ note",
			characterSet: "utf8mb4",
			collation: "utf8mb4_bin",
		});
		assert.deepEqual(alters(actual(books, { columns }))[0]?.parts, [
			"MODIFY COLUMN `title` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'the owner''s \\\\ note'",
		]);
		assert.deepEqual(alters(actual(books, { columns: columnsWith("title", { comment: "x", collation: "y" }) })), []);
	});

	it("whose expression the server rewrote is the same", () => {
		const shape = { ...books, columns: [...books.columns, virtual("twice", "int", "IF(id IS NULL, 1, NULL)")] };
		const found = virtual("twice", "int", "if((`id` is null),1,NULL)");
		const columns = [...actual().columns, actualColumn({ ...found, default: "x" })];
		assert.deepEqual(alters(actual(books, { columns }), shape), []);
		assert.deepEqual(
			problems(actual(books, { columns: [...actual().columns, actualColumn(virtual("twice", "int", "1"))] }), shape),
			["books.twice is int NULL generated as 1, expected int NULL generated as IF(id IS NULL, 1, NULL)"],
		);
	});
});

describe("an index", () => {
	const without = (name: string) => actual().indexes.filter((one) => one.name !== name);

	it("that is missing is added; a unique one only where no values repeat", () => {
		const { guards } = difference(actual(books, { indexes: [] }), books);
		assert.deepEqual(alters(actual(books, { indexes: [], foreignKeys: [] }), { ...books, foreignKeys: [] }), [
			{
				parts: ["ADD UNIQUE INDEX `unique_book` (`author_id`, `title`)", "ADD INDEX `idx_genre` (`genre`)"],
				algorithm: "INPLACE",
				what: ["add unique index unique_book", "add index idx_genre"],
			},
		]);
		assert.deepEqual(guards, [
			{
				sql:
					"SELECT COUNT(*) AS found FROM (SELECT 1 FROM `books` WHERE `author_id` IS NOT NULL AND `title` IS NOT NULL " +
					"GROUP BY `author_id`, `title` HAVING COUNT(*) > 1) AS duplicates",
				problem: "value(s) of (author_id, title) stand in several rows of books, expected each once; merge them",
			},
		]);
	});

	it("that is unique is refused on a system-versioned table, whose history may repeat values", () => {
		const found = difference(actual(books, { indexes: [], isVersioned: true }), books);
		assert.deepEqual(found.problems, [
			"books is system-versioned, and its history may repeat what the unique index unique_book forbids; " +
				"drop the versioning first (ALTER TABLE `books` DROP SYSTEM VERSIONING)",
		]);
		assert.deepEqual(problems(actual(books, { isVersioned: true })), []);
	});

	it("on a generated column is not asked about: the column is not there yet", () => {
		const shape = {
			...books,
			columns: [...books.columns, virtual("only", "int", "1")],
			indexes: [...books.indexes, unique("unique_only", "only")],
		};
		assert.deepEqual(difference(actual(), shape).guards, []);
	});

	it("of another name is renamed, each once, and the owner's others stay", () => {
		const indexes = [
			...without("idx_genre"),
			actualIndex(index("by_genre", "GENRE")),
			actualIndex(index("by_genre_too", "genre")),
		];
		assert.deepEqual(alters(actual(books, { indexes })), [
			{
				parts: ["RENAME INDEX `by_genre` TO `idx_genre`"],
				algorithm: "INPLACE",
				what: ["rename index by_genre to idx_genre"],
			},
		]);
		const twice = { ...books, indexes: [...books.indexes, index("idx_more", "genre")] };
		assert.deepEqual(alters(actual(books, { indexes }), twice)[0]?.parts, [
			"RENAME INDEX `by_genre` TO `idx_genre`",
			"RENAME INDEX `by_genre_too` TO `idx_more`",
		]);
	});

	it("of another kind, order or uniqueness is not taken for the one that is missing", () => {
		for (const other of [
			actualIndex(index("by_genre", "genre"), { isPlain: false }),
			actualIndex(unique("by_genre", "genre")),
			actualIndex(index("by_genre", "genre", "title")),
		]) {
			assert.deepEqual(alters(actual(books, { indexes: [...without("idx_genre"), other] }))[0]?.parts, [
				"ADD INDEX `idx_genre` (`genre`)",
			]);
		}
	});

	it("of the right name on something else is rebuilt in one statement", () => {
		const indexes = [...without("idx_genre"), actualIndex(index("idx_genre", "title"))];
		assert.deepEqual(alters(actual(books, { indexes })), [
			{
				parts: ["DROP INDEX `idx_genre`", "ADD INDEX `idx_genre` (`genre`)"],
				algorithm: "INPLACE",
				what: ["rebuild index idx_genre"],
			},
		]);
		const loose = [...without("unique_book"), actualIndex(index("unique_book", "author_id", "title"))];
		assert.deepEqual(alters(actual(books, { indexes: loose }))[0]?.what, ["rebuild unique index unique_book"]);
		assert.equal(difference(actual(books, { indexes: loose }), books).guards.length, 1);
	});

	it("that the server made for a foreign key is made anew, once, where another comes that could serve the key", () => {
		const shape = {
			...books,
			indexes: [...books.indexes, index("idx_a", "author_id", "genre"), index("idx_b", "author_id", "lent_at")],
		};
		const own = actualIndex(index("author_id", "author_id"));
		const table = actual(books, { indexes: [...actual().indexes, own] });
		assert.deepEqual(alters(table, shape), [
			{
				parts: [
					"DROP INDEX `author_id`",
					"ADD INDEX `author_id` (`author_id`)",
					"ADD INDEX `idx_a` (`author_id`, `genre`)",
					"ADD INDEX `idx_b` (`author_id`, `lent_at`)",
				],
				algorithm: "INPLACE",
				what: ["add index idx_a", "add index idx_b"],
			},
		]);
		const free = alters({ ...table, foreignKeys: [] }, { ...shape, foreignKeys: [] });
		assert.equal(free[0]?.parts.length, 2, "no key needs it");
		const owners = actual(books, { indexes: [...actual().indexes, { ...own, isPlain: false }] });
		assert.equal(alters(owners, shape)[0]?.parts.length, 2, "the owner's is not touched");
	});
});

describe("a foreign key", () => {
	const key = books.foreignKeys[0] ?? assert.fail();
	const keyed = (...keys: ReturnType<typeof actualKey>[]) => actual(books, { foreignKeys: keys });
	const ADD = "ADD CONSTRAINT `books_ibfk_1` FOREIGN KEY (`author_id`) REFERENCES `authors` (`id`) ON DELETE CASCADE";

	it("that is missing is added in place, without a check that would copy, where each row has a parent", () => {
		const { clauses, guards } = difference(keyed(), books);
		const [{ partsOn, ...statement } = assert.fail("no statement"), ...more] = statementsOf(keyed(), clauses, MARIADB);
		assert.deepEqual(more, []);
		assert.match(partsOn?.("copy").join() ?? "", /^ADD [^,]*REFERENCES `copy`[^,]*$/);
		assert.deepEqual(statement, {
			kind: "alter",
			table: "books",
			what: ["add foreign key books_ibfk_1"],
			parts: [ADD],
			algorithm: "INPLACE",
			skipForeignKeyChecks: true,
			rows: 7,
		});
		assert.deepEqual(guards, [
			{
				sql:
					"SELECT COUNT(*) AS found FROM `books` AS child LEFT JOIN `authors` AS parent ON parent.id = child.`author_id` " +
					"WHERE child.`author_id` IS NOT NULL AND parent.id IS NULL",
				problem: "row(s) of books have a author_id that is not in authors; correct or delete them",
			},
		]);
	});

	it("on MySQL states what happens on an update, which MariaDB would store as something else", () => {
		const [statement] = statementsOf(keyed(), difference(keyed(), books).clauses, MYSQL);
		assert.deepEqual(statement?.parts, [`${ADD} ON UPDATE RESTRICT`]);
	});

	it("on a column that is still to come asks nothing of the rows", () => {
		const shape: TableShape = {
			...books,
			columns: [...books.columns, nullable("editor_id", "int")],
			foreignKeys: [key, foreignKey("books_ibfk_2", "editor_id", "authors", "SET NULL")],
		};
		assert.deepEqual(difference(actual(), shape).guards, []);
	});

	it("of another name, or with other actions under a server's name, is replaced in one statement", () => {
		const named = keyed(actualKey({ ...key, name: "b1", onUpdate: "NO ACTION" }));
		assert.deepEqual(alters(named), [
			{
				parts: ["DROP FOREIGN KEY `b1`", ADD],
				algorithm: "INPLACE",
				what: ["replace foreign key b1 by books_ibfk_1"],
			},
		]);
		for (const name of ["books_ibfk_7", "7"]) {
			const other = keyed(actualKey({ ...key, name, onDelete: "SET NULL" }));
			assert.deepEqual(alters(other)[0]?.parts, [`DROP FOREIGN KEY \`${name}\``, ADD]);
		}
		assert.deepEqual(difference(named, books).guards, []);
	});

	it("of the right name with other actions goes through a second name: no moment is without a key", () => {
		const found = keyed(actualKey({ ...key, onDelete: "RESTRICT" }));
		assert.deepEqual(
			alters(found).map(({ parts, what }) => ({ parts, what })),
			[
				{
					parts: ["DROP FOREIGN KEY `books_ibfk_1`", ADD.replace("books_ibfk_1", "books_ibfk_1_swap")],
					what: [],
				},
				{
					parts: ["DROP FOREIGN KEY `books_ibfk_1_swap`", ADD],
					what: ["foreign key books_ibfk_1 is ON DELETE CASCADE instead of RESTRICT"],
				},
			],
		);
	});

	it("of the owner's is never dropped: with other actions it stays beside, and one that has the name is refused", () => {
		const owners = actualKey({ ...key, name: "own", onDelete: "RESTRICT" });
		assert.deepEqual(alters(keyed(owners))[0]?.parts, [ADD]);
		const elsewhere = actualKey(foreignKey(key.name, "shelf", "shelves", "CASCADE"));
		assert.deepEqual(problems(keyed(elsewhere)), [
			"books has another foreign key named books_ibfk_1, on shelf; give it another name " +
				"(ALTER TABLE `books` DROP FOREIGN KEY `books_ibfk_1`, ADD CONSTRAINT … FOREIGN KEY …)",
		]);
		const composite = actualKey({ ...key, name: "books_ibfk_9" }, { isPlain: false });
		assert.deepEqual(alters(keyed(composite))[0]?.parts, [ADD]);
		const moved = actualKey({ ...key, name: "other", references: "people" });
		assert.deepEqual(alters(keyed(moved))[0]?.parts, [ADD]);
	});

	it("that is replaced keeps the index that the server made for it", () => {
		const shape = { ...books, indexes: [index("author_id", "author_id"), ...books.indexes] };
		const table = actual(shape, { foreignKeys: [actualKey({ ...key, name: "b1" })] });
		assert.deepEqual(alters(table, shape)[0]?.parts, [
			"DROP FOREIGN KEY `b1`",
			"DROP INDEX `author_id`",
			"ADD INDEX `author_id` (`author_id`)",
			ADD,
		]);
		const missing = actual(shape, { foreignKeys: [] });
		assert.deepEqual(alters(missing, shape)[0]?.parts, [ADD], "nothing is dropped where a key is only added");
	});
});

describe("statements", () => {
	it("come in an order in which each finds what it needs, and say how many rows the table has", () => {
		const found = actual(books, {
			columns: columnsWith("lent_at", null).map((column) =>
				column.name === "title"
					? { ...column, type: "varchar(9)" }
					: column.name === "genre"
						? { ...column, default: null }
						: column,
			),
			indexes: [],
			foreignKeys: [],
		});
		const shape = { ...books, columns: [...books.columns, virtual("only", "int", "1")] };
		const statements = statementsOf(found, difference(found, shape).clauses, MARIADB);
		assert.deepEqual(
			statements.map(({ parts, algorithm, rows }) => [parts[0]?.slice(0, 26), algorithm, rows]),
			[
				["ADD COLUMN `lent_at` times", "INSTANT", 7],
				["ADD COLUMN `only` int GENE", "INSTANT", 7],
				["MODIFY COLUMN `genre` enum", "INSTANT", 7],
				["MODIFY COLUMN `title` varc", "INPLACE", 7],
				["ADD UNIQUE INDEX `unique_b", "INPLACE", 7],
				["ADD CONSTRAINT `books_ibfk", "INPLACE", 7],
			],
		);
	});

	it("leave a table, once carried out, that needs nothing more", () => {
		const key = books.foreignKeys[0] ?? assert.fail();
		const found = actual(books, {
			columns: columnsWith("genre", { type: "enum('poem')", default: null }).filter(({ name }) => name !== "lent_at"),
			indexes: [actualIndex(index("idx_genre", "title")), actualIndex(unique("u", "author_id", "title"))],
			foreignKeys: [actualKey({ ...key, name: "b1" }), actualKey(foreignKey("own", "id", "x", "CASCADE"))],
		});
		const { clauses } = difference(found, books);
		assert.deepEqual(
			new Set(clauses.map(({ kind }) => kind)),
			new Set(["addColumn", "modifyColumn", "renameIndex", "rebuildIndex", "replaceForeignKey"]),
		);
		const after = clauses.reduce(applyClause, found);
		assert.deepEqual(difference(after, books).clauses, []);
		assert.deepEqual(
			after.columns.map(({ name }) => name),
			books.columns.map(({ name }) => name),
		);
		assert.ok(after.foreignKeys.some(({ name }) => name === "own"));
		const bare = actual(books, { indexes: [], foreignKeys: [] });
		assert.deepEqual(difference(difference(bare, books).clauses.reduce(applyClause, bare), books).clauses, []);
	});

	it("of a key on a column that must not be NULL are the same for each server but for ON UPDATE", () => {
		const shape = { ...books, columns: [...books.columns, notNull("x", "int")] };
		assert.deepEqual(problems(actual(), shape), ["books.x is missing, expected int NOT NULL"]);
	});
});

describe("the text of a step that is done", () => {
	const TEXTS = {
		"add index idx_a": "added index idx_a",
		"change column a": "changed column a",
		"convert from utf8mb3 to utf8mb4": "converted from utf8mb3 to utf8mb4",
		create: "created",
		"delete the rows with a": "deleted the rows with a",
		"drop column add": "dropped column add",
		"rebuild index idx_a": "rebuilt index idx_a",
		"rename index a to b": "renamed index a to b",
		"replace foreign key a by b": "replaced foreign key a by b",
		"column a must not be NULL": "column a must not be NULL",
	};
	for (const [what, done] of Object.entries(TEXTS)) {
		it(`of "${what}" is "${done}"`, () => assert.equal(doneText(what), done));
	}
});
