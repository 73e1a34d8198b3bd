import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { migrate } from "../../src";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { openPlainDataSource } from "../../testing/dataSource";
import { ADOPTION_CASES, installOldDashboard, type OldDashboard } from "../../testing/oldDashboard";
import { dumpRows } from "../support/snapshot";

let database: TestDatabase;
/** Owner of workspace 1, in which bob has a preview and a log entry, and which he used last. */
let ada: number;
let bob: number;

type Rows = Awaited<ReturnType<typeof dumpRows>>;

/** What each key does to the rows of its table when their parent goes. */
const CASES: Readonly<
	Record<string, { delete: "ada" | "bob" | "workspace"; gone: Record<string, number[]>; cleared?: [string, number[]] }>
> = {
	"workspaces_ibfk_1 (user_id)": { delete: "ada", gone: { workspaces: [1] } },
	"workspaces_ibfk_2 (last_accessed_by)": {
		delete: "bob",
		gone: { workspaces: [2] },
		cleared: ["workspaces.last_accessed_by", [1]],
	},
	"user_api_keys_ibfk_1 (user_id)": { delete: "ada", gone: { user_api_keys: [1] } },
	"preview_environments_ibfk_1 (workspace_id)": { delete: "workspace", gone: { preview_environments: [1, 2] } },
	"preview_environments_ibfk_2 (user_id)": { delete: "bob", gone: { preview_environments: [2, 3] } },
	"workspace_logs_ibfk_1 (workspace_id)": {
		delete: "workspace",
		gone: { workspace_logs: [] },
		cleared: ["workspace_logs.workspace_id", [1, 2]],
	},
	"workspace_logs_ibfk_2 (user_id)": { delete: "bob", gone: { workspace_logs: [2, 3] } },
	"resource_limits_ibfk_1 (user_id)": { delete: "ada", gone: { resource_limits: [11] } },
};

async function insert(table: string, row: Record<string, unknown>): Promise<void> {
	await database.connection.query(`INSERT INTO ${table} SET ?`, [row]);
}

/** Makes the tables, fresh or adopted, and gives both users rows in each. */
async function prepare(old: OldDashboard | undefined): Promise<void> {
	database = await createTestDatabase();
	if (old) {
		await installOldDashboard(database, old);
		for (const table of ["dashboard_users", "workspace_logs", "resource_limits"]) {
			await database.connection.query(`DELETE FROM ${table}`);
		}
	}
	[ada = 0, bob = 0] = await addUsers(database, "ada", "bob");
	const dataSource = await openPlainDataSource(database);
	await migrate(dataSource).finally(() => dataSource.destroy());
	await fill();
}

async function fill(): Promise<void> {
	const project = { project_name: "shop" };
	await insert("workspaces", { id: 1, user_id: ada, last_accessed_by: bob, ...project });
	await insert("workspaces", { id: 2, user_id: bob, last_accessed_by: bob, ...project });
	await insert("user_api_keys", { id: 1, user_id: ada });
	await insert("user_api_keys", { id: 2, user_id: bob });
	const preview = { ...project, expires_at: "2030-01-01" };
	await insert("preview_environments", { id: 1, workspace_id: 1, user_id: ada, preview_hash: "a", ...preview });
	await insert("preview_environments", { id: 2, workspace_id: 1, user_id: bob, preview_hash: "b", ...preview });
	await insert("preview_environments", { id: 3, workspace_id: 2, user_id: bob, preview_hash: "c", ...preview });
	const log = { ...project, action: "start" };
	await insert("workspace_logs", { id: 1, workspace_id: 1, user_id: ada, ...log });
	await insert("workspace_logs", { id: 2, workspace_id: 1, user_id: bob, ...log });
	await insert("workspace_logs", { id: 3, workspace_id: 2, user_id: bob, ...log });
	await insert("workspace_logs", { id: 4, workspace_id: null, user_id: ada, ...log });
	await insert("resource_limits", { id: 11, user_id: ada });
	await insert("resource_limits", { id: 12, user_id: bob });
}

async function remove(what: "ada" | "bob" | "workspace"): Promise<void> {
	if (what === "workspace") await database.connection.query("DELETE FROM workspaces WHERE id = 1");
	else await database.connection.query("DELETE FROM dashboard_users WHERE id = ?", [what === "ada" ? ada : bob]);
}

function goneFrom(table: string, earlier: Rows, later: Rows): unknown[] {
	const left = new Set(later[table]?.map((row) => row["id"]));
	return (earlier[table] ?? []).map((row) => row["id"]).filter((id) => !left.has(id));
}

const DATABASES: Readonly<Record<string, OldDashboard | undefined>> = {
	"a fresh database": undefined,
	...ADOPTION_CASES,
};

for (const [name, old] of Object.entries(DATABASES)) {
	describe(`what goes with a row that others refer to, in what was ${name}`, () => {
		before(() => prepare(old));
		after(() => database.drop());
		beforeEach(() => database.connection.beginTransaction());
		afterEach(() => database.connection.rollback());

		for (const [key, { delete: what, gone, cleared }] of Object.entries(CASES)) {
			it(`is as the contract has it for ${key}`, async () => {
				const earlier = await dumpRows(database);
				await remove(what);
				const later = await dumpRows(database);
				for (const [table, ids] of Object.entries(gone)) assert.deepEqual(goneFrom(table, earlier, later), ids, table);
				if (!cleared) return;
				const [table = "", column = ""] = cleared[0].split(".");
				const before = earlier[table]?.filter((row) => cleared[1].includes(Number(row["id"]))) ?? [];
				const found = later[table]?.filter((row) => cleared[1].includes(Number(row["id"])));
				assert.ok(before.length > 0 && before.every((row) => row[column] !== null));
				const expected = before.map((row) => ({ ...row, [column]: null }));
				assert.deepEqual(withoutUpdatedAt(found), withoutUpdatedAt(expected));
			});
		}

		it("is covered key by key", async () => {
			const keys = await database.rows<{ name: string }>(
				`SELECT CONCAT(CONSTRAINT_NAME, ' (', COLUMN_NAME, ')') AS name FROM information_schema.KEY_COLUMN_USAGE
			WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL`,
			);
			assert.deepEqual(keys.map((key) => key.name).sort(), Object.keys(CASES).sort());
		});

		it("leaves everything of the other users and the global limits", async () => {
			const earlier = await dumpRows(database);
			await remove("ada");
			const later = await dumpRows(database);
			assert.deepEqual(later["user_api_keys"], [earlier["user_api_keys"]?.[1]]);
			assert.deepEqual(later["workspaces"], [earlier["workspaces"]?.[1]]);
			assert.deepEqual(later["preview_environments"], [earlier["preview_environments"]?.[2]]);
			const logs = earlier["workspace_logs"] ?? [];
			assert.deepEqual(later["workspace_logs"], [{ ...logs[1], workspace_id: null }, logs[2]]);
			const limited = later["resource_limits"]?.map((row) => row["user_id"]);
			assert.equal(limited?.length, 2);
			assert.deepEqual(new Set(limited), new Set([null, bob]));
		});

		it("does not let a parent's id change while rows refer to it", async () => {
			const changes = [
				"UPDATE dashboard_users SET id = 9001 WHERE username = 'ada'",
				"UPDATE dashboard_users SET id = 9002 WHERE username = 'bob'",
				"UPDATE workspaces SET id = 9003 WHERE id = 1",
			];
			const earlier = await dumpRows(database);
			for (const sql of changes) await assert.rejects(database.connection.query(sql), { errno: 1451 }, sql);
			assert.deepEqual(await dumpRows(database), earlier);
		});
	});
}

/** Whether a cascade counts as an update differs between the servers. */
function withoutUpdatedAt(rows: readonly Record<string, unknown>[] | undefined): unknown[] {
	return (rows ?? []).map(({ updated_at: _, ...row }) => row);
}
