import path from "node:path";
import { getMetadataArgsStorage } from "typeorm";
import { entities } from "../src/entities";
import { lintExamples } from "./examples/missing";
import { exportsOf } from "./examples/read";
import { lintEntities, lintHiddenImports, lintTableNames } from "./lint/project";
import { PROJECT, readSources } from "./lint/sources";
import { lintMigrations, readMigrations } from "./migrations/lint";

const classes = entities.map((entity) => entity.name);
const tables = getMetadataArgsStorage().tables.flatMap(({ target, name }) =>
	entities.some((entity) => entity === target) && name ? [name] : [],
);
const { migrations, list } = readMigrations(path.join(PROJECT, "src", "migrations"));
const sources = readSources("src");
const exported = ["src/index.ts", "src/testing/index.ts"].flatMap((file) => exportsOf(sources, file));
const problems = [
	...lintTableNames(sources, tables),
	...lintEntities(sources, classes),
	...lintExamples(sources, exported),
	...lintHiddenImports(["src", "testing", "scripts", "bench"].flatMap(readSources)),
	...lintMigrations(migrations, list).map((problem) => `src/migrations/${problem}`),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
