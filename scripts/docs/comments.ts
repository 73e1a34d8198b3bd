import { readFileSync } from "node:fs";
import path from "node:path";

/** What the source of an entity says about its class, its properties and its indexes. */
export interface EntityComments {
	readonly entity: string;
	readonly properties: ReadonlyMap<string, string>;
	readonly indexes: ReadonlyMap<string, string>;
}

/** Reads the comments of an entity's source, which stand above its decorators as the formatter lays them out. */
export function readComments(root: string, entityName: string): EntityComments {
	const source = readFileSync(path.join(root, "src", "entities", `${entityName}.ts`), "utf8");
	const properties = [...source.matchAll(/\t\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n(?:\t[@})\t][^\n]*\n)+\t(\w+)!: /g)];
	const indexes = [...source.matchAll(/\/\/ ([^\n]+)\n@Index\("(\w+)"/g)];
	const [, entity = ""] = /\n\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n@Entity/.exec(source) ?? [];
	return {
		entity: commentText(entity),
		properties: new Map(properties.map(([, comment = "", name = ""]) => [name, commentText(comment)])),
		indexes: new Map(indexes.map(([, comment = "", name = ""]) => [name, comment])),
	};
}

/** The words of a comment, in one line, without its example. */
export function commentText(comment: string): string {
	return comment
		.replace(/\n\s*\* @example\n[\s\S]*$/, "")
		.split("\n")
		.map((line) => line.replace(/^\s*\*?\s*/, "").trim())
		.filter(Boolean)
		.join(" ");
}
