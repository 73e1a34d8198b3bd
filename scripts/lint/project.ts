/** A file of this project: its path from the project's folder, and its text. */
export interface SourceFile {
	readonly file: string;
	readonly source: string;
}

/** The folders that name no table: what is ours is handed in. */
const ENGINE = /^src\/(schema|deploy|typeorm|settings|mysql)\//;

/** Files in another dialect, which give `import` its types, say nothing but this. */
const REEXPORT = { file: /^src\/(\w+\/)?index\.mts$/, source: 'export * from "./index.js";\n' };

/** Each table that a file of the engine names, with its line. */
export function lintTableNames(files: readonly SourceFile[], tables: readonly string[]): string[] {
	const name = new RegExp(`(?<![\\w-])(${tables.join("|")})(?![\\w-])`, "g");
	return linesOf(files.filter(({ file }) => ENGINE.test(file))).flatMap(({ place, line }) =>
		[...line.matchAll(name)].map(([table]) => `${place}: the engine names ${table}; hand it in`),
	);
}

/** Each entity class that is in no list. */
export function lintEntities(files: readonly SourceFile[], listed: readonly string[]): string[] {
	return files.flatMap(({ file, source }) => {
		const classes = [...source.matchAll(/^@Entity\b[\s\S]*?^(?:export )?class (\w+)/gm)].map(([, name = ""]) => name);
		return classes.filter((name) => !listed.includes(name)).map((name) => `${file}: ${name} is not in \`entities\``);
	});
}

/** The type of what is required late, in which the import rules see the `require`. */
const REQUIRED = /require\("([^"]+)"\) as typeof import\("\1"\)/g;
const TYPE_IMPORT = /(\btypeof|[:<|&=(,]|\bas|\bextends)\s*import\("[^"]+"\)/;

/** Each import that dependency-cruiser does not see. */
export function lintHiddenImports(files: readonly SourceFile[]): string[] {
	const typed = linesOf(files.filter(({ file }) => file.endsWith(".ts"))).flatMap(({ place, line }) =>
		TYPE_IMPORT.test(line.replaceAll(REQUIRED, "")) && !/await import\(/.test(line)
			? [`${place}: the import rules do not see a type's import("…"); write \`import type\``]
			: [],
	);
	const dialects = files.flatMap(({ file, source }) => {
		if (!/\.[mc]ts$/.test(file)) return [];
		if (!REEXPORT.file.test(file)) return [`${file}: the import rules do not see .mts and .cts; write .ts`];
		return source === REEXPORT.source ? [] : [`${file}: holds more than ${REEXPORT.source.trim()}`];
	});
	return [...typed, ...dialects];
}

function linesOf(files: readonly SourceFile[]): { place: string; line: string }[] {
	return files.flatMap(({ file, source }) =>
		source.split("\n").map((line, index) => ({ place: `${file}:${index + 1}`, line })),
	);
}
