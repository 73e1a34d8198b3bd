import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { check, MigrationError, migrate } from "../../src";
import { DASHBOARD_USERS_SQL, type TestDatabase } from "../../testing/database";
import { openDataSource, TABLES, withDatabase } from "../../testing/dataSource";
import { installOldDashboard, type OldDashboard } from "../../testing/oldDashboard";
import { describeSchema, dumpRows, onDatabases, snapshot } from "../support/snapshot";

const SEEDS = 200;
/** As many databases at once as keep the server busy while a client computes. */
const DATABASES = 4;

/** A generator of numbers from 0 to 1 that a seed determines (mulberry32, public domain). */
function randomOf(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

interface Choice {
	/** What an owner may have done to an older dashboard's database. */
	readonly sql: readonly string[];
	readonly only?: "mariadb" | "mysql";
}

const one = (...sql: string[]): Choice => ({ sql });

/** Each leaves a database that a run can adopt, or has to refuse; several may meet in one. */
const CHOICES: readonly Choice[] = [
	one("ALTER TABLE workspaces ADD COLUMN owners_note TEXT NULL AFTER user_id"),
	one("ALTER TABLE workspace_logs ADD COLUMN actor INT NOT NULL DEFAULT 0"),
	one("ALTER TABLE preview_environments ADD COLUMN `odd ``name` VARCHAR(9) NULL"),
	one("ALTER TABLE workspaces ADD INDEX own (container_name, status)"),
	one("ALTER TABLE workspaces ADD FULLTEXT INDEX words (project_name)"),
	one("ALTER TABLE workspace_logs ADD FULLTEXT INDEX words (project_name)"),
	one("ALTER TABLE workspaces ADD INDEX idx_project_name (project_name(10))"),
	one("ALTER TABLE workspaces RENAME INDEX idx_status TO Status_Index"),
	one("ALTER TABLE workspaces DROP INDEX idx_last_activity"),
	one(
		"ALTER TABLE workspaces MODIFY status ENUM('paused','stopped','starting','running','stopping','error') DEFAULT 'stopped'",
	),
	one(
		"ALTER TABLE workspaces MODIFY status ENUM('stopped','starting','running','stopping','error','it''s') DEFAULT 'stopped'",
	),
	one("ALTER TABLE workspaces MODIFY project_name VARCHAR(255) NOT NULL"),
	one("ALTER TABLE workspaces MODIFY container_id VARCHAR(60) NULL"),
	one("ALTER TABLE workspaces MODIFY cpu_limit VARCHAR(20) CHARACTER SET latin1 NULL DEFAULT '1'"),
	one("ALTER TABLE workspaces MODIFY container_name VARCHAR(100) NULL COMMENT 'the owner''s'"),
	one("ALTER TABLE workspaces ALTER COLUMN ram_limit SET DEFAULT '4g'"),
	one("ALTER TABLE workspaces MODIFY idle_timeout_minutes INT NOT NULL DEFAULT 30"),
	one("ALTER TABLE preview_environments MODIFY preview_url TEXT NULL"),
	one(
		"CREATE TRIGGER own BEFORE INSERT ON workspaces FOR EACH ROW SET NEW.container_id = COALESCE(NEW.container_id, 'x')",
	),
	one(
		"CREATE TRIGGER own2 AFTER DELETE ON resource_limits FOR EACH ROW UPDATE dashboard_users SET approved = approved",
	),
	one(
		"CREATE TRIGGER own3 BEFORE DELETE ON resource_limits FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'",
	),
	one("CREATE VIEW names AS SELECT id, project_name FROM workspaces"),
	one("CREATE TABLE notes (id INT PRIMARY KEY, w INT, CONSTRAINT own_key FOREIGN KEY (w) REFERENCES workspaces (id))"),
	one("CREATE TABLE migrations_of_another (id INT PRIMARY KEY)"),
	one(
		"ALTER TABLE workspaces ADD COLUMN team INT NULL, ADD CONSTRAINT own FOREIGN KEY (team) REFERENCES dashboard_users (id)",
	),
	one("ALTER TABLE workspaces ADD CONSTRAINT strict_user FOREIGN KEY (user_id) REFERENCES dashboard_users (id)"),
	one("ALTER TABLE workspaces ROW_FORMAT=REDUNDANT"),
	one("ALTER TABLE workspace_logs ROW_FORMAT=COMPRESSED"),
	one("ALTER TABLE workspaces ADD CONSTRAINT positive CHECK (internal_port > 0)"),
	one("ALTER TABLE user_api_keys CONVERT TO CHARACTER SET latin1"),
	one("ALTER TABLE resource_limits CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
	one("ALTER TABLE workspaces ADD COLUMN twice INT GENERATED ALWAYS AS (id * 2) VIRTUAL"),
	one("ALTER TABLE workspaces ADD COLUMN hidden INT NULL INVISIBLE"),
	one("ALTER TABLE user_api_keys DROP FOREIGN KEY user_api_keys_ibfk_1"),
	one(
		"ALTER TABLE user_api_keys DROP FOREIGN KEY user_api_keys_ibfk_1",
		"INSERT INTO user_api_keys (user_id) VALUES (98765)",
	),
	one("ALTER TABLE user_api_keys DROP FOREIGN KEY user_api_keys_ibfk_1", "ALTER TABLE user_api_keys ENGINE=MyISAM"),
	one("DELETE FROM resource_limits WHERE user_id IS NULL"),
	one("UPDATE workspaces SET project_name = REPEAT('長', 90), updated_at = updated_at LIMIT 1"),
	one("SET SESSION sql_mode = ''", "UPDATE workspaces SET status = 'nonsense', updated_at = updated_at LIMIT 1"),
	one(
		"SET SESSION sql_mode = ''",
		"UPDATE workspaces SET last_activity = '0000-00-00', updated_at = updated_at LIMIT 1",
	),
	{ sql: ["ALTER TABLE workspace_logs ADD SYSTEM VERSIONING"], only: "mariadb" },
	{ sql: ["ALTER TABLE resource_limits ADD SYSTEM VERSIONING"], only: "mariadb" },
	{ sql: ["ALTER TABLE workspace_logs MODIFY details LONGTEXT NULL"], only: "mariadb" },
	one(
		"ALTER TABLE workspace_logs DROP FOREIGN KEY workspace_logs_ibfk_1, DROP FOREIGN KEY workspace_logs_ibfk_2",
		"ALTER TABLE workspace_logs PARTITION BY HASH(id) PARTITIONS 3",
	),
];

/** What a seed makes of an empty database; returns what was done, for the words of a failure. */
async function generate(database: TestDatabase, seed: number, family: string): Promise<string[]> {
	const random = randomOf(seed);
	const old: OldDashboard = {
		draft: random() < 0.2,
		explicitTimestamps: random() < 0.8,
		foreignKeyNames: random() < 0.8 ? "ibfk" : "numbers",
		globalRows: Math.floor(random() * 4),
	};
	await installOldDashboard(database, old);
	const done = [JSON.stringify(old)];
	const count = 1 + Math.floor(random() * 4);
	for (let number = 0; number < count; number++) {
		const choice = CHOICES[Math.floor(random() * CHOICES.length)] ?? assert.fail();
		if (choice.only && choice.only !== family) continue;
		for (const sql of choice.sql) {
			// Not each can be done to what another one left.
			const isDone = await database.connection.query(sql).then(
				() => true,
				() => false,
			);
			done.push(isDone ? sql : `(refused) ${sql}`);
		}
	}
	await database.connection.query("SET SESSION sql_mode = DEFAULT");
	return done;
}

type Description = Awaited<ReturnType<typeof describeSchema>>;
type Rows = Awaited<ReturnType<typeof dumpRows>>;

describe("a database as any owner may have it", () => {
	let fresh: Description;
	let family = "";
	before(() =>
		withDatabase(async (database, dataSource) => {
			await migrate(dataSource);
			fresh = await describeSchema(database);
			const [{ version }] = (await database.rows("SELECT VERSION() AS version")) as [{ version: string }];
			family = /mariadb/i.test(version) ? "mariadb" : "mysql";
		}),
	);

	it(`is the fresh schema after a run, with every row kept, or as it was (${SEEDS} seeds)`, async (t) => {
		const failures: string[] = [];
		const outcomes = { done: 0, refused: 0 };
		await onDatabases(
			DATABASES,
			Array.from({ length: SEEDS }, (_, seed) => seed),
			async (seed, database) => {
				await reset(database);
				const done = await generate(database, seed, family);
				try {
					outcomes[await migrated(database)]++;
				} catch (error) {
					failures.push(`seed ${seed}: ${done.join("; ")}\n${error instanceof Error ? error.message : error}`);
				}
			},
		);
		t.diagnostic(`${outcomes.done} adopted, ${outcomes.refused} refused`);
		assert.deepEqual(failures, []);
		assert.ok(outcomes.done > SEEDS / 3 && outcomes.refused > SEEDS / 20);
	});

	async function migrated(database: TestDatabase): Promise<"done" | "refused"> {
		const before = await snapshot(database);
		const rows = await dumpRows(database);
		const dataSource = await openDataSource(database);
		try {
			const refusal = await migrate(dataSource, { onEvent: () => undefined }).then(
				() => undefined,
				(error: unknown) => error,
			);
			if (refusal !== undefined) {
				assert.ok(refusal instanceof MigrationError, String(refusal));
				const after = await snapshot(database);
				assert.equal(JSON.stringify(after), JSON.stringify(before), `not as it was after: ${refusal.message}`);
				return "refused";
			}
			assertFresh(await describeSchema(database), fresh);
			assertSameRows(await dumpRows(database), rows);
			const checked = await check(dataSource);
			assert.ok(checked.ok, JSON.stringify(checked.items.filter((item) => !item.ok)));
			return "done";
		} finally {
			await dataSource.destroy();
		}
	}
});

async function reset({ name, connection }: TestDatabase): Promise<void> {
	await connection.query(
		`DROP DATABASE ${name}; CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; USE ${name}; ${DASHBOARD_USERS_SQL}`,
	);
}

/** Everything of the fresh schema is there, with the same type, nullability, default and rules; more may be. */
function assertFresh(found: Description, fresh: Description): void {
	for (const part of ["columns", "indexes", "foreignKeys"] as const) {
		const known = new Set(found[part]?.map((row) => essence(row as Row)));
		const missing = (fresh[part] ?? []).map((row) => essence(row as Row)).filter((row) => !known.has(row));
		assert.deepEqual(missing, []);
	}
}

type Row = Record<string, unknown>;

/** What an owner may have changed of it is left out: where it stands, how it is stored, and further ENUM values. */
function essence(row: Row): string {
	const { position: _, comment: __, charset: ___, collation: ____, ...rest } = row;
	const type = String(rest["type"] ?? "");
	return JSON.stringify(type.startsWith("enum(") ? { ...rest, type: "enum" } : rest);
}

/** Of several global rows the first one stays; what came new is not compared. */
function assertSameRows(after: Rows, before: Rows): void {
	for (const table of [...TABLES, "dashboard_users"]) {
		const rows = before[table] ?? [];
		const firstGlobal = rows.find((row) => row["user_id"] === null)?.["id"];
		const isKept = (row: Row) => table !== "resource_limits" || row["user_id"] !== null || row["id"] === firstGlobal;
		const kept = rows.filter(isKept);
		const later = new Map(after[table]?.map((row) => [row["id"], row]));
		for (const row of kept) {
			const found = later.get(row["id"]) ?? {};
			// As text, since no zero date equals another.
			const same = Object.fromEntries(Object.keys(row).map((name) => [name, found[name]]));
			assert.equal(JSON.stringify(same), JSON.stringify(row), table);
		}
		const seeded = table === "resource_limits" && firstGlobal === undefined ? 1 : 0;
		assert.equal(later.size, kept.length + seeded, table);
	}
}
