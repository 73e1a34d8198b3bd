import type { QueryRunner } from "typeorm";
import type { ActualTable, Server } from "./shape";

/** Something that a migration did or found. */
export interface MigrationEvent {
	readonly kind: /** The table was made. */
		| "created"
		/** The table was there before the module: somebody else made it. */
		| "found"
		/** Something of the table was changed. */
		| "changed"
		/** The table was as wanted, or was left to its owner. */
		| "kept"
		/** Rows were inserted. */
		| "seeded"
		/** Rows are about to be deleted: told before it happens. */
		| "removing"
		/** The table is gone. */
		| "dropped"
		/** Worth knowing. */
		| "note";
	readonly table: string;
	readonly text: string;
}

/** What a runner of migrations leaves in `queryRunner.data` to be told of events, and to change how they run. */
export interface MigrationContext {
	readonly listener?: (event: MigrationEvent) => void;
	/** Set while statements are only taken down. */
	readonly planned?: boolean;
	/** Set while planning: takes why the database is incompatible, so that all migrations are heard before it is refused. */
	readonly problems?: string[];
	/** Milliseconds for which a statement is tried again while another session holds its table; 60,000 by default. */
	readonly tableTimeout?: number;
	/** What this run saw last, null for a table that is not there; spares each migration a look of its own. */
	readonly seen?: SeenSchema;
}

export interface SeenSchema {
	server?: Server;
	readonly tables: Map<string, ActualTable | null>;
	/** The tables that this run made. */
	readonly made?: Set<string>;
	/** While planning: the tables as the statements so far would leave them. */
	readonly assumed?: Map<string, ActualTable>;
}

const KEY = "dployr-workspaces-db";

export function setContext(queryRunner: QueryRunner, context: MigrationContext): void {
	queryRunner.data[KEY] = context;
}

export function contextOf(queryRunner: QueryRunner): MigrationContext {
	return (queryRunner.data[KEY] as MigrationContext | undefined) ?? {};
}

/** Whether this run looked, and there was no such table. */
export function isKnownAbsent(queryRunner: QueryRunner, table: string): boolean {
	return contextOf(queryRunner).seen?.tables.get(table) === null;
}

export function tableTimeoutOf(queryRunner: QueryRunner): number {
	return contextOf(queryRunner).tableTimeout ?? 60_000;
}

/** Tells the listener; under a plain TypeORM DataSource, which has none, the logger. */
export function emit(queryRunner: QueryRunner, kind: MigrationEvent["kind"], table: string, text: string): void {
	const { listener } = contextOf(queryRunner);
	if (listener) listener({ kind, table, text });
	else queryRunner.dataSource.logger.logMigration(`${table}: ${text}`);
}
