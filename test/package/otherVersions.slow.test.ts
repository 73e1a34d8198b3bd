import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { execute, npm, packProject, type Tarball, temporaryFolder } from "../support/processes";

/** An application with an entity of its own, in a DataSource of its own TypeORM that also holds this package's. */
const APPLICATION = `
const typeorm = require("typeorm");
const { entities, migrations, migrate, WorkspaceRepository } = require("dployr-workspaces-db");
class Note {}
typeorm.PrimaryGeneratedColumn({ type: "int" })(Note.prototype, "id");
typeorm.Entity("notes")(Note);
const own = { entities: [Note, ...entities], migrations, migrationsTransactionMode: "none" };
(async () => {
	const dataSource = await new typeorm.DataSource({ ...JSON.parse(process.argv[2]), ...own }).initialize();
	await dataSource.query("CREATE TABLE notes (id INT AUTO_INCREMENT PRIMARY KEY)");
	await migrate(dataSource, { onEvent() {} });
	await dataSource.getRepository(Note).save(new Note());
	const { insertId: userId } = await dataSource.query("INSERT INTO dashboard_users (username, password_hash, system_username) VALUES ('ada', 'x', 'ada')");
	const workspaces = WorkspaceRepository.from(dataSource);
	const id = await workspaces.createWithinLimit({ userId, projectName: "p" });
	console.log((await workspaces.findById(id)).status, await dataSource.getRepository(Note).count());
	await dataSource.destroy();
})().catch((error) => console.log(error.message)).finally(() => process.exit());
`;

let tarball: Tarball;

/** Installs these packages as the application has them, then this one, and runs the application. */
async function runWith(
	dependencies: Record<string, string>,
	work: (folder: string, run: () => Promise<string>) => Promise<void>,
): Promise<void> {
	const folder = temporaryFolder();
	const database: TestDatabase = await createTestDatabase();
	try {
		const { path } = folder;
		writeFileSync(join(path, "package.json"), JSON.stringify({ private: true, dependencies }));
		writeFileSync(join(path, "application.js"), APPLICATION);
		await npm(path, "install");
		await npm(path, "install", tarball.path);
		const [row] = await database.rows<{ version: string }>("SELECT VERSION() AS version");
		const type = /mariadb/i.test(row?.version ?? "") ? "mariadb" : "mysql";
		const options = JSON.stringify({ type, url: database.url, timezone: "Z" });
		await work(path, async () => {
			const { output } = await execute([process.execPath, "application.js", options], { cwd: path });
			return output;
		});
	} finally {
		folder.remove();
		await database.drop();
	}
}

const versionOf = (folder: string, ...names: string[]): string => {
	const manifest = join(folder, ...names.flatMap((name) => ["node_modules", name]), "package.json");
	return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
};

describe("an application with versions of its own", () => {
	before(async () => {
		tarball = await packProject();
	});
	after(() => tarball?.remove());

	test("TypeORM 1.0 works beside the package's own copy", () =>
		runWith({ typeorm: "1.0.0" }, async (folder, run) => {
			assert.equal(await run(), "stopped 1\n");
			assert.equal(versionOf(folder, "typeorm"), "1.0.0");
		}));

	test("mysql2 stays as it is pinned, and is the only copy", () =>
		runWith({ typeorm: "1.1.1", mysql2: "3.15.3" }, async (folder, run) => {
			assert.equal(await run(), "stopped 1\n");
			assert.equal(versionOf(folder, "mysql2"), "3.15.3");
			assert.throws(() => versionOf(folder, "dployr-workspaces-db", "mysql2"), { code: "ENOENT" });
		}));

	test("TypeORM 0.3 fails with a sentence", () =>
		runWith({ typeorm: "0.3.28", mysql2: "3.15.3" }, async (_folder, run) => {
			const message = "TypeORM 0.3 does not work in one process with dployr-workspaces-db, which uses TypeORM 1.1";
			assert.equal(await run(), `${message}: update the application's typeorm to 1.x\n`);
		}));
});
