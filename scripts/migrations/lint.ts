import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** A migration's file: its name without folder, and its source as the formatter lays it out. */
export interface MigrationSource {
	readonly file: string;
	readonly source: string;
}

/** Marks the statement below it as destructive or blocking on purpose. */
export const SAFETY_ASSURED = "// safety-assured: ";

const DESTRUCTIVE =
	/\b(DROP (TABLE|COLUMN|DATABASE)|TRUNCATE|DELETE FROM|DELETE (?=\$)|RENAME (TABLE|COLUMN))|\b(dropTables|dropColumns|deleteRows|removeEnumValues)\(/i;
/** A dry run records what the functions of the schema's folder write, and nothing else. */
const UNRECORDED = /\bqueryRunner\s*[.?[]/;
const BLOCKING = /ALGORITHM\s*=\s*COPY|LOCK\s*=\s*(SHARED|EXCLUSIVE)|algorithm: "COPY"|\bLOCK\s+TABLES\b/i;

/** What lies beside the migrations and is none. */
const BESIDE = ["index.ts", "names.ts"];

/** Reads the migrations of a folder, and the list in its index.ts. */
export function readMigrations(folder: string): { migrations: MigrationSource[]; list: string } {
	const files = readdirSync(folder).filter((file) => file.endsWith(".ts") && !BESIDE.includes(file));
	return {
		migrations: files.sort().map((file) => ({ file, source: readFileSync(path.join(folder, file), "utf8") })),
		list: readFileSync(path.join(folder, "index.ts"), "utf8"),
	};
}

/** What is wrong with a set of migrations, one line each; empty when nothing is. */
export function lintMigrations(migrations: readonly MigrationSource[], list: string): string[] {
	return [
		...migrations.flatMap((migration) =>
			[...lintName(migration), ...lintImports(migration), ...lintDown(migration), ...lintStatements(migration)].map(
				(problem) => `${migration.file}: ${problem}`,
			),
		),
		...lintList(migrations, list),
	];
}

function parse({ file }: MigrationSource): { timestamp: string; className: string } | undefined {
	const [, timestamp, name] = /^(\d{13})-([A-Z][A-Za-z0-9]*)\.ts$/.exec(file) ?? [];
	return timestamp && name ? { timestamp, className: `${name}${timestamp}` } : undefined;
}

function lintName(migration: MigrationSource): string[] {
	const parsed = parse(migration);
	if (!parsed) return ["the name is not <13 digits>-<Name>.ts"];
	const { className } = parsed;
	const problems: string[] = [];
	const classes = [...migration.source.matchAll(/export class (\w+)/g)].map((match) => match[1]);
	if (classes.join() !== className) problems.push(`exports ${classes.join(", ") || "no class"}, expected ${className}`);
	if (!migration.source.includes(`name = "${className}"`)) problems.push(`has no name = "${className}"`);
	return problems;
}

/** What a migration imports must not change later, or the migration would. */
function lintImports({ source }: MigrationSource): string[] {
	return [...source.matchAll(/^(?:import|export) [^;]*?from "([^"]+)"/gm)]
		.map((match) => match[1] ?? "")
		.filter((from) => from !== "typeorm" && from !== "../schema")
		.map((from) => `imports ${from}; a migration imports only typeorm and ../schema, which stay as they are`);
}

function lintDown({ source }: MigrationSource): string[] {
	const body = /\tasync down\([^)]*\)[^{]*\{\n([\s\S]*?)\n\t\}/.exec(source)?.[1];
	if (body === undefined) return ["has no down, or an empty one"];
	const statements = body.split("\n").filter((line) => line.trim() && !line.trim().startsWith("//"));
	if (!statements.length) return ["has an empty down: revert something, or throw an error that says why not"];
	return /await |throw new \w+\("?`?\S/.test(body)
		? []
		: ["has a down that neither does something nor refuses by name"];
}

function lintStatements({ source }: MigrationSource): string[] {
	const lines = source.split("\n");
	return lines.flatMap((line, number) => {
		if (UNRECORDED.test(line)) {
			return [`line ${number + 1} uses queryRunner itself, so that a dry run would execute it: hand it to ../schema`];
		}
		const kind = DESTRUCTIVE.test(line) ? "destructive" : BLOCKING.test(line) ? "blocking" : undefined;
		const isComment = /^\s*(\/\/|\*|\/\*)/.test(line);
		if (!kind || isComment || lines[number - 1]?.trim().startsWith(SAFETY_ASSURED)) return [];
		return [`line ${number + 1} is ${kind}: write "${SAFETY_ASSURED}<why>" above it if it is meant: ${line.trim()}`];
	});
}

function lintList(migrations: readonly MigrationSource[], list: string): string[] {
	const listed = [...(/^export const migrations = \[([\s\S]*?)\]/m.exec(list)?.[1] ?? "").matchAll(/\w+/g)].map(
		(match) => match[0],
	);
	const expected = migrations.flatMap((migration) => parse(migration) ?? []);
	const problems: string[] = [];
	const stamps = expected.map(({ timestamp }) => timestamp);
	if (new Set(stamps).size !== stamps.length) problems.push("index.ts: two migrations have the same timestamp");
	for (const { className } of expected)
		if (!listed.includes(className)) problems.push(`index.ts: ${className} is not listed`);
	if (!problems.length && listed.join() !== expected.map(({ className }) => className).join()) {
		problems.push("index.ts: the list is not the files in the order of their timestamps");
	}
	return problems;
}
