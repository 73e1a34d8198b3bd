import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DataSource } from "typeorm";
import { ResourceLimit, Workspace, WorkspaceLog } from "../../src/entities";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource } from "../../testing/dataSource";
import { dumpRows } from "../support/snapshot";

const NO_ID = 999_999;
const TAKEN = "taken";

/** What must not be stored, and the server's errors of which each is one. */
interface Wrong {
	readonly values: readonly unknown[];
	readonly errors: readonly number[];
	readonly mariadb?: false;
}

const int: Wrong = { values: [2147483648, -2147483649, "abc", "", "1x"], errors: [1264, 1265, 1366] };
const absent: Wrong = { values: [null], errors: [1048] };
/** MariaDB takes NULL for now in a TIMESTAMP that must not be NULL, whatever its settings. */
const absentTime: Wrong = { ...absent, mariadb: false };
const orphan: Wrong = { values: [NO_ID], errors: [1452] };
const repeated: Wrong = { values: [TAKEN], errors: [1062] };
const time: Wrong = {
	values: ["2024-02-30 00:00:00", "2024-13-01", "soon", "", "1969-12-31 23:59:59", "9999-01-01", "0000-00-00"],
	errors: [1292],
};
const text = (length: number): Wrong => ({ values: ["x".repeat(length + 1), "🚀".repeat(length + 1)], errors: [1406] });
const binary = (length: number): Wrong => ({
	values: [Buffer.alloc(length + 1), Buffer.alloc(2000, 255)],
	errors: [1406],
});
/** MariaDB calls a character that no longer fits whole an incorrect one. */
const longText: Wrong = { values: ["x".repeat(65_536), "🚀".repeat(16_384)], errors: [1406, 1366] };
const value: Wrong = { values: ["", "no such value", "running, stopped", 0, 99], errors: [1265] };
const json: Wrong = { values: ["{", "plain", "", "{'a':1}", "[1,]", '{"a":1} {"b":2}'], errors: [3140, 4025] };
const notText: Wrong = { values: [Buffer.from([0xff, 0xfe])], errors: [1366] };
const generated: Wrong = { values: [1, 2], errors: [3105, 1906] };

const id = [int, repeated];
const owner = [int, absent, orphan];
const number = [int];
const blob = [binary(512)];
const iv = [binary(16)];
const name = [text(100), notText];
const limit = [text(20), notText];
const times = [time];

const WRONG: Readonly<Record<string, Readonly<Record<string, readonly Wrong[]>>>> = {
	workspaces: {
		id,
		user_id: owner,
		project_name: [...name, absent, repeated],
		container_id: [text(64)],
		container_name: name,
		status: [value],
		error_message: [longText, notText],
		internal_port: number,
		assigned_port: number,
		cpu_limit: limit,
		ram_limit: limit,
		disk_limit: limit,
		idle_timeout_minutes: number,
		max_lifetime_hours: number,
		last_activity: times,
		last_accessed_by: [int, orphan],
		started_at: times,
		created_at: times,
		updated_at: times,
		code_server_password_encrypted: blob,
		code_server_password_iv: iv,
	},
	user_api_keys: {
		id,
		user_id: [...owner, repeated],
		anthropic_key_encrypted: blob,
		anthropic_key_iv: iv,
		openai_key_encrypted: blob,
		openai_key_iv: iv,
		created_at: times,
		updated_at: times,
	},
	preview_environments: {
		id,
		workspace_id: owner,
		user_id: owner,
		project_name: [...name, absent],
		preview_hash: [text(32), notText, absent, repeated],
		preview_url: [text(255)],
		container_id: [text(64)],
		container_name: name,
		assigned_port: number,
		status: [value],
		error_message: [longText, notText],
		expires_at: [time, absentTime],
		password_hash: [text(255)],
		created_at: times,
	},
	workspace_logs: {
		id,
		workspace_id: [int, orphan],
		user_id: owner,
		project_name: [...name, absent],
		action: [value, absent],
		details: [json],
		created_at: times,
	},
	resource_limits: {
		id,
		user_id: [int, orphan, repeated, { values: [null], errors: [1062] }],
		max_workspaces: number,
		default_cpu: limit,
		default_ram: limit,
		default_disk: limit,
		default_idle_timeout: number,
		max_previews_per_workspace: number,
		default_preview_lifetime_hours: number,
		created_at: times,
		updated_at: times,
		global_row: [generated],
	},
};

let database: TestDatabase;
let dataSource: DataSource;
/** A row of each table that may be stored, beside the row with id 1 that is there. */
let right: Record<string, Record<string, unknown>>;
let taken: Record<string, unknown>;

function insert(table: string, row: Record<string, unknown>): Promise<unknown> {
	const columns = Object.keys(row);
	const sql = `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
	return dataSource.query(sql, Object.values(row));
}

async function prepare(): Promise<void> {
	database = await createTestDatabase();
	const [ada, bob] = await addUsers(database, "ada", "bob");
	dataSource = await openDataSource(database);
	await dataSource.runMigrations();
	const expires_at = "2030-01-01 00:00:00";
	right = {
		workspaces: { user_id: ada, project_name: "free" },
		user_api_keys: { user_id: bob },
		preview_environments: { workspace_id: 1, user_id: ada, project_name: "p", preview_hash: "free", expires_at },
		workspace_logs: { workspace_id: 1, user_id: ada, project_name: "p", action: "start" },
		resource_limits: { user_id: bob },
	};
	taken = { user_id: ada, project_name: "taken", preview_hash: "taken" };
	await database.connection.query("UPDATE resource_limits SET id = 500");
	for (const [table, row] of Object.entries(right)) {
		const own = Object.entries(taken).filter(([column]) => column in row);
		await insert(table, { ...row, ...Object.fromEntries(own), id: 1 });
	}
}

describe("wrong input", () => {
	before(prepare);
	after(async () => {
		await dataSource.destroy();
		await database.drop();
	});

	it("is tried on every column", async () => {
		for (const [table, columns] of Object.entries(WRONG)) {
			const found = await database.rows<{ name: string }>(
				`SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS
				WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
				[table],
			);
			const names = found.map((column) => column.name);
			assert.deepEqual(Object.keys(columns).sort(), names.sort(), table);
		}
	});

	it("is told apart from right input", async () => {
		for (const [table, row] of Object.entries(right)) {
			await insert(table, row);
			await database.connection.query(`DELETE FROM ${table} WHERE id NOT IN (1, 500)`);
		}
	});

	for (const [table, columns] of Object.entries(WRONG)) {
		for (const [column, wrong] of Object.entries(columns)) {
			it(`is refused in ${table}.${column}, by INSERT and by UPDATE`, async () => {
				const earlier = await dumpRows(database);
				const kinds = wrong.filter((kind) => kind.mariadb !== false || !isMariadb());
				assert.ok(kinds.length > 0);
				for (const kind of kinds) await refuse(table, column, kind);
				assert.deepEqual(await dumpRows(database), earlier);
			});
		}
	}

	it("is refused where it is left out", async () => {
		const earlier = await dumpRows(database);
		for (const [table, row] of Object.entries(right)) {
			const left = WRONG[table] ?? {};
			for (const column of Object.keys(row).filter((name) => left[name]?.includes(absent))) {
				// An ENUM that must not be NULL has its first value for a default, which no column's definition can take away.
				if (column === "action") continue;
				const { [column]: _, ...rest } = row;
				await assert.rejects(insert(table, rest), { errno: 1364 }, `${table} without ${column}`);
			}
		}
		assert.deepEqual(await dumpRows(database), earlier);
	});

	it("is refused through the entities too", async () => {
		const earlier = await dumpRows(database);
		const workspace = { ...right["workspaces"], userId: Number(right["workspaces"]?.["user_id"]), projectName: "free" };
		const log = { userId: workspace.userId, projectName: "p" };
		const saves = {
			"an unknown status": () =>
				dataSource.getRepository(Workspace).save({ ...workspace, status: "paused" as "running" }),
			"a long project name": () =>
				dataSource.getRepository(Workspace).save({ ...workspace, projectName: "x".repeat(101) }),
			"no project name": () => dataSource.getRepository(Workspace).save({ userId: workspace.userId }),
			"an unknown owner": () => dataSource.getRepository(Workspace).save({ ...workspace, userId: NO_ID }),
			"an unknown action": () => dataSource.getRepository(WorkspaceLog).save({ ...log, action: "sleep" as "stop" }),
			"a second global row": () => dataSource.getRepository(ResourceLimit).save({ userId: null, maxWorkspaces: 3 }),
		};
		for (const [label, save] of Object.entries(saves)) {
			await assert.rejects(save(), { name: "QueryFailedError" }, label);
		}
		assert.deepEqual(await dumpRows(database), earlier);
	});

	it("of the dashboard's own start-up code is refused: a second global row", async () => {
		const earlier = await dumpRows(database);
		assert.equal(earlier["resource_limits"]?.filter((row) => row["user_id"] === null).length, 1);
		const { connection } = database;
		const duplicate = { code: "ER_DUP_ENTRY" };
		await assert.rejects(connection.query("INSERT INTO resource_limits (user_id) VALUES (NULL)"), duplicate);
		await assert.rejects(connection.query("INSERT INTO resource_limits () VALUES ()"), duplicate);
		await assert.rejects(connection.query("UPDATE resource_limits SET user_id = NULL WHERE id = 1"), duplicate);
		assert.deepEqual(await dumpRows(database), earlier);
	});
});

function isMariadb(): boolean {
	return dataSource.options.type === "mariadb";
}

async function refuse(table: string, column: string, { values, errors }: Wrong): Promise<void> {
	const refused = (error: { errno?: number }) => errors.includes(error.errno ?? 0);
	for (const given of values) {
		const wrong = given === TAKEN ? (taken[column] ?? 1) : given;
		const label = `${table}.${column} takes ${JSON.stringify(wrong).slice(0, 80)}`;
		await assert.rejects(insert(table, { ...right[table], [column]: wrong }), refused, label);
		// The row that would be changed is the one that has the value.
		if (given === TAKEN) continue;
		const sql = `UPDATE ${table} SET ${column} = ? WHERE id = 1`;
		await assert.rejects(dataSource.query(sql, [wrong]), refused, label);
	}
}
