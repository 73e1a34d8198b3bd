import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { type Documents, generateDocuments } from "../../scripts/docs/generate";
import { createTestDatabase } from "../../testing/database";

const ROOT = path.join(__dirname, "..", "..");
const read = (name: string) => readFileSync(path.join(ROOT, name), "utf8");

async function generate(): Promise<Documents> {
	const database = await createTestDatabase();
	try {
		const [{ version }] = (await database.rows("SELECT VERSION() AS version")) as [{ version: string }];
		return await generateDocuments(ROOT, database.url, /mariadb/i.test(version) ? "mariadb" : "mysql");
	} finally {
		await database.drop();
	}
}

test("schema.sql, docs/schema.md and docs/schema.html are what npm run docs would write", async () => {
	const documents = await generate();
	assert.equal(read("schema.sql"), documents["schema.sql"]);
	assert.equal(read("docs/schema.md"), documents["docs/schema.md"]);
	assert.equal(read("docs/schema.html"), documents["docs/schema.html"]);
	assert.match(documents["schema.sql"], /CREATE TABLE `workspace_logs`[^;]+FOREIGN KEY/);
});
