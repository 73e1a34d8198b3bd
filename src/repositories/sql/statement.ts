import type { ResultSetHeader } from "mysql2";
import type { DataSource, EntityMetadata, ObjectLiteral } from "typeorm";
import { ConnectionError, RefusedOperationError } from "../../errors";
import { NO_LIMIT } from "../../mysql/session";
import { type Parameter, type ParametersOf, parseParameters } from "./parameters";
import { type Columns, entityReader, selectList } from "./reader";
import { withSessionVariables } from "./sessionVariables";

/** An entity with the name that errors have for it. */
export type EntityClass<Entity extends ObjectLiteral = ObjectLiteral> = (new () => Entity) & {
	readonly entityName: string;
};

type Reader<Result> = (answer: unknown) => Result;

/** Makes what a statement returns of the driver's answer, or of each row of it. */
type Readers<Result> = { readonly read: Reader<Result>; readonly readRow?: (row: ObjectLiteral) => unknown };

/** A statement, prepared at its first use on a DataSource and cached. Its parameters are those of its text. */
export interface Statement<Result, Parameters = unknown> {
	readonly entity: EntityClass;
	/** With `:name` where a value goes, and `:name?` where that may be null. */
	readonly text: (metadata: EntityMetadata) => string;
	readonly readers: (metadata: EntityMetadata) => Readers<Result>;
	/** By metadata, which a DataSource makes anew when it is initialized again. */
	readonly cache: WeakMap<EntityMetadata, Prepared<Result>>;
	/** For the compiler alone. */
	readonly takes?: (parameters: Parameters) => void;
}

/** What is sent for a statement, and what becomes of the driver's answer. */
export interface Prepared<Result> extends Readers<Result> {
	readonly sql: string;
	readonly entityName: string;
	readonly metadata: EntityMetadata;
	readonly parameters: readonly Parameter[];
}

/** What a SELECT of entities reads besides the columns that are selected by default. */
export interface Selection<Entity, Where extends string, End extends string> extends Columns<Entity> {
	/** In names of columns, with the table's name first where a join makes them ambiguous. */
	readonly where?: Where;
	/** The index that the server has to use, where it would choose a worse one. */
	readonly index?: string;
	/** What follows the condition: an order, a limit, a lock. */
	readonly end?: End;
}

/** A SELECT whose rows become entities; dates are read as instants, whatever the session's time zone is. */
export function select<
	Entity extends ObjectLiteral,
	const Where extends string = "TRUE",
	const End extends string = "",
>(
	entity: EntityClass<Entity>,
	selection: Selection<Entity, Where, End>,
): Statement<Entity[], ParametersOf<Entity, `${Where} ${End}`>> {
	const { where = "TRUE", index, end = "" } = selection;
	const text = (metadata: EntityMetadata) => {
		const { list, join } = selectList(metadata, selection);
		const hint = index === undefined ? "" : ` FORCE INDEX (${index})`;
		return withEveryRow(`SELECT ${list} FROM ${metadata.tableName}${hint}${join} WHERE ${where} ${end}`.trimEnd());
	};
	return statement(entity, text, (metadata) => ({
		read: asRows<Entity>,
		readRow: entityReader(entity, metadata, selection),
	}));
}

/** A SELECT, or a SHOW, whose rows are taken as they come. */
export function selectRows<Row, Entity extends ObjectLiteral = ObjectLiteral>(entity: EntityClass<Entity>) {
	return <const Text extends string>(text: Text): Statement<Row[], ParametersOf<Entity, Text>> =>
		statement(
			entity,
			() => withEveryRow(text),
			() => ({ read: asRows<Row> }),
		);
}

function asRows<Row>(answer: unknown): Row[] {
	return answer as Row[];
}

/** Where a SELECT has no limit, that of the session counts: a list that it cuts would pass for the whole one. */
function withEveryRow(text: string): string {
	return /^SHOW |\bLIMIT \S+$/.test(text) ? text : `${text} LIMIT ${NO_LIMIT}`;
}

/** What a statement that changes rows did. */
export interface ChangeResult {
	/** Rows; those that had these values already are counted or not, as the session's flags say. */
	readonly affected: number;
	/** What `LAST_INSERT_ID(…)` in the statement was given last, or the id of the row inserted; else 0. */
	readonly reported: number;
}

/** An INSERT, UPDATE or DELETE. */
export function change<Entity extends ObjectLiteral, const Text extends string>(
	entity: EntityClass<Entity>,
	text: Text,
): Statement<ChangeResult, ParametersOf<Entity, Text>> {
	const read = (answer: unknown): ChangeResult => {
		const { affectedRows, insertId } = answer as ResultSetHeader;
		return { affected: affectedRows, reported: insertId };
	};
	return statement(
		entity,
		() => text,
		() => ({ read }),
	);
}

function statement<Result, Parameters>(
	entity: EntityClass,
	text: Statement<Result>["text"],
	readers: Statement<Result>["readers"],
): Statement<Result, Parameters> {
	return { entity, text, readers, cache: new WeakMap() };
}

/** @throws ConnectionError before the DataSource is initialized, RefusedOperationError where it renames tables. */
export function prepare<Result>(
	dataSource: DataSource,
	{ entity, text, readers, cache }: Statement<Result, never>,
): Prepared<Result> {
	if (!dataSource.isInitialized) {
		throw new ConnectionError("The DataSource is not connected: await its initialize() before repositories are used");
	}
	const metadata = dataSource.getMetadata(entity);
	const cached = cache.get(metadata);
	if (cached) return cached;
	if (metadata.tableName !== metadata.givenTableName) {
		throw new RefusedOperationError(
			`This DataSource calls the table ${metadata.givenTableName} ${metadata.tableName}: ` +
				"leave entityPrefix, and table names in a naming strategy, out of it",
		);
	}
	const { sql, parameters } = parseParameters(
		text(metadata).replaceAll(/\s+/g, " ").trim(),
		entity.entityName,
		metadata,
	);
	const prepared = {
		sql: withSessionVariables(sql),
		entityName: entity.entityName,
		metadata,
		parameters,
		...readers(metadata),
	};
	cache.set(metadata, prepared);
	return prepared;
}
