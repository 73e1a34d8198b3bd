import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DataSource, DeepPartial, EntityTarget, FindOptionsSelect, ObjectLiteral } from "typeorm";
import { migrate } from "../../src/deploy";
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
/** Users of the host; each test takes its own. */
let ada: number;
let bob: number;

const everyByte = (length: number) => Buffer.from(Array.from({ length }, (_, index) => index % 256));
const widest = (length: number) => "🚀".repeat(length);
const text = (length: number) => [..."'\"\\\n\t%_\0 ", ...widest(length)].slice(0, length).join("");
const time = (day: number) => new Date(Date.UTC(2024, 1, day, 23, 59, 59));

/** Every column of an entity, those included that are not selected by default. */
function everyColumn<Entity extends ObjectLiteral>(target: EntityTarget<Entity>): FindOptionsSelect<Entity> {
	const { columns } = dataSource.getMetadata(target);
	return Object.fromEntries(columns.map((column) => [column.propertyName, true])) as FindOptionsSelect<Entity>;
}

/** Inserts through the repository and reads the row back with every column, as plain data. */
async function roundTrip<Entity extends ObjectLiteral>(
	target: EntityTarget<Entity>,
	values: Partial<Entity>,
): Promise<Record<string, unknown>> {
	const repository = dataSource.getRepository(target);
	const saved = await repository.save(repository.create(values as DeepPartial<Entity>));
	const found = await repository.findOne({
		where: { id: saved["id"] },
		select: everyColumn(target),
	} as Parameters<typeof repository.findOne>[0]);
	assert.ok(found, "the row was found");
	return { ...found };
}

describe("the entities", () => {
	before(async () => {
		database = await createTestDatabase();
		[ada = 0, bob = 0] = await addUsers(database, "ada", "bob");
		dataSource = await openDataSource(database);
		await migrate(dataSource);
	});
	after(async () => {
		await dataSource.destroy();
		await database.drop();
	});

	it("hold a workspace with every column filled to its end", async () => {
		const values = {
			id: 1_000_000,
			userId: ada,
			projectName: widest(100),
			containerId: text(64),
			containerName: widest(100),
			status: "error",
			errorMessage: `${text(100)}${widest(16_000)}`,
			internalPort: -2147483648,
			assignedPort: 2147483647,
			cpuLimit: widest(20),
			ramLimit: "",
			diskLimit: "0",
			idleTimeoutMinutes: 0,
			maxLifetimeHours: -1,
			lastActivity: time(1),
			lastAccessedBy: bob,
			startedAt: new Date(1000),
			createdAt: time(3),
			updatedAt: new Date(2 ** 31 * 1000 - 1000),
			codeServerPasswordEncrypted: everyByte(512),
			codeServerPasswordIv: Buffer.alloc(16),
		} as const satisfies Partial<Workspace>;
		assert.deepEqual(await roundTrip(Workspace, values), values);
		await dataSource.getRepository(Workspace).delete(values.id);
	});

	it("hold a user's keys with every column filled to its end", async () => {
		const values = {
			id: 7,
			userId: ada,
			anthropicKeyEncrypted: everyByte(512),
			anthropicKeyIv: Buffer.alloc(16, 255),
			openaiKeyEncrypted: Buffer.from([0]),
			openaiKeyIv: Buffer.alloc(0),
			createdAt: time(4),
			updatedAt: time(5),
		} satisfies Partial<UserApiKey>;
		assert.deepEqual(await roundTrip(UserApiKey, values), values);
		await dataSource.getRepository(UserApiKey).delete(values.id);
	});

	it("hold a preview with every column filled to its end", async () => {
		const { id: workspaceId } = await roundTrip(Workspace, { userId: ada, projectName: "previewed" });
		const values = {
			id: 8,
			workspaceId: Number(workspaceId),
			userId: bob,
			projectName: text(100),
			previewHash: widest(32),
			previewUrl: widest(255),
			containerId: widest(64),
			containerName: text(100),
			assignedPort: 0,
			status: "expired",
			errorMessage: text(300),
			expiresAt: time(6),
			passwordHash: widest(255),
			createdAt: time(7),
		} as const satisfies Partial<PreviewEnvironment>;
		assert.deepEqual(await roundTrip(PreviewEnvironment, values), values);
	});

	it("hold limits with every column filled to its end", async () => {
		const values = {
			id: 9,
			userId: ada,
			maxWorkspaces: 0,
			defaultCpu: text(20),
			defaultRam: widest(20),
			defaultDisk: "",
			defaultIdleTimeout: 2147483647,
			maxPreviewsPerWorkspace: -2147483648,
			defaultPreviewLifetimeHours: 1,
			createdAt: time(8),
			updatedAt: time(9),
		} satisfies Partial<ResourceLimit>;
		assert.deepEqual(await roundTrip(ResourceLimit, values), { ...values, globalRow: null });
	});

	it("find the global limits that the migration seeded", async () => {
		const [found, ...others] = await dataSource
			.getRepository(ResourceLimit)
			.find({ where: { globalRow: 1 }, select: everyColumn(ResourceLimit) });
		assert.deepEqual(others, []);
		const { id, createdAt, updatedAt, ...limits } = found ?? assert.fail("no global row");
		assert.ok(id > 0 && createdAt && updatedAt);
		assert.deepEqual(limits, {
			userId: null,
			maxWorkspaces: 2,
			defaultCpu: "1",
			defaultRam: "2g",
			defaultDisk: "10g",
			defaultIdleTimeout: 30,
			maxPreviewsPerWorkspace: 3,
			defaultPreviewLifetimeHours: 24,
			globalRow: 1,
		});
	});

	for (const details of [
		{ "key 🚀": 'a "quoted" \\ 🧨 \u0000 \n', "": [], nested: { list: [1, -0.5, 1e21, true, false, null, {}] } },
		{ looksLikeJson: ["123", "true", "null", "{}", '"'] },
		[],
		["🚀", [[]]],
		{},
		0,
		12.5,
		true,
		false,
		"text",
		"",
		"123",
		"null",
		'{"looks": "like JSON"}',
		widest(70_000),
		null,
	]) {
		it(`hold the details ${JSON.stringify(details).slice(0, 60)} of a log entry`, async () => {
			const values = {
				userId: ada,
				workspaceId: null,
				projectName: text(100),
				action: "force_delete" as const,
				details,
			};
			const { id, createdAt, ...found } = await roundTrip(WorkspaceLog, values);
			assert.ok(Number(id) > 0 && createdAt instanceof Date);
			assert.deepEqual(found, values);
		});
	}

	it("take the column's default for what is not given", async () => {
		const required = { userId: bob, projectName: "defaults" };
		const { id, createdAt, updatedAt, ...workspace } = await roundTrip(Workspace, required);
		assert.ok(createdAt instanceof Date && updatedAt instanceof Date);
		assert.deepEqual(workspace, {
			...required,
			containerId: null,
			containerName: null,
			status: "stopped",
			errorMessage: null,
			internalPort: 8080,
			assignedPort: null,
			cpuLimit: "1",
			ramLimit: "2g",
			diskLimit: "10g",
			idleTimeoutMinutes: 30,
			maxLifetimeHours: 24,
			lastActivity: null,
			lastAccessedBy: null,
			startedAt: null,
			codeServerPasswordEncrypted: null,
			codeServerPasswordIv: null,
		});
		const preview = await roundTrip(PreviewEnvironment, {
			...required,
			workspaceId: Number(id),
			previewHash: "defaults",
			expiresAt: time(1),
		});
		assert.equal(preview["status"], "creating");
		assert.ok(preview["createdAt"] instanceof Date);
	});

	it("hold NULL in every column that may be NULL", async () => {
		const { id: workspaceId } = await roundTrip(Workspace, { userId: bob, projectName: "for the preview" });
		const required = {
			userId: bob,
			workspaceId,
			projectName: "nulls",
			previewHash: "nulls",
			expiresAt: time(1),
			action: "stop",
		};
		for (const target of entities.filter((entity) => entity !== DashboardUser)) {
			const { columns, name } = dataSource.getMetadata(target);
			const nulls = columns.filter(
				(column) => column.isNullable && !column.asExpression && column.propertyName !== "userId",
			);
			assert.ok(nulls.length > 0, name);
			const values = Object.fromEntries(
				columns.map(({ propertyName }) => [propertyName, required[propertyName as "userId"]]),
			);
			for (const { propertyName } of nulls) values[propertyName] = null as never;
			const found = await roundTrip<ObjectLiteral>(target, values);
			for (const { propertyName } of nulls) assert.equal(found[propertyName], null, `${name}.${propertyName}`);
		}
	});

	it("leave blobs, IVs and hashes out unless they are asked for", async () => {
		const hidden = {
			Workspace: ["codeServerPasswordEncrypted", "codeServerPasswordIv"],
			UserApiKey: ["anthropicKeyEncrypted", "anthropicKeyIv", "openaiKeyEncrypted", "openaiKeyIv"],
			PreviewEnvironment: ["passwordHash"],
			ResourceLimit: ["globalRow"],
			WorkspaceLog: [],
			DashboardUser: [],
		};
		for (const target of entities) {
			const { columns, name } = dataSource.getMetadata(target);
			const [found] = await dataSource.getRepository<ObjectLiteral>(target).find({ take: 1 });
			const names = columns.map((column) => column.propertyName);
			const expected = names.filter(
				(column) => !hidden[name as keyof typeof hidden].some((secret) => secret === column),
			);
			assert.deepEqual(Object.keys(found ?? {}).sort(), expected.sort(), name);
		}
	});
});
