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
	| "BUSY"
	| "IDS_EXHAUSTED"
	| "INVALID_SETTING"
	| "CONNECTION_FAILED"
	| "CONNECTION_LOST"
	| "TOO_MANY_CONNECTIONS"
	| "READ_ONLY"
	| "NOT_MIGRATED"
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
 * The base of every error that this package throws on purpose. `code` says which one it is; the message says what to
 * do, and never holds a value that was given; `cause` is the driver's error where there was one, without values too.
 *
 * Any call of a repository may reject with ConnectionError, ConnectionLostError, TooManyConnectionsError, BusyError,
 * ReadOnlyServerError, NotMigratedError and, where a value is none that its parameter takes, InvalidValueError.
 *
 * @example
 * const HTTP_STATUS: Partial<Record<WorkspacesErrorCode, number>> = { LIMIT_REACHED: 409, NOT_FOUND: 404, BUSY: 503 };
 * if (!(error instanceof WorkspacesError)) return next(error);
 * res.status(HTTP_STATUS[error.code] ?? 400).json({ code: error.code, error: error.message });
 */
export abstract class WorkspacesError extends Error {
	/** Written out in each class, since a bundler may give classes other names. */
	abstract override readonly name: string;
	abstract readonly code: WorkspacesErrorCode;
}

/** An error for an operator: its message is complete, so it is printed as one message without a stack. */
abstract class OperationalError extends WorkspacesError {
	/** The message alone. */
	[inspect.custom](): string {
		return this.message;
	}
}

/**
 * A setting cannot be used. The message begins with the variable's name and never holds a secret.
 *
 * @example
 * try {
 *   readSettings({ port: 70_000 });
 * } catch (error) {
 *   if (error instanceof SettingsError) console.error(error.message);   // DB_PORT: must be …
 * }
 */
export class SettingsError extends OperationalError {
	override readonly name = "SettingsError";
	readonly code = "INVALID_SETTING";
}

/**
 * The server cannot be reached, refuses this user, or is not supported. `cause` is the driver's error.
 *
 * @example
 * const rows = await db.workspaces.listByUser(userId).catch((error) => {
 *   if (error instanceof ConnectionError) return [];   // set-up mode: there is no database yet
 *   throw error;
 * });
 */
export class ConnectionError extends OperationalError {
	override readonly name = "ConnectionError";
	readonly code = "CONNECTION_FAILED";
}

/**
 * The connection was lost while a statement waited for its answer: the session was killed, the server went down, or the
 * network went silent. Whether the statement was executed is not known, unless it was part of a transaction that was
 * not committed yet: that is rolled back. The next call gets another connection.
 *
 * @example
 * await db.workspaces.markStopped(id).catch((error) => {
 *   if (!(error instanceof ConnectionLostError)) throw error;
 *   return db.workspaces.markStopped(id);   // false where the first one was executed
 * });
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

/**
 * The server, the account or the pool has no connection left. Nothing was sent; the same call may succeed later.
 *
 * @example
 * if (error instanceof TooManyConnectionsError) return res.status(503).set("Retry-After", "5").end();
 */
export class TooManyConnectionsError extends WorkspacesError {
	override readonly name = "TooManyConnectionsError";
	readonly code = "TOO_MANY_CONNECTIONS";
}

/**
 * The server takes no writes: it is a replica, or is set to be read only. Nothing was changed.
 *
 * @example
 * if (error instanceof ReadOnlyServerError) return res.status(503).json({ error: "Maintenance: try again later" });
 */
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

/**
 * A table, column or index that the statement needs is missing: migrations are pending on this database. Nothing was
 * changed. `cause` says which one.
 *
 * @example
 * if (error instanceof NotMigratedError) return res.status(503).json({ error: "Being updated: try again later" });
 */
export class NotMigratedError extends WorkspacesError {
	override readonly name = "NotMigratedError";
	readonly code = "NOT_MIGRATED";

	constructor(entity: string, options?: ErrorOptions) {
		super(
			`${entity}: a table, column or index is missing in this database: run the pending migrations (dployr-workspaces-db ` +
				"migrate); dployr-workspaces-db check says what is missing",
			options,
		);
	}
}

/**
 * The operation would change tables that are not this package's, or names something that does not exist. Nothing was changed.
 *
 * @example
 * await dataSource.synchronize().catch((error) => {
 *   if (error instanceof RefusedOperationError) console.error(error.message);   // use migrations
 * });
 */
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

/**
 * A generated migration would lose data. Nothing was written.
 *
 * @example
 * if (error instanceof LossyChangeError) {
 *   for (const { statement, remedy } of error.changes) console.error(`${statement}: ${remedy}`);
 * }
 */
export class LossyChangeError extends OperationalError {
	override readonly name = "LossyChangeError";
	readonly code = "LOSSY_CHANGE";

	constructor(readonly changes: readonly LossyChange[]) {
		const lines = changes.map(({ statement, reason, remedy }) => `  - ${statement}\n    ${reason}\n    ${remedy}`);
		super(
			`refused, since data would be lost; nothing was written:\n${lines.join("\n")}\n` +
				"To allow it, run it again with WORKSPACES_ALLOW_DATA_LOSS=yes (npm run migration:generate: --allow-data-loss)",
		);
	}
}

/**
 * A run or a revert of migrations failed. `cause` is the server's error where there was one.
 *
 * @example
 * try {
 *   await db.migrate();
 * } catch (error) {
 *   if (!(error instanceof MigrationError)) throw error;
 *   console.error(`Set-up mode: ${error.message}`);   // one of the classes below, by `error.code`
 * }
 */
export class MigrationError extends OperationalError {
	override readonly name: string = "MigrationError";
	readonly code: WorkspacesErrorCode = "MIGRATION_FAILED";
}

/**
 * The database cannot be brought to the wanted shape without losing something. Nothing was changed.
 *
 * @example
 * if (error instanceof IncompatibleSchemaError) res.render("set-up", { problems: error.problems });
 */
export class IncompatibleSchemaError extends MigrationError {
	override readonly name = "IncompatibleSchemaError";
	override readonly code = "INCOMPATIBLE_SCHEMA";

	constructor(readonly problems: readonly string[]) {
		super(`nothing was changed, since these differences cannot be resolved safely:\n  - ${problems.join("\n  - ")}`);
	}
}

/**
 * Another session held a table until the table timeout had passed. Run it again once that session is gone.
 *
 * @example
 * if (error instanceof TableInUseError) console.error(`${error.table} is held by ${error.who}`);
 */
export class TableInUseError extends MigrationError {
	override readonly name = "TableInUseError";
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

/**
 * Another run held the right to migrate this database until the lock timeout had passed. Nothing was changed.
 *
 * @example
 * if (error instanceof LockTimeoutError) console.error(`Another deploy runs on ${error.database}: ${error.who}`);
 */
export class LockTimeoutError extends MigrationError {
	override readonly name = "LockTimeoutError";
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

/**
 * Another run took over the right to migrate this database: this one stops. Run it again.
 *
 * @example
 * if (error instanceof LockLostError) await db.migrate();   // what was done is not done twice
 */
export class LockLostError extends MigrationError {
	override readonly name = "LockLostError";
	override readonly code = "LOCK_LOST";
}

/** The statement that gives a user, as the server writes it (`'name'@'host'`), privileges on a database. */
export function grantSql(user: string, database: string, privileges: readonly string[]): string {
	return `GRANT ${privileges.join(", ")} ON \`${database.replaceAll("`", "``")}\`.* TO ${user}`;
}

/**
 * The user lacks privileges that migrations need. Nothing was changed; the message has the GRANT that is missing.
 *
 * @example
 * if (error instanceof MissingPrivilegesError) {
 *   console.error(`GRANT ${error.missing.join(", ")} ON ${error.database}.* TO ${error.user}`);
 * }
 */
export class MissingPrivilegesError extends MigrationError {
	override readonly name = "MissingPrivilegesError";
	override readonly code = "MISSING_PRIVILEGES";

	constructor(
		/** As the server writes it: `'name'@'host'`. */
		readonly user: string,
		readonly database: string,
		readonly missing: readonly string[],
	) {
		super(
			`${user} lacks ${missing.join(", ")} on ${database}; nothing was changed. ` +
				`As an administrator: ${grantSql(user, database, missing)}`,
		);
	}
}

/**
 * The table in which TypeORM keeps its migrations belongs to another program. Nothing was changed.
 *
 * @example
 * if (error instanceof ForeignHistoryError) {
 *   console.error(`${error.table} is taken: set DB_MIGRATIONS_TABLE=workspaces_migrations`);
 * }
 */
export class ForeignHistoryError extends MigrationError {
	override readonly name = "ForeignHistoryError";
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

/**
 * The run was stopped by its caller, between two statements. Run it again to continue.
 *
 * @example
 * const controller = new AbortController();
 * process.once("SIGTERM", () => controller.abort());
 * await db.migrate({ signal: controller.signal }).catch((error) => {
 *   if (!(error instanceof InterruptedError)) throw error;   // the next start goes on where this one stopped
 * });
 */
export class InterruptedError extends MigrationError {
	override readonly name = "InterruptedError";
	override readonly code = "INTERRUPTED";
}

/**
 * A revert was refused, since it would delete data. Nothing was changed.
 *
 * @example
 * await revert(dataSource).catch((error) => {
 *   if (error instanceof DataLossError) console.error(`Make a backup first: ${error.losses.join(", ")}`);
 * });
 */
export class DataLossError extends MigrationError {
	override readonly name = "DataLossError";
	override readonly code = "DATA_LOSS";

	constructor(readonly losses: readonly string[]) {
		super(
			`refused, since reverting would delete ${losses.join(", ")}; nothing was changed. ` +
				"To allow it, make a backup and set WORKSPACES_ALLOW_DATA_LOSS=yes",
		);
	}
}

/** The words of messages for an entity: an application may show them to its users. */
const NOUNS: Readonly<Record<string, string>> = {
	Workspace: "workspace",
	PreviewEnvironment: "preview",
	UserApiKey: "API key",
	ResourceLimit: "resource limit",
	WorkspaceLog: "log entry",
	DashboardUser: "user",
};

/** `workspace` for `Workspace`, `workspace or user` for `Workspace or DashboardUser`. */
function nounOf(entity: string): string {
	return entity
		.split(" or ")
		.map((name) => NOUNS[name] ?? name)
		.join(" or ");
}

/** `project name` for `projectName`. */
function wordsOf(property: string): string {
	return property.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/**
 * The user has as many workspaces, or the workspace as many active previews, as the limits allow.
 *
 * @example
 * if (error instanceof LimitReachedError && error.entity === "Workspace") {
 *   res.status(409).render("limit", { most: error.limit });
 * }
 */
export class LimitReachedError extends WorkspacesError {
	override readonly name = "LimitReachedError";
	readonly code = "LIMIT_REACHED";

	constructor(
		/** `Workspace` or `PreviewEnvironment`. */
		readonly entity: string,
		/** How many there may be. */
		readonly limit: number,
	) {
		const remedy = entity === "Workspace" ? "delete one that is no longer needed" : "stop one that is no longer needed";
		super(
			`The limit of ${limit} ${nounOf(entity)}${limit === 1 ? "" : "s"} is reached: ${remedy}, or have the limit raised`,
		);
	}
}

/**
 * There is already a row with the same values in columns that are unique together.
 *
 * @example
 * const workspace = await db.workspaces.createWithinLimit({ userId, projectName: "shop" }).then(
 *   (created) => db.workspaces.findById(created),
 *   (error) => {
 *     if (error instanceof AlreadyExistsError) return db.workspaces.findByUserAndProject(userId, "shop");
 *     throw error;
 *   },
 * );
 */
export class AlreadyExistsError extends WorkspacesError {
	override readonly name = "AlreadyExistsError";
	readonly code = "ALREADY_EXISTS";

	constructor(
		readonly entity: string,
		/** The properties that are unique together; empty where the server does not say which. */
		readonly properties: readonly string[],
		options?: ErrorOptions,
	) {
		const words = properties.map((property) => wordsOf(property.replace(/Id$/, "")));
		const same = words.length ? ` with the same ${words.join(" and ")}` : "";
		super(`There is a ${nounOf(entity)}${same} already: use that one, or delete it first`, options);
	}
}

/**
 * The row to change, or one to refer to, does not exist (any more).
 *
 * @example
 * if (error instanceof NotFoundError) return res.status(404).json({ error: `No such ${error.entity}` });
 */
export class NotFoundError extends WorkspacesError {
	override readonly name = "NotFoundError";
	readonly code = "NOT_FOUND";

	constructor(
		readonly entity: string,
		options?: ErrorOptions,
	) {
		super(`This ${nounOf(entity)} does not exist, or was deleted meanwhile`, options);
	}
}

/**
 * No port of the range is free: workspaces and previews hold them, or the caller excepted them.
 *
 * @example
 * if (error instanceof NoFreePortError) console.error(`Widen the range: ${error.from} to ${error.to} is used up`);
 */
export class NoFreePortError extends WorkspacesError {
	override readonly name = "NoFreePortError";
	readonly code = "NO_FREE_PORT";

	constructor(
		readonly from: number,
		readonly to: number,
	) {
		super(`All ports from ${from} to ${to} are in use: stop a workspace or a preview, and try again`);
	}
}

/**
 * No keys are stored for this provider.
 *
 * @example
 * const provider = req.params.provider as ApiKeyProvider;   // checked by the call
 * await db.apiKeys.clearKey(userId, provider).catch((error) => {
 *   if (error instanceof UnknownProviderError) return res.status(404).end();
 *   throw error;
 * });
 */
export class UnknownProviderError extends WorkspacesError {
	override readonly name = "UnknownProviderError";
	readonly code = "UNKNOWN_PROVIDER";

	constructor(known: readonly string[]) {
		super(`API keys are stored for ${known.join(" and ")} only`);
	}
}

/** The words of messages for a status. */
const STATUSES: Readonly<Record<string, string>> = {
	stopping: "being stopped",
	creating: "being created",
	error: "in a failed state",
	unknown: "in an unknown state",
};

/** The words of messages for the change that was refused. */
const CHANGES: Readonly<Record<string, string>> = {
	starting: "be started",
	running: "be marked as running",
	stopping: "be stopped",
	stopped: "be stopped",
	error: "fail",
	expired: "expire",
	extended: "be extended",
	claimed: "get a port",
};

/**
 * The status does not allow the change: somebody else was faster, or the order of the calls is wrong.
 *
 * @example
 * if (error instanceof InvalidTransitionError && error.from === "running") return res.redirect("/workspaces");
 */
export class InvalidTransitionError extends WorkspacesError {
	override readonly name = "InvalidTransitionError";
	readonly code = "INVALID_TRANSITION";

	/** The status that refused the change; `unknown` for one that the column's contract does not list. */
	readonly from: string;
	/** The status that it was to get, or `extended` (an expiry), or `claimed` (a port). */
	readonly to: string;

	constructor(
		readonly entity: string,
		readonly id: number,
		/** `reason`: why not, where the status alone does not say it. */
		{ from, to, reason = "" }: { readonly from: string; readonly to: string; readonly reason?: string | undefined },
	) {
		const why = reason && `: ${reason}`;
		super(
			`The ${nounOf(entity)} is ${STATUSES[from] ?? from} and cannot ${CHANGES[to] ?? `become ${to}`} now${why}. ` +
				"Reload and try again",
		);
		this.from = from;
		this.to = to;
	}
}

/**
 * The value does not fit into its column.
 *
 * @example
 * if (error instanceof ValueTooLongError) {
 *   const { property, maximum, unit } = error;   // "projectName", 100, "characters"
 *   res.status(400).json({ property, error: `At most ${maximum} ${unit}` });
 * }
 */
export class ValueTooLongError extends WorkspacesError {
	override readonly name = "ValueTooLongError";
	readonly code = "VALUE_TOO_LONG";
	/** What fits, in `unit`; undefined where only the server knew. */
	readonly maximum: number | undefined;
	readonly unit: "characters" | "bytes";

	constructor(
		readonly entity: string,
		readonly property: string,
		{ maximum, unit }: { readonly maximum?: number | undefined; readonly unit: "characters" | "bytes" },
		options?: ErrorOptions,
	) {
		const fits = maximum === undefined ? "" : `: at most ${maximum} ${unit} fit`;
		super(`The ${wordsOf(property)} of the ${nounOf(entity)} is too long${fits}`, options);
		this.maximum = maximum;
		this.unit = unit;
	}
}

/**
 * The value is missing, has an unknown name, or is not one that its column or parameter takes.
 *
 * @example
 * if (error instanceof InvalidValueError) res.status(400).json({ property: error.property, error: error.message });
 */
export class InvalidValueError extends WorkspacesError {
	override readonly name: string = "InvalidValueError";
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

/**
 * A property has a name that the call does not know: the message names the nearest one that it does.
 *
 * @example
 * if (error instanceof UnknownPropertyError) console.error(`${error.property} is none of ${error.known.join(", ")}`);
 */
export class UnknownPropertyError extends InvalidValueError {
	override readonly name = "UnknownPropertyError";

	constructor(
		entity: string,
		property: string,
		/** The names that the call takes. */
		readonly known: readonly string[],
		nearest?: string,
	) {
		super(entity, property, `one of ${known.join(", ")}`);
		const hint = nearest ? `did you mean ${nearest}?` : `unknown, use ${known.join(", ")}`;
		this.message = `${property}: ${hint}`;
	}
}

/**
 * Other sessions held what the call needed, for longer than it may wait. Nothing was changed; try again later.
 *
 * @example
 * const port = await db.ports.claimForWorkspace(id).catch((error) => {
 *   if (error instanceof BusyError) return db.ports.claimForWorkspace(id);   // nothing was changed
 *   throw error;
 * });
 */
export class BusyError extends WorkspacesError {
	override readonly name = "BusyError";
	readonly code = "BUSY";
	/** The server's number: 1205 (waited too long for a row), 1213 (deadlock), 1020 (changed since the transaction began). */
	readonly errno: number | undefined;

	constructor(options?: ErrorOptions) {
		super("The database is busy with other changes: try again in a moment", options);
		this.errno = (options?.cause as { errno?: number } | undefined)?.errno;
	}
}

/**
 * The table's ids are used up: 2,147,483,647 rows were inserted into it, deleted ones included.
 *
 * @example
 * if (error instanceof IdsExhaustedError) console.error(`No ${error.entity} can be created any more`);
 */
export class IdsExhaustedError extends WorkspacesError {
	override readonly name = "IdsExhaustedError";
	readonly code = "IDS_EXHAUSTED";

	constructor(
		readonly entity: string,
		options?: ErrorOptions,
	) {
		super(`No ${nounOf(entity)} can be created any more, since all ids of its table are used up`, options);
	}
}
