import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT, run } from "./lib/project.mjs";
import { notesOf, releasedManifest } from "./release/manifest.mjs";

const MANIFEST = join(PROJECT, "package.json");

/** @param {string} name */
const read = (name) => readFileSync(join(PROJECT, name), "utf8");

// Prepares package.json for `npm publish` and prints the notes of the release; .github/workflows/publish.yml runs it.
await run(async () => {
	const [tag, repository] = process.argv.slice(2);
	if (!tag || !repository) throw new Error("Usage: node scripts/release.mjs <tag> <address of the repository>");
	const manifest = releasedManifest(JSON.parse(read("package.json")), {
		tag,
		repository,
		changelog: read("CHANGELOG.md"),
	});
	writeFileSync(MANIFEST, `${JSON.stringify(manifest, null, "\t")}\n`);
	process.stdout.write(notesOf(read("CHANGELOG.md"), manifest.version));
});
