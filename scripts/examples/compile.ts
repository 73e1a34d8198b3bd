import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { SourceFile } from "../lint/project";
import { PROJECT } from "../lint/sources";
import { type Example, exportsOf } from "./read";

/** Where the names come from that an example uses without importing them. */
const MODULES = {
	"dployr-workspaces-db": "src/index.ts",
	"dployr-workspaces-db/testing": "src/testing/index.ts",
	"#context": "scripts/examples/context.ts",
};
const OTHERS = { "node:crypto": ["randomBytes"], typeorm: ["DataSource", "MoreThan"] };

/** Every complaint of the compiler's about an example, with the example's place. */
export function compileExamples(files: readonly SourceFile[], examples: readonly Example[]): string[] {
	const folder = mkdtempSync(path.join(tmpdir(), "dployr-examples-"));
	try {
		const known = namesByModule(files);
		for (const [index, example] of examples.entries()) {
			writeFileSync(path.join(folder, `${index}.ts`), programOf(example, known));
		}
		writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(configuration()));
		const compiler = path.join(PROJECT, "node_modules", ".bin", "tsc");
		const { status, stdout } = spawnSync(compiler, ["-p", folder, "--pretty", "false"], { encoding: "utf8" });
		const problems = stdout.split("\n").filter(Boolean);
		if (status !== 0 && problems.length === 0) throw new Error("The compiler failed without a message");
		return problems.map((problem) => withPlace(problem, examples));
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function configuration() {
	const paths = Object.entries(MODULES).map(([name, file]) => [name, [path.join(PROJECT, file)]]);
	return {
		extends: path.join(PROJECT, "tsconfig.json"),
		compilerOptions: {
			noUnusedLocals: false,
			noUnusedParameters: false,
			rootDir: "/",
			typeRoots: [path.join(PROJECT, "node_modules", "@types")],
			paths: { ...Object.fromEntries(paths), typeorm: [path.join(PROJECT, "node_modules", "typeorm")] },
		},
		include: ["*.ts"],
	};
}

function namesByModule(files: readonly SourceFile[]): [string, string[]][] {
	const ours = Object.entries(MODULES).map(([name, file]): [string, string[]] => [
		name,
		exportsOf(files, file).map((exported) => exported.name),
	]);
	return [...ours, ...Object.entries(OTHERS)];
}

/** The example's lines come after one that imports what they name. */
function programOf({ code }: Example, known: [string, string[]][]): string {
	const imports = known.map(([module, names]) => {
		const used = names.filter((name) => new RegExp(`(?<![.\\w])${name}\\b`).test(code));
		return `import { ${used.join(", ")} } from "${module}";`;
	});
	return `${imports.join(" ")} export async function example(): Promise<unknown> {\n${code}return undefined; }\n`;
}

function withPlace(problem: string, examples: readonly Example[]): string {
	const [, index, line, message] = /(\d+)\.ts\((\d+),\d+\): error (.*)$/.exec(problem) ?? [];
	const example = examples[Number(index)];
	return example ? `${example.file}:${example.line + Number(line) - 2}: ${message}` : problem;
}
