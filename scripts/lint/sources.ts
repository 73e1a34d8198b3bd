import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { SourceFile } from "./project";

export const PROJECT = path.join(__dirname, "..", "..");

/** Every TypeScript file of a folder, at any depth. */
export function readSources(folder: string): SourceFile[] {
	return readdirSync(path.join(PROJECT, folder), { recursive: true, encoding: "utf8" })
		.filter((name) => /\.[mc]?ts$/.test(name) && !name.includes("node_modules"))
		.map((name) => path.posix.join(folder, name))
		.sort()
		.map((file) => ({ file, source: readFileSync(path.join(PROJECT, file), "utf8") }));
}
