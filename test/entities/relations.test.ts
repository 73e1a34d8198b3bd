import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type DataSource, type EntityTarget, getMetadataArgsStorage, type ObjectLiteral } from "typeorm";
import { migrate } from "../../src";
import { DashboardUser, entities, ResourceLimit, Workspace } from "../../src/entities";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource } from "../../testing/dataSource";
import { foreignKeys, givenValues } from "../support/contract";

let database: TestDatabase;
let dataSource: DataSource;
let users = 0;

/** What tests need to know of a relation before there is a DataSource. */
const RELATIONS = getMetadataArgsStorage().relations.filter(({ target }) =>
	entities.some((entity) => entity === target),
);
const nameOf = (target: unknown) => (target as { readonly name: string }).name;
const TO_ONE = RELATIONS.filter(({ relationType }) => relationType === "many-to-one");
const TO_MANY = RELATIONS.filter(({ relationType }) => relationType === "one-to-many");

function relationOf(target: EntityTarget<ObjectLiteral>, property: string) {
	const metadata = dataSource.getMetadata(target);
	return metadata.findRelationWithPropertyPath(property) ?? assert.fail(`${metadata.name}.${property}`);
}

/** Saves a row, each of whose relations leads to a row of its own unless it is given. */
async function save(target: EntityTarget<ObjectLiteral>, given: ObjectLiteral = {}): Promise<ObjectLiteral> {
	const { columns, tableName, manyToOneRelations } = dataSource.getMetadata(target);
	const repository = dataSource.getRepository(target);
	if (target === DashboardUser) {
		const [id] = await addUsers(database, `user ${++users}`);
		return repository.findOneByOrFail({ id });
	}
	const values = givenValues(tableName);
	const row: ObjectLiteral = {};
	for (const { databaseName, propertyName } of columns) {
		if (databaseName in values) row[propertyName] = values[databaseName];
	}
	for (const { propertyName, type } of manyToOneRelations) {
		row[propertyName] = propertyName in given ? given[propertyName] : await save(type);
	}
	return repository.save(repository.create(row));
}

/** Loads one relation of the one row that an id names. */
async function load(target: EntityTarget<ObjectLiteral>, id: unknown, relation: string): Promise<unknown> {
	const found = await dataSource.getRepository(target).find({ where: { id }, relations: { [relation]: true } });
	assert.equal(found.length, 1);
	return found[0]?.[relation];
}

describe("the relations of the entities", () => {
	before(async () => {
		database = await createTestDatabase();
		dataSource = await openDataSource(database);
		await migrate(dataSource);
	});
	after(async () => {
		await dataSource.destroy();
		await database.drop();
	});

	it("are the contract's foreign keys, each with the tables that it joins", () => {
		const mapped = TO_ONE.map(({ target, propertyName }) => {
			const { entityMetadata, joinColumns, inverseEntityMetadata } = relationOf(target, propertyName);
			const [column] = joinColumns;
			return `${entityMetadata.tableName}.${column?.databaseName} -> ${inverseEntityMetadata.tableName}`;
		});
		const keys = foreignKeys().map(({ table, column, parent }) => `${table}.${column} -> ${parent}`);
		assert.deepEqual(mapped.sort(), keys.sort());
		assert.ok(TO_MANY.length > 0);
	});

	for (const { target, propertyName, options } of TO_ONE) {
		const place = `${nameOf(target)}.${propertyName}`;

		it(`${place} is stored in the column beside it, and leads to the row that the column names`, async () => {
			const { entityMetadata, joinColumns, type } = relationOf(target, propertyName);
			const parent = await save(type);
			await save(target);
			const { id } = await save(target, { [propertyName]: parent });
			const column = joinColumns[0]?.databaseName ?? assert.fail(place);
			const sql = `SELECT ${column} AS named FROM ${entityMetadata.tableName} WHERE id = ?`;
			assert.deepEqual(await database.rows(sql, [id]), [{ named: parent["id"] }]);
			const loaded = (await load(target, id, propertyName)) as ObjectLiteral;
			assert.ok(loaded instanceof (type as typeof DashboardUser));
			assert.equal(loaded.id, parent["id"]);
		});

		// A row without a user is the global one, of which there is one.
		if (!options.nullable || target === ResourceLimit) continue;
		it(`${place} leads nowhere from a column that is NULL`, async () => {
			const { id } = await save(target, { [propertyName]: null });
			assert.equal(await load(target, id, propertyName), null);
		});
	}

	for (const { target, propertyName } of TO_MANY) {
		it(`${nameOf(target)}.${propertyName} leads to all rows that refer to it, and to no others`, async () => {
			const { inverseRelation, type } = relationOf(target, propertyName);
			const property = inverseRelation?.propertyName ?? assert.fail(propertyName);
			const parent = await save(target);
			assert.deepEqual(await load(target, parent["id"], propertyName), []);
			const children = [await save(type, { [property]: parent }), await save(type, { [property]: parent })];
			await save(type);
			const loaded = (await load(target, parent["id"], propertyName)) as { id: number }[];
			const ids = (rows: readonly ObjectLiteral[]) => rows.map((row) => row["id"] as number).sort((a, b) => a - b);
			assert.deepEqual(ids(loaded), ids(children));
		});
	}

	it("ResourceLimit.user leads nowhere from the global row", async () => {
		const global = await dataSource.getRepository(ResourceLimit).findOneByOrFail({ globalRow: 1 });
		assert.equal(await load(ResourceLimit, global.id, "user"), null);
	});

	it("can be searched by, and load only what is selected of the other side", async () => {
		const [ada, bob] = [await save(DashboardUser), await save(DashboardUser)];
		const workspace = await save(Workspace, { user: ada, lastAccessedByUser: bob });
		const found = await dataSource.getRepository(Workspace).find({
			where: { user: { username: ada["username"] }, lastAccessedByUser: { username: bob["username"] } },
			relations: { user: true },
		});
		assert.deepEqual(
			found.map(({ id }) => id),
			[workspace["id"]],
		);
		const { id, username, systemUsername } = ada;
		assert.deepEqual({ ...found[0]?.user }, { id, username, systemUsername });
		const joined = await dataSource
			.getRepository(DashboardUser)
			.createQueryBuilder("user")
			.innerJoinAndMapMany("user.workspaces", Workspace, "workspace", "workspace.userId = user.id")
			.where("workspace.id = :id", { id: workspace["id"] })
			.getMany();
		assert.deepEqual(
			joined.map((user) => user.username),
			[username],
		);
	});
});
