import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { PROJECT, run } from "./lib/project.mjs";

/** Whether npm was started in another project's folder, which installs this one from a git address or a folder. */
function isDependency() {
	const place = relative(PROJECT, process.env["INIT_CWD"] ?? PROJECT);
	return place.startsWith("..") || isAbsolute(place);
}

// npm runs this also after a contributor's `npm ci`, who needs no build. Of a git address it runs nothing else that
// would make one.
await run(async () => {
	if (!isDependency() || existsSync(join(PROJECT, "dist"))) return 0;
	if (!existsSync(join(PROJECT, "node_modules", "typescript"))) {
		throw new Error(`There is no build and no compiler in ${PROJECT}: run npm ci there, then npm run build`);
	}
	return spawnSync("npm", ["run", "build"], { cwd: PROJECT, stdio: "inherit" }).status ?? 1;
});
