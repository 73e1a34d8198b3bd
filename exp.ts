import { createTestDatabase, addUsers, type TestDatabase } from "./testing/database";
import { withDataSource } from "./testing/dataSource";
import { installOldDashboard, oldTables } from "./testing/oldDashboard";
import { describeSchema, snapshot, dumpRows } from "./test/support/snapshot";
import { migrate, plan, revert, check } from "./src";

const q = (...sqls: string[]) => async (db: TestDatabase) => { await installOldDashboard(db); for (const s of sqls) await db.connection.query(s); };
const noFk = /,?\s*(CONSTRAINT `\w+` )?FOREIGN KEY[^,]*?\) ON DELETE (CASCADE|SET NULL)/g;
const noKeys = async (db: TestDatabase) => { for (const sql of oldTables()) await db.connection.query(sql.replaceAll(noFk, "")); };
const CASES: Record<string, (db: TestDatabase) => Promise<unknown>> = {
	plain: q(),
	fulltext: q("ALTER TABLE workspaces ADD FULLTEXT INDEX ft (project_name)"),
	partitioned: async (db) => { await noKeys(db); await db.connection.query("ALTER TABLE workspace_logs PARTITION BY HASH(id) PARTITIONS 3"); },
	versioned: q("ALTER TABLE workspace_logs ADD SYSTEM VERSIONING"),
	versioned2: q("ALTER TABLE workspaces ADD SYSTEM VERSIONING"),
	versionedLimits: q("ALTER TABLE resource_limits ADD SYSTEM VERSIONING"),
	compressed: q("ALTER TABLE workspace_logs ROW_FORMAT=COMPRESSED"),
	redundant: q("ALTER TABLE workspaces ROW_FORMAT=REDUNDANT"),
	enumMiddle: q("ALTER TABLE workspace_logs MODIFY action ENUM('x','create','start','stop','delete','sync_to_project','sync_from_project','preview_create','preview_delete','timeout','error') NOT NULL"),
	triggers: q("CREATE TRIGGER tr BEFORE INSERT ON workspaces FOR EACH ROW SET NEW.container_id = 'x'"),
	view: q("CREATE VIEW v AS SELECT * FROM workspaces"),
	comment: q("ALTER TABLE workspaces MODIFY project_name VARCHAR(50) NOT NULL COMMENT 'note', MODIFY container_name VARCHAR(40) CHARACTER SET latin1 NULL"),
	fkOwner: q("ALTER TABLE workspaces ADD COLUMN team INT NULL, ADD CONSTRAINT workspaces_ibfk_2x FOREIGN KEY (team) REFERENCES dashboard_users (id)"),
	refer: q("CREATE TABLE notes (id INT PRIMARY KEY, w INT, FOREIGN KEY (w) REFERENCES workspaces (id))"),
	latin1: q("ALTER TABLE workspace_logs CONVERT TO CHARACTER SET latin1"),
	manyInstant: async (db) => { await installOldDashboard(db); for (let i = 0; i < 70; i++) await db.connection.query(`ALTER TABLE workspaces ADD COLUMN c${i} INT NULL, ALGORITHM=INSTANT`); for (let i = 0; i < 70; i++) await db.connection.query(`ALTER TABLE workspaces DROP COLUMN c${i}, ALGORITHM=INSTANT`); await db.connection.query("ALTER TABLE workspaces DROP COLUMN code_server_password_iv, ALGORITHM=INSTANT"); },
	manyIndexes: q(`ALTER TABLE workspaces ${Array.from({ length: 58 }, (_, i) => `ADD INDEX i${i} (container_id, container_name(${i + 1}))`).join(", ")}`),
	wide: async (db) => { await installOldDashboard(db, {draft: true}); await db.connection.query("ALTER TABLE workspaces ADD COLUMN w1 VARCHAR(16000) NULL"); },
	zeroDates: async (db) => { await installOldDashboard(db); await db.connection.query("SET SESSION sql_mode=''"); await db.connection.query("UPDATE workspaces SET last_activity = '0000-00-00 00:00:00' LIMIT 1; ALTER TABLE workspaces MODIFY project_name VARCHAR(50) NOT NULL"); },
	emptyStatus: async (db) => { await installOldDashboard(db); await db.connection.query("SET SESSION sql_mode=''"); await db.connection.query("UPDATE workspaces SET status = 'nonsense' LIMIT 1; UPDATE workspace_logs SET action = 'nonsense' LIMIT 1"); },
	jsonNoCheck: q("ALTER TABLE workspace_logs MODIFY details LONGTEXT NULL"),
	generatedOwn: q("ALTER TABLE workspaces ADD COLUMN g INT GENERATED ALWAYS AS (user_id + 1) STORED, ADD COLUMN v2 INT GENERATED ALWAYS AS (user_id + 2) VIRTUAL"),
	checkConstraint: q("ALTER TABLE workspaces ADD CONSTRAINT ck CHECK (internal_port > 0)"),
	checkOnEnum: q("ALTER TABLE workspace_logs ADD CONSTRAINT ck CHECK (action <> 'x')"),
	invisible: q("ALTER TABLE workspaces ADD COLUMN inv INT NULL INVISIBLE"),
	spaces: q("ALTER TABLE workspaces ADD COLUMN `a b``c'd` INT NULL, ADD INDEX `i x` (`a b``c'd`)"),
	fkOnOurIndexes: q("ALTER TABLE preview_environments ADD COLUMN x INT NULL, ADD CONSTRAINT f9 FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE RESTRICT"),
	encrypted: q("ALTER TABLE workspaces COMMENT='x'"),
	childTrigger: q("CREATE TRIGGER tr2 AFTER DELETE ON resource_limits FOR EACH ROW UPDATE dashboard_users SET username = username"),
	stopTrigger: q("CREATE TRIGGER tr3 BEFORE DELETE ON resource_limits FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT='no'"),
	stopInsert: async (db) => { await installOldDashboard(db); await db.connection.query("DELETE FROM resource_limits WHERE user_id IS NULL; CREATE TRIGGER tr4 BEFORE INSERT ON resource_limits FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT='no'"); },
};
async function main() {
	const only = process.argv[2];
	let fresh: unknown;
	{ const db = await createTestDatabase(); await withDataSource(db, {}, (d) => d.runMigrations()); fresh = await describeSchema(db); await db.drop(); }
	for (const [name, prepare] of Object.entries(CASES)) {
		if (only && name !== only) continue;
		const db = await createTestDatabase();
		try {
			try { await prepare(db); } catch (e) { console.log(name.padEnd(16), "n/a", String((e as Error).message).slice(0, 120)); continue; }
			const before = await snapshot(db);
			let outcome = "";
			await withDataSource(db, { tableTimeout: 2 }, async (d) => {
				try {
					const r = await migrate(d, { onEvent: () => undefined });
					const notes = r.report?.tables.flatMap((t) => t.notes) ?? [];
					outcome = "done" + (notes.length ? " NOTES " + notes.join(" | ").slice(0, 300) : "");
					const c = await check(d);
					if (!c.ok) outcome += "\n                    CHECK: " + c.items.filter((i) => !i.ok).map((i) => i.name + ": " + i.details.join("; ")).join(" / ").slice(0, 400);
					await revert(d, { all: true, allowDataLoss: true, onEvent: () => undefined }).catch((e) => { outcome += "\n                    REVERT: " + String(e.message).slice(0, 300); });
				} catch (e) {
					const after = await snapshot(db);
					const same = JSON.stringify(after) === JSON.stringify(before);
					outcome = (same ? "refused unchanged: " : "BROKEN: ") + String((e as Error).message).slice(0, 400);
				}
			});
			console.log(name.padEnd(16), outcome);
		} finally { await db.drop(); }
	}
}
main();
