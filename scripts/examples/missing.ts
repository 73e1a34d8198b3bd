import type { SourceFile } from "../lint/project";
import { DECLARATION, type Exported, sourceOf } from "./read";

/** A function, class, constant or type of the package, or a method. */
interface Documented {
	readonly name: string;
	readonly comment: string;
	/** From its name to its body. */
	readonly signature: string;
	readonly isType: boolean;
}

/** A method that is not TypeORM's own, with its comment and its signature. */
const METHOD =
	/^(\t\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^\t(?:static |async )*([a-z]\w*)(?:<[^\n]*>)?\(([\s\S]*?)(?: \{\}?|;)\n/gm;
const NO_METHOD = /^(constructor|if|for|return|await|super)$/;

/**
 * What lacks an `@example`: every exported function, class and constant, every method of an exported class or interface,
 * and every exported type that a function or method gives back. Other types are shown where they are used.
 */
export function lintExamples(files: readonly SourceFile[], exported: readonly Exported[]): string[] {
	const all = exported.flatMap(({ name, file }) =>
		documented(sourceOf(files, file), name).map((one) => ({ ...one, file })),
	);
	const results = all.flatMap(
		({ signature }) =>
			signature
				.split(/\)\s*:/)
				.at(-1)
				?.match(/\b[A-Z]\w+/g) ?? [],
	);
	return all
		.filter(({ name, isType }) => !isType || results.includes(name))
		.filter(({ comment }) => !comment.includes("@example"))
		.map(({ file, name }) => `${file}: ${name} has no @example`);
}

/** What is exported by that name, and its methods. */
function documented(source: string, name: string): Documented[] {
	const declaration = [...source.matchAll(DECLARATION)].find((match) => match[2] === name);
	if (!declaration) return [];
	const [text, kind = ""] = declaration;
	const own = source.slice(declaration.index);
	// Decorators may stand between both.
	const [, comment = ""] =
		/(?:^|\n)(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\n(?:[@/}\t][^\n]*\n)*$/.exec(source.slice(0, declaration.index)) ?? [];
	const signature = kind === "function" ? own.slice(text.length, own.search(/ \{\n/)) : "";
	const isType = kind === "interface" || kind === "type";
	const symbol = { name, comment, signature, isType };
	if (kind !== "class" && kind !== "interface") return [symbol];
	return [symbol, ...methodsOf(own.slice(0, own.search(/^\}/m)), name)];
}

function methodsOf(body: string, owner: string): Documented[] {
	return [...body.matchAll(METHOD)]
		.filter(([, , name = ""]) => !NO_METHOD.test(name))
		.map(([, comment = "", name = "", signature = ""]) => ({
			name: `${owner}.${name}`,
			comment,
			signature,
			isType: false,
		}));
}
