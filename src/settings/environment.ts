import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { SettingsError } from "../errors";

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The variables of the process, with those that only the `.env` file of a folder sets beside them. A variable that is
 * set, even to nothing, is never taken from the file; `process.env` stays as it is.
 *
 * @throws SettingsError where there is a `.env` that cannot be read.
 */
export function readEnvironment(folder: string = process.cwd(), variables: Environment = process.env): Environment {
	return { ...readFile(join(folder, ".env")), ...variables };
}

function readFile(path: string): Environment {
	try {
		return parseEnv(readFileSync(path, "utf8")) as Environment;
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ENOENT") return {};
		throw new SettingsError(`${path}: cannot be read (${code}): make it readable or remove it`, { cause: error });
	}
}
