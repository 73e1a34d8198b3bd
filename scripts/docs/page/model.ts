import type { EntityMetadata } from "typeorm";
import type { EntityComments } from "../comments";
import { type ColumnMetadata, defaultOf, deletion, isUnique, required, typeOf } from "../describe";
import type { MigrationStep, SchemaChange } from "../history";
import type { RepositoryMethod } from "../methods";

/** For each status, those that a row may have before it. */
export type Transitions = Readonly<Record<string, readonly string[]>>;

export interface PageColumn {
	readonly name: string;
	readonly property: string;
	readonly type: string;
	readonly values: readonly string[];
	readonly expression: string | undefined;
	readonly nullable: boolean;
	readonly default: string;
	readonly purpose: string;
	readonly isPrimary: boolean;
	readonly isUnique: boolean;
	/** The table that it refers to. */
	readonly refersTo: string | undefined;
	/** Not selected unless asked for. */
	readonly isSecret: boolean;
	readonly history: readonly PageChange[];
}

/** What a migration did to a part of a table. */
export interface PageChange extends SchemaChange {
	/** The migration's place in the list, from 1. */
	readonly step: number;
}

export interface PageIndex {
	readonly name: string;
	readonly columns: readonly string[];
	readonly unique: boolean;
	readonly purpose: string;
	readonly history: readonly PageChange[];
}

export interface PageKey {
	readonly name: string;
	readonly table: string;
	readonly column: string;
	readonly refersTo: string;
	readonly cascades: boolean;
	readonly optional: boolean;
	readonly one: boolean;
	readonly deletion: string;
}

export interface PageTable {
	readonly name: string;
	readonly entity: string;
	readonly purpose: string;
	/** Made by the migrations; else by the application. */
	readonly isOwn: boolean;
	readonly columns: readonly PageColumn[];
	readonly indexes: readonly PageIndex[];
	readonly keys: readonly PageKey[];
	readonly methods: readonly RepositoryMethod[];
	readonly transitions: Transitions | undefined;
}

export interface PageModel {
	readonly tables: readonly PageTable[];
	readonly steps: readonly MigrationStep[];
	/** Repositories of more than one table. */
	readonly others: ReadonlyMap<string, readonly RepositoryMethod[]>;
}

export interface PageSources {
	readonly metadatas: readonly EntityMetadata[];
	readonly comments: ReadonlyMap<string, EntityComments>;
	readonly repositories: ReadonlyMap<string, readonly RepositoryMethod[]>;
	readonly steps: readonly MigrationStep[];
	/** By the entity's name. */
	readonly transitions: Readonly<Record<string, Transitions>>;
}

export function pageModel(sources: PageSources): PageModel {
	const { metadatas, repositories, steps } = sources;
	const entities = new Set(metadatas.map((metadata) => `${metadata.name}Repository`));
	return {
		steps,
		tables: metadatas.map((metadata) => pageTable(metadata, sources)),
		others: new Map([...repositories].filter(([name]) => !entities.has(name))),
	};
}

function pageTable(metadata: EntityMetadata, sources: PageSources): PageTable {
	const comments = sources.comments.get(metadata.name);
	const purposeOf = (what: string, found: string | undefined) => required(`${metadata.name}: ${what}`, found);
	const { tableName: name } = metadata;
	const changes = sources.steps.flatMap((step, index) =>
		step.changes.filter((change) => change.table === name).map((change) => ({ ...change, step: index + 1 })),
	);
	const historyOf = (kind: SchemaChange["kind"], part: string) =>
		changes.filter((change) => change.kind === kind && change.name === part);
	return {
		name,
		entity: metadata.name,
		purpose: purposeOf(name, comments?.entity),
		isOwn: metadata.synchronize,
		columns: metadata.columns.map((column) =>
			pageColumn(column, {
				purpose: purposeOf(column.propertyName, comments?.properties.get(column.propertyName)),
				history: historyOf("column", column.databaseName),
			}),
		),
		indexes: metadata.indices.map((index) => ({
			name: index.name,
			columns: index.columns.map((column) => column.databaseName),
			unique: index.isUnique,
			purpose: metadata.synchronize ? purposeOf(index.name, comments?.indexes.get(index.name)) : "",
			history: historyOf("index", index.name),
		})),
		keys: metadata.foreignKeys.map((key) => ({
			name: key.name,
			table: name,
			column: key.columnNames.join(", "),
			refersTo: key.referencedTablePath,
			cascades: key.onDelete === "CASCADE",
			optional: key.columns.every((column) => column.isNullable),
			one: isUnique(metadata, key.columns),
			deletion: deletion(metadata, key),
		})),
		methods: sources.repositories.get(`${metadata.name}Repository`) ?? [],
		transitions: sources.transitions[metadata.name],
	};
}

function pageColumn(column: ColumnMetadata, found: Pick<PageColumn, "purpose" | "history">): PageColumn {
	const { entityMetadata: metadata } = column;
	return {
		...found,
		name: column.databaseName,
		property: column.propertyName,
		type: typeOf(column),
		values: column.enum?.map(String) ?? [],
		expression: column.asExpression,
		nullable: column.isNullable,
		default: defaultOf(column),
		isPrimary: column.isPrimary,
		isUnique: isUnique(metadata, [column]),
		refersTo: metadata.foreignKeys.find((key) => key.columns.includes(column))?.referencedTablePath,
		isSecret: !column.isSelect,
	};
}
