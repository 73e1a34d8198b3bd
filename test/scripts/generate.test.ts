import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { MigrationInterface } from "typeorm";
import { compareEntities, type GenerateOptions, writeMigration } from "../../scripts/migrations/generate";
import { lintMigrations, readMigrations } from "../../scripts/migrations/lint";
import { nextTimestamp, register } from "../../scripts/migrations/register";
import type { WorkspacesDataSource } from "../../src";
import { LossyChangeError } from "../../src/errors";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource, TABLES } from "../../testing/dataSource";
import { cloneProject } from "../support/processes";
import { describeSchema } from "../support/snapshot";

let project: ReturnType<typeof cloneProject>;

before(() => {
	project = cloneProject();
});
after(() => project.remove());

type Work = (dataSource: WorkspacesDataSource, database: TestDatabase) => Promise<void>;

/** A database as the migrations make it, then changed as if the entities had changed the other way round. */
async function withDrift(drift: readonly string[], work: Work): Promise<void> {
	const database = await createTestDatabase();
	try {
		const dataSource = await openDataSource(database);
		try {
			await dataSource.runMigrations();
			for (const sql of drift) await database.rows(sql);
			await work(dataSource, database);
		} finally {
			await dataSource.destroy();
		}
	} finally {
		await database.drop();
	}
}

/** Writes what separates the database from the entities into the clone; returns its source and the migration. */
async function generate(
	dataSource: WorkspacesDataSource,
	name: string,
	options: GenerateOptions = {},
): Promise<{ source: string; migration: MigrationInterface }> {
	const changes = await compareEntities(dataSource, options);
	assert.ok(changes, "there is something to generate");
	const { file, className } = writeMigration(project.path, name, changes);
	const path = join(project.path, file);
	const exports = (await import(path)) as Record<string, new () => MigrationInterface>;
	const Migration = exports[className];
	assert.ok(Migration, `${file} exports ${className}`);
	return { source: readFileSync(path, "utf8"), migration: new Migration() };
}

/** What each change needs, whether `converge` does it, and what the source says. */
const CHANGES: Record<string, { drift: string[]; options?: GenerateOptions; says: RegExp[] }> = {
	"a new column": {
		drift: ["ALTER TABLE workspaces DROP COLUMN ram_limit", "ALTER TABLE user_api_keys DROP COLUMN openai_key_iv"],
		says: [
			/columns: \[nullable\("ram_limit", "varchar\(20\)", "2g"\)\]/,
			/\/\/ safety-assured: this module made the column.*\n\s+await dropColumns\(queryRunner, \{ table: "workspaces", columns: \[nullable\("ram_limit", "varchar\(20\)", "2g"\)\] \}\)/,
			/columns: \[nullable\("openai_key_iv", "varbinary\(16\)"\)\]/,
		],
	},
	"a new column that must be given": {
		drift: [
			"ALTER TABLE workspaces DROP COLUMN internal_port",
			"ALTER TABLE preview_environments DROP COLUMN expires_at",
		],
		says: [
			/parts: \["ADD `expires_at` timestamp NOT NULL"\]/,
			/dropColumns\(queryRunner, \{\s+table: "preview_environments",\s+columns: \[\{ name: "expires_at", nullable: false/,
		],
	},
	"a longer column": {
		drift: [
			"ALTER TABLE workspaces MODIFY cpu_limit varchar(10) NULL DEFAULT '1'",
			"ALTER TABLE workspaces MODIFY project_name varchar(50) NOT NULL",
		],
		says: [/notNull\("project_name", "varchar\(100\)"\)/, /nullable\("cpu_limit", "varchar\(20\)", "1"\)/],
	},
	"another type": {
		drift: [
			"ALTER TABLE resource_limits MODIFY max_workspaces smallint NULL DEFAULT 2",
			"ALTER TABLE workspaces MODIFY error_message varchar(200) NULL",
		],
		says: [
			/parts: \["MODIFY COLUMN `max_workspaces` int NULL DEFAULT '2'"\]/,
			/parts: \["MODIFY COLUMN `error_message` text NULL"\]/,
			/narrowColumn\(queryRunner, \{\s+table: "workspaces",\s+column: "error_message"/,
		],
	},
	"more values of an ENUM": {
		drift: ["ALTER TABLE workspaces MODIFY status enum('stopped','starting','running') NULL DEFAULT 'stopped'"],
		says: [/nullable\("status", "enum\('stopped','starting','running','stopping','error'\)", "stopped"\)/],
	},
	"another default, and a column that may be NULL": {
		drift: ["ALTER TABLE workspaces ALTER ram_limit SET DEFAULT '4g', MODIFY container_id varchar(64) NOT NULL"],
		says: [/nullable\("container_id", "varchar\(64\)"\)/, /nullable\("ram_limit", "varchar\(20\)", "2g"\)/],
	},
	"a column that updates set": {
		drift: ["ALTER TABLE workspaces MODIFY updated_at timestamp NULL DEFAULT CURRENT_TIMESTAMP"],
		says: [/\{ \.\.\.nullable\("updated_at", "timestamp", "CURRENT_TIMESTAMP"\), onUpdate: true \}/],
	},
	indexes: {
		drift: [
			"ALTER TABLE workspace_logs DROP INDEX idx_created, ADD INDEX idx_gone (action)",
			"ALTER TABLE preview_environments DROP INDEX preview_hash, ADD UNIQUE INDEX preview_hash (preview_hash, user_id)",
		],
		says: [
			/index\("idx_created", "created_at"\)/,
			/unique\("preview_hash", "preview_hash"\)/,
			/parts: \["DROP INDEX `idx_gone`"\]/,
		],
	},
	"a foreign key": {
		drift: ["ALTER TABLE user_api_keys DROP FOREIGN KEY user_api_keys_ibfk_1"],
		says: [
			/foreignKey\("user_api_keys_ibfk_1", "user_id", "dashboard_users", "CASCADE"\)/,
			/parents: \["dashboard_users"\]/,
		],
	},
	"tables that refer to each other": {
		drift: [...TABLES]
			.reverse()
			.filter((table) => table !== "resource_limits")
			.map((table) => `DROP TABLE ${table}`),
		says: [/create: true,\s+parents: \["dashboard_users"\]/, /await dropTables\(queryRunner, \[[^\]]*"workspace_logs"/],
	},
	"a generated column": {
		drift: [
			"ALTER TABLE resource_limits DROP INDEX unique_global_limits",
			"ALTER TABLE resource_limits DROP COLUMN global_row",
		],
		says: [
			/virtual\("global_row", "tinyint", "IF\(user_id IS NULL, 1, NULL\)"\)/,
			/rememberExpression\(queryRunner, "resource_limits"/,
			/dropColumns\(queryRunner, \{\s+table: "resource_limits"/,
		],
	},
	"a new name": {
		drift: [
			"ALTER TABLE workspaces RENAME COLUMN cpu_limit TO cpus",
			"ALTER TABLE workspaces RENAME COLUMN status TO state",
		],
		options: {
			renamed: new Map([
				["workspaces.cpus", "cpu_limit"],
				["workspaces.state", "status"],
			]),
		},
		says: [/renameColumn\(queryRunner, \{ table: "workspaces", from: "cpus", to: "cpu_limit" \}\)/],
	},
	"a column that is gone, when that is meant": {
		drift: ["ALTER TABLE workspaces ADD COLUMN theme varchar(20) NULL"],
		options: { allowDataLoss: true },
		says: [/\/\/ safety-assured: the values of workspaces\.theme are deleted\n\s+parts: \["DROP COLUMN `theme`"\]/],
	},
};

for (const [change, { drift, options, says }] of Object.entries(CHANGES)) {
	test(`generated for ${change}: up, down and up again, linted and formatted`, async () => {
		await withDrift(drift, async (dataSource, database) => {
			const name = change.replace(/\W+(\w)/g, (_found, letter: string) => letter.toUpperCase());
			const className = name[0]?.toUpperCase() + name.slice(1);
			const before = await describeSchema(database);
			const { source, migration } = await generate(dataSource, className, options);
			for (const pattern of says) assert.match(source, pattern);

			const { migrations, list } = readMigrations(join(project.path, "src", "migrations"));
			assert.deepEqual(lintMigrations(migrations, list), []);

			const queryRunner = dataSource.createQueryRunner();
			try {
				await migration.up(queryRunner);
				assert.equal(await compareEntities(dataSource), undefined, "nothing is left to generate");
				await migration.up(queryRunner);
				await migration.down?.(queryRunner);
				assert.deepEqual(await describeSchema(database), before);
				await migration.up(queryRunner);
				assert.equal(await compareEntities(dataSource), undefined);
			} finally {
				await queryRunner.release();
			}
		});
	});
}

/** A table that an older dashboard made may have the column already, as something else. */
const FOUND: Record<string, { column: string; becomes?: string; refused?: RegExp }> = {
	"the same type": { column: "varchar(20) NULL DEFAULT '2g'", becomes: "varchar(20)" },
	"a shorter one": { column: "varchar(8) NULL", becomes: "varchar(20)" },
	"a longer one": {
		column: "varchar(90) NULL",
		refused: /workspaces\.ram_limit is varchar\(90\) NULL, expected varchar\(20\)/,
	},
	"another type": { column: "text NULL", refused: /workspaces\.ram_limit is text NULL, expected varchar\(20\) NULL/ },
};

test("a generated column is right in a table that has it already: adopted, widened, or refused", async () => {
	await withDrift(["ALTER TABLE workspaces DROP COLUMN ram_limit"], async (dataSource, database) => {
		const { migration } = await generate(dataSource, "AddFoundColumn");
		const queryRunner = dataSource.createQueryRunner();
		const definition = async () => (await describeSchema(database))["columns"]?.find(isRamLimit) as { type?: string };
		const isRamLimit = (column: unknown) => (column as { name: string }).name === "ram_limit";
		try {
			for (const [what, { column, becomes, refused }] of Object.entries(FOUND)) {
				await database.rows(`ALTER TABLE workspaces ADD COLUMN ram_limit ${column}`);
				const before = await definition();
				if (refused) {
					await assert.rejects(migration.up(queryRunner), refused, what);
					assert.deepEqual(await definition(), before, what);
				} else {
					await migration.up(queryRunner);
					assert.equal((await definition()).type, becomes, what);
					assert.equal(await compareEntities(dataSource), undefined, what);
				}
				await database.rows("ALTER TABLE workspaces DROP COLUMN ram_limit");
			}
		} finally {
			await queryRunner.release();
		}
	});
});

const LOSSES: Record<string, { drift: string[]; statement: RegExp; says: RegExp }> = {
	"a column that is in no entity": {
		drift: ["ALTER TABLE workspaces ADD COLUMN theme varchar(20) NULL"],
		statement: /^ALTER TABLE `workspaces` DROP COLUMN `theme`$/,
		says: /the values of workspaces\.theme are deleted/,
	},
	"what may be a rename": {
		drift: ["ALTER TABLE workspaces RENAME COLUMN cpu_limit TO cpus"],
		statement: /^ALTER TABLE `workspaces` DROP COLUMN `cpus`$/,
		says: /If cpu_limit is its new name: npm run migration:generate -- <Name> --rename workspaces\.cpus=cpu_limit/,
	},
	"a shorter column": {
		drift: ["ALTER TABLE workspaces MODIFY cpu_limit varchar(60) NULL DEFAULT '1'"],
		statement: /MODIFY COLUMN `cpu_limit` varchar\(20\)/,
		says: /values may be longer than 20/,
	},
	"a narrower type": {
		drift: ["ALTER TABLE workspaces MODIFY assigned_port bigint NULL"],
		statement: /MODIFY COLUMN `assigned_port` int/,
		says: /values of bigint may be refused or changed as int/,
	},
	"an ENUM value less": {
		drift: [
			"ALTER TABLE workspaces MODIFY status enum('paused','stopped','starting','running','stopping','error') NULL DEFAULT 'stopped'",
		],
		statement: /MODIFY COLUMN `status` enum/,
		says: /rows may hold 'paused'/,
	},
	"a column that must not be NULL any more": {
		drift: ["ALTER TABLE workspaces MODIFY project_name varchar(100) NULL"],
		statement: /MODIFY COLUMN `project_name` varchar\(100\) NOT NULL/,
		says: /rows that hold NULL there/,
	},
};

for (const [what, { drift, statement, says }] of Object.entries(LOSSES)) {
	test(`refused: ${what}`, async () => {
		await withDrift(drift, async (dataSource) => {
			await assert.rejects(compareEntities(dataSource), (error: unknown) => {
				assert.ok(error instanceof LossyChangeError);
				assert.equal(error.changes.length, 1);
				assert.match(error.changes[0]?.statement ?? "", statement);
				assert.match(error.message, says);
				assert.match(error.message, /--allow-data-loss/);
				return true;
			});
			assert.ok(await compareEntities(dataSource, { allowDataLoss: true }), "unless it is meant");
		});
	});
}

test("nothing is generated from what the migrations make", async () => {
	await withDrift([], async (dataSource) => assert.equal(await compareEntities(dataSource), undefined));
});

test("a migration is listed last, with a later timestamp than all, whatever the clock says", () => {
	const list =
		'import { A1000000000001 } from "./1000000000001-A";\n\nexport const migrations = [\n\tA1000000000001,\n];\n';
	assert.equal(nextTimestamp(list, 5), 1000000001001);
	assert.equal(nextTimestamp(list, 2000000000000), 2000000000000);
	assert.equal(
		register(list, "1000000001001-B.ts", "B1000000001001"),
		'import { A1000000000001 } from "./1000000000001-A";\nimport { B1000000001001 } from "./1000000001001-B";\n\n' +
			"export const migrations = [\n\tA1000000000001,\n\tB1000000001001,\n];\n",
	);
	assert.throws(() => register("nothing", "f.ts", "F"), /has no list/);
});
