import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { withSettings } from "../../scripts/docs/settingsTable";
import { SETTING_NAMES, SETTINGS } from "../../src/settings/table";

test("docs/deploying.md has the table of settings that npm run docs would write", () => {
	const document = readFileSync(path.join(__dirname, "..", "..", "docs", "deploying.md"), "utf8");
	assert.equal(document, withSettings(document));
	for (const name of SETTING_NAMES)
		assert.ok(document.includes(`| \`${SETTINGS[name].variable}\` | \`${name}\` |`), name);
	assert.throws(() => withSettings("no markers"), /lacks the markers/);
});
