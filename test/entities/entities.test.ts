import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DataSource, DeepPartial, EntityTarget, FindOptionsSelect, ObjectLiteral } from "typeorm";
import { migrate } from "../../src";
import { ResourceLimit, WorkspaceLog } from "../../src/entities";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource, TABLES } from "../../testing/dataSource";
import { type ColumnContract, columnsOf, foreignKeys, givenValues, UNSELECTED } from "../support/contract";

let database: TestDatabase;
let dataSource: DataSource;
let ada: number;

/** A row of each table that others refer to. */
let parents: Record<string, number>;

/** The one column that may be NULL in one row only, which the migration seeds. */
const ONE_NULL = "resource_limits.user_id";

const everyByte = (length: number) => Buffer.from(Array.from({ length }, (_, index) => index % 256));
const widest = (length: number) => "🚀".repeat(length);
const text = (length: number) => [..."'\"\\\n\t%_\0 ", ...widest(length)].slice(0, length).join("");

function longestValue({ type, length, values, place }: ColumnContract): unknown {
	if (type === "int") return 2 ** 31 - 1;
	if (type === "varchar") return widest(length);
	if (type === "text") return `${text(100)}${widest(16_000)}`;
	if (type === "varbinary") return everyByte(length);
	if (type === "timestamp") return new Date(2 ** 31 * 1000 - 1000);
	if (type === "json") return { text: widest(70_000) };
	return values.at(-1) ?? assert.fail(`${place} has a type that no test knows`);
}

function shortestValue({ type, length, values, place }: ColumnContract): unknown {
	if (type === "int") return -(2 ** 31);
	if (type === "varchar") return length > 20 ? text(20) : "";
	if (type === "text") return "";
	if (type === "varbinary") return Buffer.alloc(0);
	if (type === "timestamp") return new Date(1000);
	if (type === "json") return [];
	return values[0] ?? assert.fail(`${place} has a type that no test knows`);
}

function entityOf(table: string): EntityTarget<ObjectLiteral> {
	const { target } = dataSource.entityMetadatas.find(({ tableName }) => tableName === table) ?? {};
	return target ?? assert.fail(`no entity is mapped to ${table}`);
}

function propertyOf(target: EntityTarget<ObjectLiteral>, { name, place }: ColumnContract): string {
	const { columns } = dataSource.getMetadata(target);
	return (
		columns.find(({ databaseName }) => databaseName === name)?.propertyName ?? assert.fail(`${place} is not mapped`)
	);
}

/** What has to be given of a row. */
function requiredValues(target: EntityTarget<ObjectLiteral>): Record<string, unknown> {
	const required = columnsOf(dataSource.getMetadata(target).tableName).filter(
		({ nullable, isMade, place }) => place === ONE_NULL || !(nullable || isMade),
	);
	return Object.fromEntries(
		required.map((column) => [
			propertyOf(target, column),
			column.parent ? parents[column.parent] : longestValue(column),
		]),
	);
}

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
		[ada = 0] = await addUsers(database, "ada");
		dataSource = await openDataSource(database);
		await migrate(dataSource);
		parents = { dashboard_users: ada };
		const referred = new Set(foreignKeys().map(({ parent }) => parent));
		for (const table of TABLES.filter((name) => referred.has(name))) {
			const target = entityOf(table);
			const given = givenValues(table);
			const own = columnsOf(table).filter(({ name }) => name in given);
			const texts = Object.fromEntries(own.map((column) => [propertyOf(target, column), given[column.name]]));
			const { id } = await roundTrip<ObjectLiteral>(target, { ...requiredValues(target), ...texts });
			parents[table] = Number(id);
		}
	});
	after(async () => {
		await dataSource.destroy();
		await database.drop();
	});

	for (const table of TABLES) {
		for (const [end, makeValue] of Object.entries({ longest: longestValue, shortest: shortestValue })) {
			it(`hold a row of ${table} with the ${end} value in every column`, async () => {
				const target = entityOf(table);
				const values = Object.fromEntries(
					columnsOf(table)
						.filter(({ isMade }) => !isMade)
						.map((column) => [propertyOf(target, column), column.parent ? parents[column.parent] : makeValue(column)]),
				);
				const found = await roundTrip<ObjectLiteral>(target, { ...values, id: 1_000_000 });
				for (const [property, value] of Object.entries(values)) {
					assert.deepEqual(found[property], value, `${table}.${property}`);
				}
				await dataSource.getRepository(target).delete(1_000_000);
			});
		}
	}

	it("find the global limits that the migration seeded", async () => {
		const [found, ...others] = await dataSource
			.getRepository(ResourceLimit)
			.find({ where: { globalRow: 1 }, select: everyColumn(ResourceLimit) });
		assert.deepEqual(others, []);
		const { id, createdAt, updatedAt, ...limits } = found ?? assert.fail("no global row");
		assert.ok(id > 0 && createdAt && updatedAt);
		const expected = columnsOf("resource_limits")
			.filter(({ fallback }) => fallback !== "CURRENT_TIMESTAMP")
			.map((column) => [propertyOf(ResourceLimit, column), column.fallback]);
		assert.deepEqual({ id, ...limits }, { ...Object.fromEntries(expected), id, globalRow: 1 });
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

	for (const table of TABLES) {
		it(`take the defaults of ${table} for what is not given`, async () => {
			const target = entityOf(table);
			const given = requiredValues(target);
			const found = await roundTrip<ObjectLiteral>(target, given);
			for (const column of columnsOf(table).filter(({ isMade }) => !isMade)) {
				const property = propertyOf(target, column);
				if (column.fallback === "CURRENT_TIMESTAMP") assert.ok(found[property] instanceof Date, column.place);
				else assert.deepEqual(found[property], given[property] ?? column.fallback, column.place);
			}
			await dataSource.getRepository(target).delete(found["id"] as number);
		});

		it(`hold NULL in every column of ${table} that may be NULL`, async () => {
			const target = entityOf(table);
			const nulls = columnsOf(table).filter(({ nullable, isMade, place }) => nullable && !isMade && place !== ONE_NULL);
			assert.ok(nulls.length > 0, table);
			const values = Object.fromEntries(nulls.map((column) => [propertyOf(target, column), null]));
			const found = await roundTrip<ObjectLiteral>(target, { ...requiredValues(target), ...values });
			for (const column of nulls) assert.equal(found[propertyOf(target, column)], null, column.place);
			await dataSource.getRepository(target).delete(found["id"] as number);
		});
	}

	it("leave blobs, IVs and hashes out unless they are asked for", async () => {
		for (const table of TABLES) {
			const target = entityOf(table);
			await roundTrip<ObjectLiteral>(target, requiredValues(target));
			const [found] = await dataSource.getRepository(target).find({ take: 1 });
			const expected = columnsOf(table).filter(({ place }) => !UNSELECTED.includes(place));
			const properties = expected.map((column) => propertyOf(target, column));
			assert.deepEqual(Object.keys(found ?? {}).sort(), properties.sort(), table);
		}
	});
});
