import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { migrate } from "../../src";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { openPlainDataSource } from "../../testing/dataSource";
import { ADOPTION_CASES, installOldDashboard, type OldDashboard } from "../../testing/oldDashboard";
import { columnsOf, foreignKeys, givenValues, type KeyContract } from "../support/contract";
import { dumpRows } from "../support/snapshot";

let database: TestDatabase;

type Rows = Awaited<ReturnType<typeof dumpRows>>;

/** Makes the tables, fresh or adopted. */
async function prepare(old: OldDashboard | undefined): Promise<void> {
	database = await createTestDatabase();
	if (old) await installOldDashboard(database, old);
	const dataSource = await openPlainDataSource(database);
	await migrate(dataSource).finally(() => dataSource.destroy());
}

let users = 0;

/** Inserts a row, each of whose references leads to a row of its own unless it is given, and returns its id. */
async function insert(table: string, references: Readonly<Record<string, number>> = {}): Promise<number> {
	if (table === "dashboard_users") return (await addUsers(database, `user ${++users}`))[0] ?? 0;
	const row = givenValues(table);
	for (const { name, parent } of columnsOf(table)) {
		if (parent) row[name] = references[name] ?? (await insert(parent));
	}
	const [result] = await database.connection.query(`INSERT INTO ${table} SET ?`, [row]);
	return (result as { insertId: number }).insertId;
}

/** Two parents with a child each. */
async function insertFamilies({ table, column, parent }: KeyContract) {
	const [one, other] = [await insert(parent), await insert(parent)];
	const child = await insert(table, { [column]: one });
	await insert(table, { [column]: other });
	return { one, child };
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

		for (const key of foreignKeys()) {
			const { table, column, parent, onDelete } = key;

			it(`${table}.${column}: ${onDelete}, and nothing else changes`, async () => {
				const { one, child } = await insertFamilies(key);
				const expected = withoutUpdatedAt(await dumpRows(database));
				expected[parent] = expected[parent]?.filter(({ id }) => id !== one) ?? [];
				expected[table] = (expected[table] ?? []).flatMap((row) => {
					if (row["id"] !== child) return [row];
					return onDelete === "CASCADE" ? [] : [{ ...row, [column]: null }];
				});
				await database.connection.query(`DELETE FROM ${parent} WHERE id = ?`, [one]);
				assert.deepEqual(withoutUpdatedAt(await dumpRows(database)), expected);
			});

			it(`${table}.${column}: a parent's id does not change`, async () => {
				const { one } = await insertFamilies(key);
				const earlier = await dumpRows(database);
				const change = `UPDATE ${parent} SET id = 9000001 WHERE id = ?`;
				await assert.rejects(database.connection.query(change, [one]), { errno: 1451 });
				assert.deepEqual(await dumpRows(database), earlier);
			});
		}

		it("a user's workspace goes with what others have in it; their own rows and the global limits stay", async () => {
			const [ada, bob] = [await insert("dashboard_users"), await insert("dashboard_users")];
			const workspace = await insert("workspaces", { user_id: ada, last_accessed_by: bob });
			const preview = await insert("preview_environments", { workspace_id: workspace, user_id: bob });
			const log = await insert("workspace_logs", { workspace_id: workspace, user_id: bob });
			const key = await insert("user_api_keys", { user_id: bob });
			const has = async (table: string, id: number) =>
				(await database.rows(`SELECT id FROM ${table} WHERE id = ?`, [id])).length === 1;
			assert.ok((await has("workspaces", workspace)) && (await has("preview_environments", preview)));
			const [limits] = await database.rows("SELECT * FROM resource_limits WHERE user_id IS NULL");
			await database.connection.query("DELETE FROM dashboard_users WHERE id = ?", [ada]);
			assert.equal(await has("workspaces", workspace), false);
			assert.equal(await has("preview_environments", preview), false);
			const [entry] = await database.rows("SELECT workspace_id FROM workspace_logs WHERE id = ?", [log]);
			assert.deepEqual(entry, { workspace_id: null });
			assert.ok(await has("user_api_keys", key));
			assert.deepEqual(await database.rows("SELECT * FROM resource_limits WHERE user_id IS NULL"), [limits]);
		});
	});
}

/** Whether a cascade counts as an update differs between the servers. */
function withoutUpdatedAt(rows: Rows): Rows {
	return Object.fromEntries(
		Object.entries(rows).map(([table, found]) => [table, found.map(({ updated_at: _, ...row }) => row)]),
	);
}
