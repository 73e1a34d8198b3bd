import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DataSource, EntityTarget, ObjectLiteral } from "typeorm";
import { migrate } from "../../src";
import {
	DashboardUser,
	entities,
	PreviewEnvironment,
	ResourceLimit,
	UserApiKey,
	Workspace,
	WorkspaceLog,
} from "../../src/entities";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource } from "../../testing/dataSource";

let database: TestDatabase;
let dataSource: DataSource;
let ada: DashboardUser;
let bob: DashboardUser;
let workspace: Workspace;

const expiresAt = new Date(Date.UTC(2030, 0, 1));

function save<Entity extends ObjectLiteral>(target: EntityTarget<Entity>, values: Partial<Entity>): Promise<Entity> {
	const repository = dataSource.getRepository(target);
	return repository.save(Object.assign(repository.create(), values));
}

/** Loads one relation of the one row that an id names. */
async function load(target: EntityTarget<ObjectLiteral>, id: number, relation: string): Promise<unknown> {
	const found = await dataSource.getRepository(target).find({ where: { id }, relations: { [relation]: true } });
	assert.equal(found.length, 1);
	return found[0]?.[relation];
}

describe("the relations of the entities", () => {
	before(async () => {
		database = await createTestDatabase();
		await addUsers(database, "ada", "bob");
		dataSource = await openDataSource(database);
		await migrate(dataSource);
		const users = dataSource.getRepository(DashboardUser);
		ada = await users.findOneByOrFail({ username: "ada" });
		bob = await users.findOneByOrFail({ username: "bob" });
		workspace = await save(Workspace, { user: ada, projectName: "shop", lastAccessedByUser: bob });
	});
	after(async () => {
		await dataSource.destroy();
		await database.drop();
	});

	it("are stored in the columns beside them", async () => {
		await save(UserApiKey, { user: bob });
		await save(PreviewEnvironment, { workspace, user: bob, projectName: "shop", previewHash: "h1", expiresAt });
		await save(WorkspaceLog, { workspace, user: bob, projectName: "shop", action: "create" });
		await save(ResourceLimit, { user: bob });
		const stored = {
			workspaces: await database.rows("SELECT user_id, last_accessed_by FROM workspaces"),
			keys: await database.rows("SELECT user_id FROM user_api_keys"),
			previews: await database.rows("SELECT workspace_id, user_id FROM preview_environments"),
			logs: await database.rows("SELECT workspace_id, user_id FROM workspace_logs"),
			limits: await database.rows("SELECT user_id FROM resource_limits ORDER BY id"),
		};
		assert.deepEqual(stored, {
			workspaces: [{ user_id: ada.id, last_accessed_by: bob.id }],
			keys: [{ user_id: bob.id }],
			previews: [{ workspace_id: workspace.id, user_id: bob.id }],
			logs: [{ workspace_id: workspace.id, user_id: bob.id }],
			limits: [{ user_id: null }, { user_id: bob.id }],
		});
	});

	it("lead in both directions to the rows that the columns name", async () => {
		const key = await save(UserApiKey, { userId: ada.id });
		const preview = await save(PreviewEnvironment, {
			workspaceId: workspace.id,
			userId: ada.id,
			projectName: "shop",
			previewHash: "h2",
			expiresAt,
		});
		const log = await save(WorkspaceLog, {
			workspaceId: workspace.id,
			userId: ada.id,
			projectName: "shop",
			action: "start",
		});
		const limit = await save(ResourceLimit, { userId: ada.id });
		const ids: Record<string, [id: number, expected: number[]]> = {
			"PreviewEnvironment.user": [preview.id, [ada.id]],
			"PreviewEnvironment.workspace": [preview.id, [workspace.id]],
			"ResourceLimit.user": [limit.id, [ada.id]],
			"UserApiKey.user": [key.id, [ada.id]],
			"Workspace.lastAccessedByUser": [workspace.id, [bob.id]],
			"Workspace.logs": [workspace.id, await idsOf("workspace_logs")],
			"Workspace.previews": [workspace.id, await idsOf("preview_environments")],
			"Workspace.user": [workspace.id, [ada.id]],
			"WorkspaceLog.user": [log.id, [ada.id]],
			"WorkspaceLog.workspace": [log.id, [workspace.id]],
		};
		assert.equal(ids["Workspace.logs"]?.[1].length, 2);
		assert.equal(ids["Workspace.previews"]?.[1].length, 2);
		const known = entities.flatMap((target) => {
			const { name, relations } = dataSource.getMetadata(target);
			return relations.map((relation) => `${name}.${relation.propertyName}`);
		});
		assert.deepEqual(known.sort(), Object.keys(ids));
		for (const [place, [id, expected]] of Object.entries(ids)) {
			const [entity = "", relation = ""] = place.split(".");
			const target = entities.find(({ name }) => name === entity) ?? assert.fail(entity);
			const loaded = [await load(target, id, relation)].flat() as { id: number }[];
			assert.deepEqual(loaded.map((row) => row.id).sort(numerically), expected, place);
		}
	});

	it("lead nowhere from columns that are NULL", async () => {
		const bare = await save(Workspace, { userId: bob.id, projectName: "bare" });
		const log = await save(WorkspaceLog, { workspaceId: null, userId: bob.id, projectName: "gone", action: "delete" });
		const global = await dataSource.getRepository(ResourceLimit).findOneByOrFail({ globalRow: 1 });
		assert.equal(await load(Workspace, bare.id, "lastAccessedByUser"), null);
		assert.deepEqual(await load(Workspace, bare.id, "logs"), []);
		assert.deepEqual(await load(Workspace, bare.id, "previews"), []);
		assert.equal(await load(WorkspaceLog, log.id, "workspace"), null);
		assert.equal(await load(ResourceLimit, global.id, "user"), null);
	});

	it("can be searched by, and load only what is selected of the other side", async () => {
		const found = await dataSource.getRepository(Workspace).find({
			where: { user: { username: "ada" }, lastAccessedByUser: { username: "bob" } },
			relations: { user: true },
		});
		assert.equal(found.length, 1);
		assert.deepEqual({ ...found[0]?.user }, { id: ada.id, username: "ada", systemUsername: "sys_ada" });
		const joined = await dataSource
			.getRepository(DashboardUser)
			.createQueryBuilder("user")
			.innerJoinAndMapMany("user.workspaces", Workspace, "workspace", "workspace.userId = user.id")
			.getMany();
		assert.deepEqual(joined.map((user) => user.username).sort(), ["ada", "bob"]);
	});
});

async function idsOf(table: string): Promise<number[]> {
	const rows = await database.rows<{ id: number }>(`SELECT id FROM ${table} ORDER BY id`);
	return rows.map((row) => row.id);
}

function numerically(one: number, other: number): number {
	return one - other;
}
