import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "./project.mjs";

/** Tests that take long enough to have a name of their own; CI runs them. */
const SLOW = ".slow.test.ts";
/** Tests that need a Galera cluster. */
const ON_CLUSTER = join("test", "cluster", "");
/** What a test imports that connects to a server. */
const CONNECTS =
	/from "[./]+(testing\/|support\/(snapshot|sessionProxy)"|context"|src\/testing\/server\/private-server)/;

/**
 * The project's test files, by path: all, or those whose path contains one of the filters.
 * @param {{ filters?: string[], slow?: boolean, withoutServer?: boolean, cluster?: boolean }} [wanted] `slow`: those that
 * take long, too, which otherwise only a filter that names them finds; `cluster`: those that need a cluster, and no others
 */
export function testFiles({ filters = [], slow = false, withoutServer = false, cluster = false } = {}) {
	const files = readdirSync(join(PROJECT, "test"), { recursive: true, encoding: "utf8" })
		.map((name) => join("test", name))
		.filter((name) => name.endsWith(".test.ts"))
		.sort();
	return files.filter((name) => {
		if (name.startsWith(ON_CLUSTER) !== cluster) return false;
		const filter = filters.find((text) => name.includes(text));
		if (filters.length > 0 && filter === undefined) return false;
		if (name.endsWith(SLOW) && !slow && !filter?.includes(".slow")) return false;
		return !withoutServer || !CONNECTS.test(readFileSync(join(PROJECT, name), "utf8"));
	});
}
