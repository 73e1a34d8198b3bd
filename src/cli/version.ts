import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The version in this package's package.json, which is further up in the build than in the sources. */
export function packageVersion(): string {
	for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
		try {
			const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<
				string,
				string
			>;
			if (name === "dployr-workspaces-db") return version ?? "";
		} catch {
			// None here: one folder up.
		}
	}
	return "";
}
