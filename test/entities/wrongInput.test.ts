import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DataSource } from "typeorm";
import { ResourceLimit, Workspace, WorkspaceLog } from "../../src/entities";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource, TABLES } from "../../testing/dataSource";
import { type ColumnContract, columnsOf } from "../support/contract";
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
const secondGlobal: Wrong = { values: [null], errors: [1062] };

/** What a column refuses, by what its contract says. */
function wrongFor({ type, length, nullable, isMade, parent, isUnique, place, name }: ColumnContract): readonly Wrong[] {
	if (isMade && name !== "id") return [generated];
	const byType: Readonly<Record<string, readonly Wrong[]>> = {
		int: [int],
		varchar: [text(length), notText],
		text: [longText, notText],
		varbinary: [binary(length)],
		timestamp: [time],
		enum: [value],
		json: [json],
	};
	const wrong = byType[type] ?? assert.fail(`${place} has a type that no test knows`);
	const without = type === "timestamp" ? absentTime : absent;
	return [
		...wrong,
		...(nullable || isMade ? [] : [without]),
		...(parent ? [orphan] : []),
		...(isUnique ? [repeated] : []),
		...(place === "resource_limits.user_id" ? [secondGlobal] : []),
	];
}

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
	const ones = TABLES.map((table) => [table, 1] as const);
	const parents: Record<string, unknown> = { ...Object.fromEntries(ones), dashboard_users: ada };
	right = Object.fromEntries(
		TABLES.map((table) => {
			const given = columnsOf(table).filter((column) => isRequired(column) || (column.parent && column.isUnique));
			const values = given.map(({ name, type, values: [first], parent, isUnique }) => {
				if (parent) return [name, isUnique ? bob : parents[parent]];
				return [name, type === "timestamp" ? "2030-01-01 00:00:00" : (first ?? "free")];
			});
			return [table, Object.fromEntries(values)];
		}),
	);
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

	it("is distinguished from right input", async () => {
		for (const [table, row] of Object.entries(right)) {
			await insert(table, row);
			await database.connection.query(`DELETE FROM ${table} WHERE id NOT IN (1, 500)`);
		}
	});

	for (const column of TABLES.flatMap(columnsOf)) {
		it(`is refused in ${column.place}, by INSERT and by UPDATE`, async () => {
			const earlier = await dumpRows(database);
			const kinds = wrongFor(column).filter((kind) => kind.mariadb !== false || !isMariadb());
			assert.ok(kinds.length > 0);
			for (const kind of kinds) await refuse(column, kind);
			assert.deepEqual(await dumpRows(database), earlier);
		});
	}

	it("is refused where it is left out", async () => {
		const earlier = await dumpRows(database);
		for (const table of TABLES) {
			// An ENUM that must not be NULL has its first value for a default, which no column's definition can take away.
			for (const { name, place } of columnsOf(table).filter((column) => isRequired(column) && column.type !== "enum")) {
				const { [name]: _, ...rest } = right[table] ?? {};
				await assert.rejects(insert(table, rest), { errno: 1364 }, `without ${place}`);
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

function isRequired({ nullable, isMade }: ColumnContract): boolean {
	return !nullable && !isMade;
}

function isMariadb(): boolean {
	return dataSource.options.type === "mariadb";
}

async function refuse({ place, name: column }: ColumnContract, { values, errors }: Wrong): Promise<void> {
	const table = place.slice(0, place.indexOf("."));
	const refused = (error: { errno?: number }) => errors.includes(error.errno ?? 0);
	for (const given of values) {
		const wrong = given === TAKEN ? (taken[column] ?? 1) : given;
		const label = `${place} takes ${JSON.stringify(wrong).slice(0, 80)}`;
		await assert.rejects(insert(table, { ...right[table], [column]: wrong }), refused, label);
		// The row that would be changed is the one that has the value.
		if (given === TAKEN) continue;
		const sql = `UPDATE ${table} SET ${column} = ? WHERE id = 1`;
		await assert.rejects(dataSource.query(sql, [wrong]), refused, label);
	}
}
