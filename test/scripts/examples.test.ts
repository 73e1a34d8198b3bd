import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compileExamples } from "../../scripts/examples/compile";
import { lintExamples } from "../../scripts/examples/missing";
import { examplesOf, exportsOf } from "../../scripts/examples/read";
import { readSources } from "../../scripts/lint/sources";

const FILES = [
	{ file: "src/index.ts", source: 'export { first, type Result } from "./rooms";\nexport { Repo } from "./repo";\n' },
	{
		file: "src/rooms/index.ts",
		source: 'import { Result } from "./result";\nexport * as none from "x";\nexport { Result };\n',
	},
	{ file: "src/rooms/result.ts", source: "/** What comes of it. */\nexport interface Result {\n\tok: boolean;\n}\n" },
	{
		file: "src/repo.ts",
		source: `/**
 * Rows.
 *
 * @example
 * new Repo();
 */
@Entity("rows")
export class Repo {
	constructor(readonly name: string) {}

	/** Reads. */
	async find(id: number): Promise<Result[]> {
		if (id) {
			return [];
		}
	}

	/**
	 * Deletes.
	 *
	 * @example
	 * await new Repo().delete(7);
	 * // gone
	 *
	 * @throws Error
	 */
	delete<Id>(
		id: Id,
	): void {}

	override save(): void {}
	private hidden(): void {}
}
`,
	},
];
const withFirst = (source: string) =>
	FILES.map((one) => (one.file === "src/rooms/index.ts" ? { ...one, source: `${one.source}${source}` } : one));

describe("examples of docstrings", () => {
	test("are missing from a function, a method, and a type that a method gives back", () => {
		const files = withFirst("/** One. */\nexport function first(): void {\n}\n");
		assert.deepEqual(lintExamples(files, exportsOf(files, "src/index.ts")), [
			"src/rooms/index.ts: first has no @example",
			"src/rooms/result.ts: Result has no @example",
			"src/repo.ts: Repo.find has no @example",
		]);
	});

	test("are read with the place of their code", () => {
		assert.deepEqual(examplesOf(FILES), [
			{ file: "src/repo.ts", line: 5, code: "new Repo();\n" },
			{ file: "src/repo.ts", line: 22, code: "await new Repo().delete(7);\n// gone\n\n" },
		]);
	});

	test("are compiled, and a wrong one is named by its line", () => {
		const files = [...readSources("src"), ...readSources("scripts/examples")];
		const right = { file: "src/a.ts", line: 3, code: "const { status } = (await db.workspaces.findById(id)) ?? {};\n" };
		const wrong = { file: "src/b.ts", line: 7, code: "await openTestDatabase();\nawait db.workspaces.findByID(id);\n" };
		const problems = compileExamples(files, [right, wrong]);
		assert.equal(problems.length, 1, problems.join("\n"));
		assert.match(
			problems[0] ?? "",
			/^src\/b\.ts:8: TS2551: Property 'findByID' does not exist .* Did you mean 'findById'/,
		);
	});
});
