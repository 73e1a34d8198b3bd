import assert from "node:assert/strict";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { notesOf, releasedManifest } from "../../scripts/release/manifest.mjs";
import { execute, temporaryFolder } from "../support/processes";

const ROOT = path.join(__dirname, "..", "..");
const read = (name: string) => readFileSync(path.join(ROOT, name), "utf8");

const manifest = { name: "a", version: "1.2.3" };
const changelog = "# Changelog\n\n## 1.2.3 – 2027-01-31\n\n### Added\n\n- This.\n\n## 1.2.2 – 2027-01-01\n\n- That.\n";
const release = { repository: "https://git.example/owner/name", tag: "v1.2.3", changelog };

describe("a release", () => {
	test("carries the addresses of the repository that publishes it", () => {
		assert.deepEqual(releasedManifest(manifest, release), {
			...manifest,
			repository: { type: "git", url: "git+https://git.example/owner/name.git" },
			bugs: { url: "https://git.example/owner/name/issues" },
			homepage: "https://git.example/owner/name#readme",
		});
	});

	test("has the notes of its own section", () => {
		assert.equal(notesOf(changelog, "1.2.3"), "### Added\n\n- This.\n");
	});

	test("is refused with one sentence where something is forgotten", () => {
		const refused = (changes: Partial<typeof release>, message: RegExp) =>
			assert.throws(() => releasedManifest(manifest, { ...release, ...changes }), { message });
		refused({ tag: "v1.2.4" }, /^The tag is v1\.2\.4 and the version in package\.json is 1\.2\.3: let them agree$/);
		refused({ changelog: "# Changelog\n" }, /^CHANGELOG\.md has no section for 1\.2\.3$/);
		refused({ changelog: "## 1.2.3 – unreleased\n" }, /^CHANGELOG\.md gives 1\.2\.3 no date/);
		refused({ repository: "git@git.example:owner/name" }, /is no address of a repository/);
	});
});

test("the workflow's command enters the addresses into package.json, and prints the notes", async () => {
	const folder = temporaryFolder();
	try {
		for (const name of ["release.mjs", "release", "lib"]) {
			cpSync(path.join(ROOT, "scripts", name), path.join(folder.path, "scripts", name), { recursive: true });
		}
		writeFileSync(path.join(folder.path, "package.json"), JSON.stringify(manifest));
		writeFileSync(path.join(folder.path, "CHANGELOG.md"), changelog);
		const command = (tag: string) =>
			execute([process.execPath, "scripts/release.mjs", tag, release.repository], { cwd: folder.path });
		const refused = await command("v1.2.4");
		assert.equal(refused.code, 1);
		assert.match(refused.output, /^Error: The tag is v1\.2\.4 [^\n]+\n$/);
		assert.deepEqual(await command(release.tag), { code: 0, signal: null, output: "### Added\n\n- This.\n" });
		const written = JSON.parse(readFileSync(path.join(folder.path, "package.json"), "utf8"));
		assert.deepEqual(written, releasedManifest(manifest, release));
	} finally {
		folder.remove();
	}
});

test("every workflow is valid YAML whose scripts exist", () => {
	for (const name of ["ci", "publish"]) {
		const { jobs } = parse(read(`.github/workflows/${name}.yml`)) as {
			jobs: Record<string, { steps: { run?: string }[] }>;
		};
		const commands = Object.values(jobs).flatMap(({ steps }) => steps.map((step) => step.run ?? ""));
		const files = commands.flatMap((command) => command.match(/(?<=^|\s)(\.ci\/\w+|scripts\/[\w/]+\.mjs)/g) ?? []);
		assert.ok(commands.length > 0, name);
		for (const file of files) assert.ok(existsSync(path.join(ROOT, file)), `${name}.yml runs ${file}`);
	}
});

test("every link in the documents leads to a file that is there, and to a heading of it", () => {
	const roots = readdirSync(ROOT).filter((name) => name.endsWith(".md"));
	const others = ["docs", "bench", "examples"].flatMap((folder) =>
		readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
			.filter((name) => name.endsWith(".md") && !name.includes("node_modules"))
			.map((name) => path.posix.join(folder, name)),
	);
	const pages = JSON.parse(read("package.json")).files as string[];
	assert.ok(pages.includes("docs") && pages.includes("SECURITY.md"), "the documents are in the package");
	const broken = [...roots, ...others].flatMap(brokenLinks);
	assert.deepEqual(broken, []);
});

function brokenLinks(document: string): string[] {
	const links = [...read(document).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = ""]) => link);
	return links.flatMap((link) => {
		const [file = "", heading] = link.split("#");
		const target = path.posix.join(path.posix.dirname(document), file || path.posix.basename(document));
		const isThere = existsSync(path.join(ROOT, target));
		if (!isThere) return [`${document}: ${link}`];
		return heading && !headingsOf(read(target)).includes(heading) ? [`${document}: ${link}`] : [];
	});
}

/** The anchors of a document's headings, as GitHub and npm make them. */
function headingsOf(text: string): string[] {
	const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
	return headings.map((heading) =>
		heading
			.toLowerCase()
			.replace(/[^\w\- ]/g, "")
			.replaceAll(" ", "-"),
	);
}
