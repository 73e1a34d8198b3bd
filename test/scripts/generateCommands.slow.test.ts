import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { LossyChangeError, RefusedOperationError, type WorkspacesDataSource } from "../../src";
import { differencesOf } from "../../src/typeorm/schemaBuilder";
import { createTestDatabase, serverUrl, type TestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";
import { cloneProject, execute, type Outcome } from "../support/processes";

let database: TestDatabase;
let project: ReturnType<typeof cloneProject>;

before(async () => {
	database = await createTestDatabase();
	project = cloneProject();
	await withDataSource(database, {}, (dataSource) => dataSource.runMigrations());
});
after(async () => {
	project.remove();
	await database.drop();
});

/** The statements that the unmodified command would write. */
async function logged(dataSource: WorkspacesDataSource): Promise<string[]> {
	const { upQueries, downQueries } = await dataSource.driver.createSchemaBuilder().log();
	assert.equal(upQueries.length, downQueries.length);
	return upQueries.map(({ query }) => query);
}

/** Changes the database, looks, and changes it back. */
async function withDrift(drift: string, back: string, work: (dataSource: WorkspacesDataSource) => Promise<void>) {
	await database.rows(drift);
	try {
		await withDataSource(database, {}, work);
	} finally {
		await database.rows(back);
	}
}

const PHANTOMS: Record<string, [string, string]> = {
	"columns, indexes and keys that only this database has": [
		"ALTER TABLE workspaces ADD COLUMN theme varchar(20) NULL, ADD COLUMN owner int NULL, ADD UNIQUE INDEX u (theme), " +
			"ADD INDEX i (owner, status), ADD UNIQUE INDEX p (assigned_port), " +
			"ADD CONSTRAINT f FOREIGN KEY (owner) REFERENCES dashboard_users (id)",
		"ALTER TABLE workspaces DROP FOREIGN KEY f, DROP INDEX u, DROP INDEX i, DROP INDEX p, DROP COLUMN theme, DROP COLUMN owner",
	],
	"the expression of a generated column, in a database restored under another name": [
		"UPDATE typeorm_metadata SET `schema` = 'elsewhere' WHERE `type` = 'GENERATED_COLUMN'",
		"UPDATE typeorm_metadata SET `schema` = DATABASE() WHERE `type` = 'GENERATED_COLUMN'",
	],
	"the expression of a generated column, without TypeORM's own table": [
		"RENAME TABLE typeorm_metadata TO typeorm_metadata_away",
		"RENAME TABLE typeorm_metadata_away TO typeorm_metadata",
	],
	"NO ACTION for RESTRICT": [
		"ALTER TABLE user_api_keys DROP FOREIGN KEY user_api_keys_ibfk_1, ADD CONSTRAINT k FOREIGN KEY (user_id) " +
			"REFERENCES dashboard_users (id) ON DELETE CASCADE; ALTER TABLE user_api_keys DROP FOREIGN KEY k, " +
			"ADD CONSTRAINT user_api_keys_ibfk_1 FOREIGN KEY (user_id) REFERENCES dashboard_users (id) " +
			"ON DELETE CASCADE ON UPDATE NO ACTION",
		"SELECT 1",
	],
};

for (const [what, [drift, back]] of Object.entries(PHANTOMS)) {
	test(`not taken for a difference: ${what}`, async () => {
		await withDrift(drift, back, async (dataSource) => assert.deepEqual(await logged(dataSource), []));
	});
}

test("the unmodified command changes a column in place", async () => {
	await withDrift(
		"ALTER TABLE workspaces MODIFY project_name varchar(60) NOT NULL",
		"ALTER TABLE workspaces MODIFY project_name varchar(100) NOT NULL",
		async (dataSource) => {
			assert.deepEqual(await logged(dataSource), [
				"ALTER TABLE `workspaces` MODIFY COLUMN `project_name` varchar(100) NOT NULL",
			]);
		},
	);
});

test("the unmodified command refuses what would lose data, unless the variable says that it is meant", async () => {
	await withDrift(
		"ALTER TABLE workspaces MODIFY cpu_limit varchar(60) NULL DEFAULT '1'",
		"ALTER TABLE workspaces MODIFY cpu_limit varchar(20) NULL DEFAULT '1'",
		async (dataSource) => {
			await assert.rejects(logged(dataSource), LossyChangeError);
			const differences = await differencesOf(dataSource, () => assert.fail("its sessions are set up"));
			assert.equal(differences.length, 1, "looking is not refused");
			process.env["WORKSPACES_ALLOW_DATA_LOSS"] = "yes";
			try {
				assert.equal((await logged(dataSource)).length, 1);
			} finally {
				delete process.env["WORKSPACES_ALLOW_DATA_LOSS"];
			}
		},
	);
});

test("the unmodified command refuses to add a column beside the one that it may be", async () => {
	await withDrift(
		"ALTER TABLE workspaces RENAME COLUMN cpu_limit TO cpus",
		"ALTER TABLE workspaces RENAME COLUMN cpus TO cpu_limit",
		async (dataSource) => {
			await assert.rejects(logged(dataSource), (error: unknown) => {
				assert.ok(error instanceof LossyChangeError);
				assert.match(error.message, /workspaces\.cpus is in no entity, and cpu_limit is new and of its type/);
				return true;
			});
		},
	);
});

test("the comparison itself never changes a table", async () => {
	await withDataSource(database, {}, async (dataSource) => {
		await assert.rejects(dataSource.driver.createSchemaBuilder().build(), RefusedOperationError);
	});
});

test("a query runner changes a column in place and keeps its values", async () => {
	const before =
		"INSERT INTO workspaces (user_id, project_name, cpu_limit) SELECT id, 'kept', '7' FROM dashboard_users";
	await database.rows(
		"INSERT INTO dashboard_users (username, password_hash, system_username) VALUES ('ann', 'x', 'x')",
	);
	await database.rows(before);
	await withDataSource(database, {}, async (dataSource) => {
		const queryRunner = dataSource.createQueryRunner();
		const column = (await queryRunner.getTable("workspaces"))?.findColumnByName("cpu_limit");
		assert.ok(column);
		const longer = column.clone();
		longer.length = "40";
		await queryRunner.changeColumn("workspaces", "cpu_limit", longer);
		assert.deepEqual(await database.rows("SELECT cpu_limit AS cpus FROM workspaces"), [{ cpus: "7" }]);
		const [shown] = await database.rows<{ Type: string }>("SHOW COLUMNS FROM workspaces LIKE 'cpu_limit'");
		assert.equal(shown?.Type, "varchar(40)");
		await queryRunner.changeColumn("workspaces", longer, column);
		await queryRunner.release();
	});
});

function generate(...args: string[]): Promise<Outcome> {
	const command = [process.execPath, "--import", "tsx", "scripts/migration-generate.ts", ...args] as const;
	return execute([...command], { cwd: project.path, env: { TEST_DATABASE_URL: serverUrl().href } });
}

function entity(change: (source: string) => string): void {
	const path = join(project.path, "src", "entities", "Workspace.ts");
	const source = readFileSync(path, "utf8");
	const changed = change(source);
	assert.notEqual(changed, source);
	writeFileSync(path, changed);
}

test("npm run migration:generate: nothing, a check, a migration that runs, a loss", async () => {
	const none = await generate("--check");
	assert.deepEqual(none, {
		code: 0,
		signal: null,
		output: "Entities and migrations match: nothing to generate\n",
	});
	assert.deepEqual(await generate("AddNothing"), none);
	assert.equal((await generate("add-nothing")).code, 1);
	assert.match((await generate()).output, /^Usage: npm run migration:generate/);

	const column = '@Column({ type: "varchar", length: 20, nullable: true })\n\ttheme!: string | null;';
	entity((source) => source.replace("@OneToMany(", `${column}\n\n\t@OneToMany(`));
	const folder = join(project.path, "src", "migrations");
	const before = readdirSync(folder);
	const check = await generate("--check");
	assert.equal(check.code, 1);
	assert.match(check.output, /nullable\("theme", "varchar\(20\)"\)/);
	assert.deepEqual(readdirSync(folder), before);

	const written = await generate("AddTheme");
	assert.equal(written.code, 0, written.output);
	const [, file = ""] =
		/^Wrote (src\/migrations\/\d{13}-AddTheme\.ts) and listed AddTheme\d{13}\./m.exec(written.output) ?? [];
	assert.ok(file, written.output);
	assert.equal((await generate("--check")).code, 0, "the migration makes what the entities say");

	entity((source) => source.replace(column, ""));
	const loss = await generate("DropTheme");
	assert.equal(loss.code, 1);
	assert.match(
		loss.output,
		/^refused, since data would be lost; nothing was written:\n {2}- ALTER TABLE `workspaces` DROP COLUMN `theme`\n/,
	);
	const meant = await generate("DropTheme", "--allow-data-loss");
	assert.equal(meant.code, 0, meant.output);
	assert.equal((await generate("--check")).code, 0);

	entity((source) => source.replace('name: "disk_limit"', 'name: "disk"'));
	assert.match((await generate("RenameDisk")).output, /--rename workspaces\.disk_limit=disk/);
	const renamed = await generate("RenameDisk", "--rename", "workspaces.disk_limit=disk");
	assert.equal(renamed.code, 0, renamed.output);
	assert.equal((await generate("--check")).code, 0);
});
