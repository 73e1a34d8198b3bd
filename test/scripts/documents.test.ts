import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";

const ROOT = path.join(__dirname, "..", "..");
const read = (file: string) => readFileSync(path.join(ROOT, file), "utf8");

const DOCUMENTS = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
	cwd: ROOT,
	encoding: "utf8",
})
	.split("\n")
	.filter((file) => file && existsSync(path.join(ROOT, file)));

const withoutCode = (text: string) => text.replaceAll(/^ *```[\s\S]*?^ *```/gm, "");

/** The name by which a heading is found, as GitHub makes it. */
function anchorOf(heading: string): string {
	return heading
		.toLowerCase()
		.replaceAll(/[^\p{L}\p{N} _-]/gu, "")
		.replaceAll(" ", "-");
}

function anchorsOf(file: string): string[] {
	return [...withoutCode(read(file)).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

describe("the documents", () => {
	for (const document of DOCUMENTS) {
		test(`${document}: each link leads to a file, and to a heading in it`, () => {
			const folder = path.dirname(document);
			for (const [, target = ""] of withoutCode(read(document)).matchAll(/\]\(([^)\s]+)\)/g)) {
				if (/^(https?|mailto):/.test(target)) continue;
				const [name = "", anchor] = target.split("#");
				const file = name ? path.join(folder, name) : document;
				assert.ok(existsSync(path.join(ROOT, file)), `there is no ${file}`);
				if (anchor) assert.ok(anchorsOf(file).includes(anchor), `${file} has no heading for #${anchor}`);
			}
		});

		test(`${document}: each npm script that it calls is there`, () => {
			const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
			const own = { ...scripts, ...scriptsBeside(document) };
			for (const [call, name = ""] of read(document).matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)) {
				assert.ok(name in own, `${call}: no such script`);
			}
		});
	}

	test("CONTRIBUTING.md names files that are there", () => {
		const found = [...read("CONTRIBUTING.md").matchAll(/`((?:src|test|testing|scripts|bench)\/[\w./-]+)`/g)];
		assert.ok(found.length > 10);
		for (const [, file = ""] of found) assert.ok(existsSync(path.join(ROOT, file)), `there is no ${file}`);
	});

	test("README.md has 150 lines at most", () => {
		assert.ok(read("README.md").trimEnd().split("\n").length <= 150);
	});
});

/** An example has scripts of its own. */
function scriptsBeside(document: string): Record<string, string> {
	const manifest = path.join(path.dirname(document), "package.json");
	if (!existsSync(path.join(ROOT, manifest))) return {};
	return (JSON.parse(read(manifest)) as { scripts?: Record<string, string> }).scripts ?? {};
}
