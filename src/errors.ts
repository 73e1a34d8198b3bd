import { inspect } from "node:util";

/** What went wrong, for programs: these words stay the same from release to release. */
export type WorkspacesErrorCode =
	| "LIMIT_REACHED"
	| "ALREADY_EXISTS"
	| "NOT_FOUND"
	| "NO_FREE_PORT"
	| "UNKNOWN_PROVIDER"
	| "INVALID_TRANSITION"
	| "VALUE_TOO_LONG"
	| "INVALID_VALUE"
	| "INVALID_SETTING"
	| "CONNECTION_FAILED"
	| "CONNECTION_LOST"
	| "TOO_MANY_CONNECTIONS"
	| "READ_ONLY"
	| "OPERATION_REFUSED"
	| "LOSSY_CHANGE"
	| "MIGRATION_FAILED"
	| "INCOMPATIBLE_SCHEMA"
	| "TABLE_IN_USE"
	| "LOCK_TIMEOUT"
	| "LOCK_LOST"
	| "MISSING_PRIVILEGES"
	| "FOREIGN_HISTORY"
	| "INTERRUPTED"
	| "DATA_LOSS";

/**
 * The base of every error that this package throws on purpose. `code` tells which one it is; the message says what to
 * do and never holds a value that was given; `cause` is the driver's error where there was one, without values too.
 */
export abstract class WorkspacesError extends Error {
	/** Written out in each class, since a bundler may give classes other names. */
	abstract override readonly name: string;
	abstract readonly code: WorkspacesErrorCode;
}

/** An error for an operator: its message is complete, so it is printed as one message without a stack. */
abstract class OperationalError extends WorkspacesError {
	[inspect.custom](): string {
		return this.message;
	}
}

/** A setting cannot be used. The message begins with the variable's name and never holds a secret. */
export class SettingsError extends OperationalError {
	override readonly name = "SettingsError";
	readonly code = "INVALID_SETTING";
}

/** The server cannot be reached, refuses this user, or is not supported. `cause` is the driver's error. */
export class ConnectionError extends OperationalError {
	override readonly name = "ConnectionError";
	readonly code = "CONNECTION_FAILED";
}

/**
 * The connection was lost while a statement waited for its answer: the session was killed, the server went down, or the
 * network went silent. Whether the statement was executed is not known, unless it was part of a transaction that was
 * not committed yet: that is rolled back. The next call gets another connection.
 */
export class ConnectionLostError extends WorkspacesError {
	override readonly name = "ConnectionLostError";
	readonly code = "CONNECTION_LOST";

	constructor(options?: ErrorOptions) {
		super(
			"The connection to the database server was lost before the answer came, so the statement may or may not have " +
				"been executed: read what it was to change, and repeat it if needed",
			options,
		);
	}
}

/** The server, the account or the pool has no connection left. Nothing was sent; the same call may succeed later. */
export class TooManyConnectionsError extends WorkspacesError {
	override readonly name = "TooManyConnectionsError";
	readonly code = "TOO_MANY_CONNECTIONS";
}

/** The server takes no writes: it is a replica, or is set to be read only. Nothing was changed. */
export class ReadOnlyServerError extends WorkspacesError {
	override readonly name = "ReadOnlyServerError";
	readonly code = "READ_ONLY";

	constructor(options?: ErrorOptions) {
		super(
			"The database server is read only: connect to the server that takes writes (DB_HOST), or end its read_only mode",
			options,
		);
	}
}

/** The operation would change tables that are not the module's. */
export class RefusedOperationError extends OperationalError {
	override readonly name = "RefusedOperationError";
	readonly code = "OPERATION_REFUSED";
}

/** A statement that would lose data. */
export interface LossyChange {
	readonly statement: string;
	readonly reason: string;
	/** What to do instead. */
	readonly remedy: string;
	/** The column that is dropped, as `table.column`. */
	readonly dropped?: string;
}

/** A generated migration would lose data. Nothing was written. */
export class LossyChangeError extends OperationalError {
	override readonly name = "LossyChangeError";
	readonly code = "LOSSY_CHANGE";

	constructor(readonly changes: readonly LossyChange[]) {
		const lines = changes.map(({ statement, reason, remedy }) => `  - ${statement}\n    ${reason}\n    ${remedy}`);
		super(
			`refused, since data would be lost; nothing was written:\n${lines.join("\n")}\n` +
				"If that is meant, run it again with WORKSPACES_ALLOW_DATA_LOSS=yes (npm run migration:generate: --allow-data-loss)",
		);
	}
}

/** A run or a revert of migrations failed. `cause` is the server's error where there was one. */
export class MigrationError extends OperationalError {
	override readonly name: string = "MigrationError";
	readonly code: WorkspacesErrorCode = "MIGRATION_FAILED";
}

/** The database cannot be brought to the wanted shape without losing something. Nothing was changed. */
export class IncompatibleSchemaError extends MigrationError {
	override readonly name = "IncompatibleSchemaError";
	override readonly code = "INCOMPATIBLE_SCHEMA";

	constructor(readonly problems: readonly string[]) {
		super(`nothing was changed, since these differences cannot be resolved safely:\n  - ${problems.join("\n  - ")}`);
	}
}

/** Another session held a table until the table timeout had passed. Run it again once that session is gone. */
export class TableInUseError extends MigrationError {
	override readonly code = "TABLE_IN_USE";

	constructor(
		readonly table: string,
		/** The sessions in the way, as far as this user may see them. */
		readonly who: string,
		options?: ErrorOptions,
	) {
		super(`${table}: gave up waiting for the table: ${who}. End that session or transaction and run it again`, options);
	}
}

/** Another run held the right to migrate this database until the lock timeout had passed. Nothing was changed. */
export class LockTimeoutError extends MigrationError {
	override readonly code = "LOCK_TIMEOUT";

	constructor(
		readonly database: string,
		/** The session that holds it, as far as this user may see it. */
		readonly who: string,
		/** Seconds that were waited. */
		readonly seconds: number,
	) {
		super(
			`gave up after ${seconds} s: another run still migrates ${database}, ${who}. ` +
				"If that session hangs, end it with KILL and run again",
		);
	}
}

/** Another run took over the right to migrate this database: this one stops. Run it again. */
export class LockLostError extends MigrationError {
	override readonly code = "LOCK_LOST";
}

/** The user lacks privileges that migrations need. Nothing was changed; the message has the GRANT that is missing. */
export class MissingPrivilegesError extends MigrationError {
	override readonly code = "MISSING_PRIVILEGES";

	constructor(
		/** As the server writes it: `'name'@'host'`. */
		readonly user: string,
		readonly database: string,
		readonly missing: readonly string[],
	) {
		super(
			`${user} lacks ${missing.join(", ")} on ${database}; nothing was changed. ` +
				`As an administrator: GRANT ${missing.join(", ")} ON \`${database.replaceAll("`", "``")}\`.* TO ${user}`,
		);
	}
}

/** The table in which TypeORM keeps its migrations belongs to another program. Nothing was changed. */
export class ForeignHistoryError extends MigrationError {
	override readonly code = "FOREIGN_HISTORY";

	constructor(
		readonly table: string,
		options?: ErrorOptions,
	) {
		super(
			`the table ${table} is not TypeORM's: another program keeps its migrations there; nothing was changed. ` +
				"Choose another name: DB_MIGRATIONS_TABLE, or migrationsTableName of a DataSource of your own",
			options,
		);
	}
}

/** The run was told to stop, and stopped between two statements. Run it again to go on. */
export class InterruptedError extends MigrationError {
	override readonly code = "INTERRUPTED";
}

/** A revert was refused, since it would delete data. Nothing was changed. */
export class DataLossError extends MigrationError {
	override readonly name = "DataLossError";
	override readonly code = "DATA_LOSS";

	constructor(readonly losses: readonly string[]) {
		super(
			`refused, since reverting would delete ${losses.join(", ")}; nothing was changed. ` +
				"Set WORKSPACES_ALLOW_DATA_LOSS=yes if that is meant, after a backup",
		);
	}
}

/** The user has as many workspaces, or the workspace as many active previews, as the limits allow. */
export class LimitReachedError extends WorkspacesError {
	override readonly name = "LimitReachedError";
	readonly code = "LIMIT_REACHED";

	constructor(
		readonly entity: string,
		/** How many there may be. */
		readonly limit: number,
	) {
		super(`${entity} not created: the limit of ${limit} is reached; delete or stop one, or raise the limit`);
	}
}

/** A row with the same values in columns that are unique together is there already. */
export class AlreadyExistsError extends WorkspacesError {
	override readonly name = "AlreadyExistsError";
	readonly code = "ALREADY_EXISTS";

	constructor(
		readonly entity: string,
		/** The properties that are unique together; empty where the server does not tell. */
		readonly properties: readonly string[],
		options?: ErrorOptions,
	) {
		const same = properties.length ? ` with the same ${properties.join(" and ")}` : "";
		super(`${entity} exists already${same}; use the one that is there, or delete it first`, options);
	}
}

/** The row that was to be changed, or one that was to be referred to, does not exist (any more). */
export class NotFoundError extends WorkspacesError {
	override readonly name = "NotFoundError";
	readonly code = "NOT_FOUND";

	constructor(
		readonly entity: string,
		options?: ErrorOptions,
	) {
		super(`${entity} not found: there is none with that id, or it was deleted meanwhile`, options);
	}
}

/** Workspaces and previews hold every port of the range. */
export class NoFreePortError extends WorkspacesError {
	override readonly name = "NoFreePortError";
	readonly code = "NO_FREE_PORT";

	constructor(
		readonly from: number,
		readonly to: number,
	) {
		super(`No free port from ${from} to ${to}: stop a workspace or a preview, or widen the range`);
	}
}

/** The provider is none whose keys are kept. */
export class UnknownProviderError extends WorkspacesError {
	override readonly name = "UnknownProviderError";
	readonly code = "UNKNOWN_PROVIDER";

	constructor(known: readonly string[]) {
		super(`Unknown provider of API keys: keys are kept for ${known.join(" and ")}`);
	}
}

/** The status does not allow the change: somebody else was faster, or the order of the calls is wrong. */
export class InvalidTransitionError extends WorkspacesError {
	override readonly name = "InvalidTransitionError";
	readonly code = "INVALID_TRANSITION";

	constructor(
		readonly entity: string,
		readonly id: number,
		/** The status that it has. */
		readonly from: string,
		/** What it was to become or to undergo. */
		readonly to: string,
		/** Why not, where the status alone does not say it. */
		reason = "",
	) {
		super(
			`${entity} ${id} is ${from} and cannot become ${to}${reason && `: ${reason}`}; read it again before going on`,
		);
	}
}

/** The value does not fit into its column. */
export class ValueTooLongError extends WorkspacesError {
	override readonly name = "ValueTooLongError";
	readonly code = "VALUE_TOO_LONG";

	constructor(
		readonly entity: string,
		readonly property: string,
		/** What fits, in `unit`; undefined where only the server knew. */
		readonly maximum: number | undefined,
		readonly unit: "characters" | "bytes",
		options?: ErrorOptions,
	) {
		const fits = maximum === undefined ? "" : `: at most ${maximum} ${unit} fit`;
		super(`${entity}.${property} is too long${fits}`, options);
	}
}

/** The value is missing, or is none that its column or parameter takes. */
export class InvalidValueError extends WorkspacesError {
	override readonly name = "InvalidValueError";
	readonly code = "INVALID_VALUE";

	constructor(
		readonly entity: string,
		readonly property: string,
		/** What is taken. */
		expected: string,
		options?: ErrorOptions,
	) {
		super(`${entity}.${property} must be ${expected}`, options);
	}
}
