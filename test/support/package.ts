import assert from "node:assert/strict";
import { join } from "node:path";
import { cloneProject, execute } from "./project";

export interface Tarball {
	readonly path: string;
	/** Paths of the files in it. */
	readonly files: readonly string[];
	remove(): void;
}

/** Builds and packs the package as `npm publish` would, from a clone. */
export async function packProject(): Promise<Tarball> {
	const clone = cloneProject();
	try {
		const output = await npm(clone.path, "pack", "--json");
		const [packed] = JSON.parse(output.slice(output.indexOf("[\n"))) as [
			{ filename: string; files: { path: string }[] },
		];
		return {
			path: join(clone.path, packed.filename),
			files: packed.files.map(({ path }) => path),
			remove: clone.remove,
		};
	} catch (error) {
		clone.remove();
		throw error;
	}
}

/** Runs npm in a project of a test's own; what the cache has is not asked for again. */
export async function npm(cwd: string, ...args: string[]): Promise<string> {
	const options = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
	const { code, output } = await execute(["npm", ...args, ...options], { cwd });
	assert.equal(code, 0, `npm ${args.join(" ")}: ${output}`);
	return output;
}
