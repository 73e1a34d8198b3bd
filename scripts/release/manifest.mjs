/** @typedef {{ version: string, [field: string]: unknown }} Manifest package.json */

/**
 * The manifest to publish: with the addresses of the repository that publishes it, which npm holds to the provenance.
 * They are no part of package.json, since a copy of the repository would otherwise send its users to somebody else's.
 *
 * @param {Manifest} manifest
 * @param {object} release
 * @param {string} release.repository the repository's address: `https://github.com/owner/name`
 * @param {string} release.tag the tag that is published: `v1.0.0`
 * @param {string} release.changelog the text of CHANGELOG.md
 * @returns {Manifest}
 */
export function releasedManifest(manifest, { repository, tag, changelog }) {
	if (!/^https:\/\/[^/]+\/[^/]+\/[^/]+$/.test(repository)) {
		throw new Error(`"${repository}" is no address of a repository: https://host/owner/name`);
	}
	if (tag !== `v${manifest.version}`) {
		throw new Error(`The tag is ${tag} and the version in package.json is ${manifest.version}: let them agree`);
	}
	notesOf(changelog, manifest.version);
	return {
		...manifest,
		repository: { type: "git", url: `git+${repository}.git` },
		bugs: { url: `${repository}/issues` },
		homepage: `${repository}#readme`,
	};
}

/**
 * What CHANGELOG.md says of a version, without its heading.
 *
 * @param {string} changelog @param {string} version @returns {string}
 */
export function notesOf(changelog, version) {
	const sections = changelog.split(/^## /m).slice(1);
	const section = sections.find((text) => text.startsWith(`${version} `));
	if (!section) throw new Error(`CHANGELOG.md has no section for ${version}`);
	const [heading = "", ...lines] = section.split("\n");
	if (!/ – \d{4}-\d{2}-\d{2}$/.test(heading)) {
		throw new Error(`CHANGELOG.md gives ${version} no date: write "## ${version} – YYYY-MM-DD"`);
	}
	return `${lines.join("\n").trim()}\n`;
}
