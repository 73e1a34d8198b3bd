import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { commentText } from "./comments";

export interface RepositoryMethod {
	readonly name: string;
	/** The first sentence of its comment. */
	readonly purpose: string;
}

/** The public methods of every repository, by the name of its class, as the sources list them. */
export function readRepositories(root: string): ReadonlyMap<string, readonly RepositoryMethod[]> {
	const folder = path.join(root, "src", "repositories");
	const files = readdirSync(folder).filter((name) => /^\w+Repository\.ts$/.test(name));
	const found = files.sort().map((file) => {
		const methods = readMethods(readFileSync(path.join(folder, file), "utf8"));
		if (methods.length === 0) throw new Error(`${file}: no method with a comment was found`);
		return [file.replace(/\.ts$/, ""), methods] as const;
	});
	return new Map(found);
}

function readMethods(source: string): RepositoryMethod[] {
	const methods = source.matchAll(/\t\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n\t(?:async )?(\w+)(?:<[^\n]*>)?\(/g);
	const all = [...methods].map(([, comment = "", name = ""]) => ({
		name,
		purpose: firstSentence(commentText(comment)),
	}));
	// Overloads carry one comment each; the first says what the method is for.
	return all.filter(({ name }, index) => all.findIndex((method) => method.name === name) === index);
}

function firstSentence(text: string): string {
	return /^.*?[.!](?=\s|$)/.exec(text)?.[0] ?? text;
}
