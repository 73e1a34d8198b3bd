import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const PROJECT = join(__dirname, "..", "..");
const EXAMPLE = "examples/dashboard";

/** The example's recipes, by file and name. */
function recipes(): Map<string, string> {
	const files = readdirSync(join(PROJECT, EXAMPLE)).filter((file) => file.endsWith(".js"));
	const found = files.flatMap((file) => {
		const source = readFileSync(join(PROJECT, EXAMPLE, file), "utf8");
		const marked = source.matchAll(/^\/\/ recipe: ([^\n]+)\n(.*?)^\/\/ end of the recipe$/gms);
		return [...marked].map(([, name, code = ""]): [string, string] => [`${EXAMPLE}/${file}: ${name}`, code]);
	});
	return new Map(found);
}

test("the recipes that the documents print are the example's code, and all of them are printed", () => {
	const expected = recipes();
	assert.ok(expected.size > 5);
	const printed = new Set<string>();
	for (const document of ["README.md", "docs/repositories.md"]) {
		const text = readFileSync(join(PROJECT, document), "utf8");
		for (const [, name = "", code] of text.matchAll(/^<!-- (examples\/[^\n]+?) -->\n```js\n(.*?)^```$/gms)) {
			assert.equal(code, expected.get(name), `${document}: ${name}`);
			printed.add(name);
		}
	}
	assert.deepEqual([...printed].sort(), [...expected.keys()].sort());
});
