import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { getMetadataArgsStorage } from "typeorm";
import { entities } from "../src/entities";
import { lintEntities, lintHiddenImports, lintTableNames, type SourceFile } from "./lint/project";
import { lintMigrations, readMigrations } from "./migrations/lint";

const PROJECT = path.join(__dirname, "..");

/** Every TypeScript file of a folder, at any depth. */
function readSources(folder: string): SourceFile[] {
	return readdirSync(path.join(PROJECT, folder), { recursive: true, encoding: "utf8" })
		.filter((name) => /\.[mc]?ts$/.test(name) && !name.includes("node_modules"))
		.map((name) => path.posix.join(folder, name))
		.sort()
		.map((file) => ({ file, source: readFileSync(path.join(PROJECT, file), "utf8") }));
}

const classes = entities.map((entity) => entity.name);
const tables = getMetadataArgsStorage().tables.flatMap(({ target, name }) =>
	entities.some((entity) => entity === target) && name ? [name] : [],
);
const { migrations, list } = readMigrations(path.join(PROJECT, "src", "migrations"));
const problems = [
	...lintTableNames(readSources("src"), tables),
	...lintEntities(readSources("src"), classes),
	...lintHiddenImports(["src", "testing", "scripts", "bench"].flatMap(readSources)),
	...lintMigrations(migrations, list).map((problem) => `src/migrations/${problem}`),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
