import assert from "node:assert/strict";
import path from "node:path";
import { describe, it } from "node:test";
import { lintMigrations, type MigrationSource, readMigrations } from "../../scripts/migrations/lint";
import { migrations } from "../../src/migrations";

const FOLDER = path.join(__dirname, "..", "..", "src", "migrations");

const GOOD = `import type { MigrationInterface, QueryRunner } from "typeorm";
import { alterTable } from "../schema";

export class AddNote1795478400001 implements MigrationInterface {
	readonly name = "AddNote1795478400001";

	async up(queryRunner: QueryRunner): Promise<void> {
		const parts = ["ADD COLUMN note INT NULL"];
		await alterTable(queryRunner, { table: "workspaces", what: [], parts, algorithm: "INSTANT" });
	}

	async down(queryRunner: QueryRunner): Promise<void> {
		// safety-assured: the column is this migration's own
		const parts = ["DROP COLUMN note"];
		await alterTable(queryRunner, { table: "workspaces", what: [], parts, algorithm: "INSTANT" });
	}
}
`;
const LIST = "export const migrations = [AddNote1795478400001];";

function lint(source: string, { file = "1795478400001-AddNote.ts", list = LIST } = {}): string[] {
	const migration: MigrationSource = { file, source };
	return lintMigrations([migration], list);
}

describe("the lint over migrations", () => {
	it("finds nothing in those of this package, and finds all of them", () => {
		const found = readMigrations(FOLDER);
		assert.equal(found.migrations.length, migrations.length);
		assert.deepEqual(lintMigrations(found.migrations, found.list), []);
	});

	it("finds nothing in a migration that keeps to the rules", () => assert.deepEqual(lint(GOOD), []));

	const BROKEN: Record<string, [string[], RegExp]> = {
		"another timestamp in the class": [
			lint(GOOD.replace("class AddNote1795478400001", "class AddNote1795478400002")),
			/exports/,
		],
		"another name property": [lint(GOOD.replace('name = "AddNote', 'name = "Other')), /has no name/],
		"a file without a timestamp": [lint(GOOD, { file: "AddNote.ts", list: "[]" }), /13 digits/],
		"a migration that is not listed": [lint(GOOD, { list: "export const migrations = [];" }), /not listed/],
		"an import of entities": [lint(`import { Workspace } from "../entities";\n${GOOD}`), /imports \.\.\/entities/],
		"an empty down": [
			lint(GOOD.replace(/\t\t\/\/ safety-assured[\s\S]*?\n\t\}/, "\t\t// nothing to do\n\t}")),
			/empty down/,
		],
		"a dropped column that nobody marked": [
			lint(GOOD.replace(/\t\t\/\/ safety-assured.*\n/, "")),
			/destructive.*DROP COLUMN/,
		],
		"a copying ALTER that nobody marked": [lint(GOOD.replace('algorithm: "INSTANT"', 'algorithm: "COPY"')), /blocking/],
		"a statement that a dry run would execute": [
			lint(GOOD.replace("const parts = [", 'await queryRunner.query("SET @a = 1");\n\t\tconst parts = [')),
			/uses queryRunner itself/,
		],
		"tables that are dropped unmarked": [
			lint(GOOD.replace("const parts = [", 'await dropTables(queryRunner, ["a"]);\n\t\tconst parts = [')),
			/destructive.*dropTables/,
		],
	};
	for (const [name, [problems, expected]] of Object.entries(BROKEN)) {
		it(`refuses ${name}`, () => {
			assert.equal(problems.length, 1, problems.join("\n"));
			assert.match(problems[0] ?? "", expected);
		});
	}

	it("refuses a list in another order, and two with one timestamp", () => {
		const other = { file: "1795478400002-AddNote.ts", source: GOOD.replaceAll("400001", "400002") };
		const first = { file: "1795478400001-AddNote.ts", source: GOOD };
		const swapped = "export const migrations = [AddNote1795478400002, AddNote1795478400001];";
		assert.match(lintMigrations([first, other], swapped).join(), /order/);
		const second = { file: "1795478400001-AddMore.ts", source: GOOD.replaceAll("AddNote", "AddMore") };
		assert.match(
			lintMigrations([first, second], "[AddNote1795478400001, AddMore1795478400001]").join(),
			/same timestamp/,
		);
	});
});
