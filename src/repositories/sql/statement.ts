import type { DataSource, EntityMetadata, ObjectLiteral } from "typeorm";
import { type Check, checkFor } from "./check";

/** Parameters by name. A missing or undefined one is refused. */
export type Values = Readonly<Record<string, unknown>>;

/** A statement of the module's, built by TypeORM at its first use on a DataSource and kept. */
export interface Statement<Result> {
	readonly entity: EntityClass;
	/** Its text, with `:name` where a value goes, and `:name?` where that may be null. */
	readonly text: (dataSource: DataSource) => string;
	readonly reader: (metadata: EntityMetadata) => Reader<Result>;
	/** By metadata, which a DataSource makes anew when it is initialized again. */
	readonly kept: WeakMap<EntityMetadata, Prepared<Result>>;
}

/** What becomes of the driver's answer. */
export interface Reader<Result> {
	/** In a SELECT of entities: of each row, before the whole. Throws nothing. */
	readonly row?: (row: ObjectLiteral) => unknown;
	readonly whole: (answer: unknown) => Result;
}

export type EntityClass<Entity extends ObjectLiteral = ObjectLiteral> = new () => Entity;

export interface Prepared<Result> {
	readonly sql: string;
	readonly metadata: EntityMetadata;
	readonly parameters: readonly Parameter[];
	readonly reader: Reader<Result>;
}

interface Parameter {
	readonly name: string;
	readonly check: Check;
	/** Whether no log may show it. */
	readonly isSecret: boolean;
}

export function statement<Result>(
	entity: EntityClass,
	text: Statement<Result>["text"],
	reader: Statement<Result>["reader"],
): Statement<Result> {
	return { entity, text, reader, kept: new WeakMap() };
}

const PLACEHOLDER = /(?<![\w:]):([a-z]\w*)(\??)/gi;

export function prepare<Result>(dataSource: DataSource, { entity, text, reader, kept }: Statement<Result>) {
	const metadata = dataSource.getMetadata(entity);
	let prepared = kept.get(metadata);
	if (!prepared) {
		const parameters: Parameter[] = [];
		const sql = text(dataSource).replaceAll(PLACEHOLDER, (_, name: string, optional: string) => {
			const column = metadata.findColumnWithPropertyName(name);
			const given = checkFor(metadata.name, name, column);
			const check: Check = optional ? (value) => (value === null ? null : given(value)) : given;
			parameters.push({ name, check, isSecret: column?.isSelect === false });
			return "?";
		});
		prepared = { sql, metadata, parameters, reader: reader(metadata) };
		kept.set(metadata, prepared);
	}
	return prepared;
}
