import type { ResultSetHeader } from "mysql2";
import type { DataSource, ObjectLiteral, SelectQueryBuilder } from "typeorm";
import { aliasOf, entityReader, expressionsOf, type Selection } from "./selection";
import { type EntityClass, type Statement, statement } from "./statement";

/** SQL by property; names of properties in it become those of columns. */
export type Expressions<Entity> = { readonly [Property in keyof Entity & string]?: string };

/** What a statement that changes rows did. */
export interface Change {
	/** The rows that the condition found, changed or not. */
	readonly affected: number;
	/** Of the row inserted; else 0. */
	readonly id: number;
}

/** A SELECT whose rows become entities; dates are read as instants, whatever the session's time zone is. */
export function select<Entity extends ObjectLiteral>(
	entity: EntityClass<Entity>,
	selection: Selection<Entity>,
): Statement<Entity[]> {
	const { where, owner, orderBy = {}, index, end = "" } = selection;
	const text = (dataSource: DataSource) => {
		const metadata = dataSource.getMetadata(entity);
		const alias = aliasOf(entity);
		const query = dataSource.createQueryBuilder(entity, alias).select([]);
		for (const { sql, name } of expressionsOf(alias, metadata, selection)) query.addSelect(sql, name);
		if (owner) query.innerJoin(`${alias}.user`, "user");
		if (index) query.useIndex(index);
		if (where) query.where(where);
		return `${query.orderBy({ ...orderBy }).getQuery()} ${end}`;
	};
	return statement(entity, text, (metadata) => ({
		row: entityReader(entity, metadata, selection),
		whole: (entities) => entities as Entity[],
	}));
}

/** A SELECT whose rows are taken as they come. */
export function rows<Row>(entity: EntityClass, text: (dataSource: DataSource) => string): Statement<Row[]> {
	return statement(entity, text, () => ({ whole: (answer) => answer as Row[] }));
}

export function insert<Entity extends ObjectLiteral>(
	entity: EntityClass<Entity>,
	values: Expressions<Entity>,
): Statement<Change> {
	return change(entity, (dataSource) => insertText(dataSource, entity, values));
}

/** An INSERT that changes the row that is there instead, where a unique index finds one. */
export function upsert<Entity extends ObjectLiteral>(
	entity: EntityClass<Entity>,
	values: Expressions<Entity>,
	changes: Expressions<Entity>,
): Statement<Change> {
	return change(entity, (dataSource) => {
		const metadata = dataSource.getMetadata(entity);
		const set = Object.entries(changes).map(([property, sql]) => {
			const column = metadata.findColumnWithPropertyName(property);
			return `${dataSource.driver.escape(column?.databaseName ?? property)} = ${sql}`;
		});
		return `${insertText(dataSource, entity, values)} ON DUPLICATE KEY UPDATE ${set.join(", ")}`;
	});
}

/** An INSERT of what a query finds, which may be nothing. */
export function insertSelected<Entity extends ObjectLiteral>(
	entity: EntityClass<Entity>,
	values: Expressions<Entity>,
	from: (query: SelectQueryBuilder<ObjectLiteral>) => SelectQueryBuilder<ObjectLiteral>,
): Statement<Change> {
	return change(entity, (dataSource) => {
		const { columns } = dataSource.getMetadata(entity);
		const query = from(dataSource.createQueryBuilder().select([]));
		const inserted = columns.filter(({ propertyName }) => propertyName in values);
		// In parentheses no expression is a mere column, which TypeORM would put before the others.
		for (const { propertyName } of inserted) query.addSelect(`(${values[propertyName]})`);
		const into = inserted.map(({ propertyName }) => propertyName);
		return dataSource.createQueryBuilder().insert().into(entity, into).valuesFromSelect(query).getQuery();
	});
}

export function update<Entity extends ObjectLiteral>(
	entity: EntityClass<Entity>,
	set: Expressions<Entity>,
	where: string,
): Statement<Change> {
	return change(entity, (dataSource) =>
		dataSource.createQueryBuilder().update(entity).set(functions(set)).where(where).getQuery(),
	);
}

/** @param end what follows the condition: an order, a limit */
export function remove(entity: EntityClass, where: string, end = ""): Statement<Change> {
	return change(entity, (dataSource) => {
		return `${dataSource.createQueryBuilder().delete().from(entity).where(where).getQuery()} ${end}`;
	});
}

function change(entity: EntityClass, text: (dataSource: DataSource) => string): Statement<Change> {
	const whole = (answer: unknown): Change => {
		const { affectedRows, insertId } = answer as ResultSetHeader;
		return { affected: affectedRows, id: insertId };
	};
	return statement(entity, text, () => ({ whole }));
}

function insertText<Entity extends ObjectLiteral>(
	dataSource: DataSource,
	entity: EntityClass<Entity>,
	values: Expressions<Entity>,
): string {
	return dataSource
		.createQueryBuilder()
		.insert()
		.into(entity, Object.keys(values))
		.values(functions(values))
		.getQuery();
}

/** TypeORM takes what a function returns as SQL. */
function functions(expressions: Readonly<Record<string, string | undefined>>): Record<string, () => string> {
	return Object.fromEntries(Object.entries(expressions).map(([property, sql]) => [property, () => sql ?? "NULL"]));
}
