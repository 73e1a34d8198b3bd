import { posix } from "node:path";
import type { SourceFile } from "../lint/project";

/** What a module exports: its name, and the file that declares it. */
export interface Exported {
	readonly name: string;
	readonly file: string;
}

/** An `@example` of a docstring. */
export interface Example {
	readonly file: string;
	/** The line of the file on which its code begins. */
	readonly line: number;
	readonly code: string;
}

/** Everything that a module exports by name, wherever it is declared. */
export function exportsOf(files: readonly SourceFile[], file: string): Exported[] {
	const source = sourceOf(files, file);
	const imports = importsOf(source);
	const lists = source.matchAll(/^export (?:type )?\{([^}]*)\}(?: from "([^"]+)")?/gm);
	const listed = [...lists].flatMap(([, names = "", from]) =>
		namesOf(names).flatMap((name) => {
			const origin = from ?? imports.get(name);
			return origin ? exportsOf(files, resolve(files, file, origin)).filter((found) => found.name === name) : [];
		}),
	);
	const declared = [...source.matchAll(DECLARATION)].map(([, , name = ""]) => ({ name, file }));
	return [...listed, ...declared];
}

/** What is exported where it is declared, with the word that says what it is. */
export const DECLARATION = /^export (?:declare |abstract |async )*(function|class|const|interface|type) (\w+)/gm;

/** Every example of the sources, in order. */
export function examplesOf(files: readonly SourceFile[]): Example[] {
	return files.flatMap(({ file, source }) =>
		[...source.matchAll(/^[ \t]*\* @example\n((?:[ \t]*\*(?: (?!@)[^\n]*)?\n)+)/gm)].map(
			({ 0: block, 1: code = "", index }) => ({
				file,
				line: source.slice(0, index + block.indexOf("\n") + 1).split("\n").length,
				code: code.replaceAll(/^[ \t]*\* ?/gm, ""),
			}),
		),
	);
}

function importsOf(source: string): Map<string, string> {
	const lists = [...source.matchAll(/^import (?:type )?\{([^}]*)\} from "([^"]+)"/gm)];
	return new Map(lists.flatMap(([, names = "", from = ""]) => namesOf(names).map((name) => [name, from] as const)));
}

function namesOf(list: string): string[] {
	return list
		.split(",")
		.map((name) => name.trim().replace(/^type /, ""))
		.filter(Boolean);
}

function resolve(files: readonly SourceFile[], from: string, specifier: string): string {
	const target = posix.join(posix.dirname(from), specifier);
	const candidates = [`${target}.ts`, `${target}/index.ts`];
	const found = candidates.find((name) => files.some(({ file }) => file === name));
	if (!found) throw new Error(`${from}: ${specifier} is none of the files`);
	return found;
}

export function sourceOf(files: readonly SourceFile[], name: string): string {
	const found = files.find(({ file }) => file === name);
	if (!found) throw new Error(`${name} is none of the files`);
	return found.source;
}
