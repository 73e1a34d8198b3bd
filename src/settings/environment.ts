import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { failFor } from "./setting";

/** Variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Where variables come from. */
export interface Environment {
	/** Those of the process. */
	readonly variables: Variables;
	/** Those of a `.env` file. One that the process has, even set to nothing, is never taken from here. */
	readonly file: Variables;
	/** Where that file is, or was looked for. */
	readonly path: string;
	readonly hasFile: boolean;
}

/**
 * The variables of the process, and those of the `.env` file of a folder. `process.env` stays as it is.
 *
 * @throws SettingsError where there is a `.env` that cannot be read.
 */
export function readEnvironment(folder: string = process.cwd(), variables: Variables = process.env): Environment {
	const path = join(folder, ".env");
	const content = readContent(path);
	return { variables, file: parseEnv(content ?? "") as Variables, path, hasFile: content !== undefined };
}

function readContent(path: string): string | undefined {
	let bytes: Buffer;
	try {
		bytes = readFileSync(path);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ENOENT") return undefined;
		return failFor(path, error)(`cannot be read (${code}): make it readable or remove it`);
	}
	// Editors and shells of Windows write these; a NUL in every second byte would make each name unknown.
	if (bytes.includes(0)) failFor(path)("is not UTF-8 text: save it as UTF-8");
	return bytes.toString("utf8").replace(/^\uFEFF/, "");
}
