import { inspect } from "node:util";
import { DataSource, type DataSourceOptions, type Migration } from "typeorm";
import * as deploy from "./deploy";
import { entities } from "./entities";
import { RefusedOperationError, SettingsError } from "./errors";
import { migrations } from "./migrations";
import { globalRowCheck } from "./repositories/globalRow";
import { type DataSourceSettings, type ResolvedSettings, resolveSettings } from "./settings/settings";
import { WorkspacesDriver } from "./typeorm/driver";
import { createLogger, type ModuleLogger } from "./typeorm/logger";
import { refused } from "./typeorm/refused";

/** Options that would change or empty the whole database when the DataSource connects. */
const REFUSED_OPTIONS = ["synchronize", "dropSchema"] as const;

/** What only `createDataSource` takes, which checks it. */
const ONLY_HERE = ["type", "url", "host", "port", "socketPath", "username", "password", "database", "ssl", "poolSize"];

type MigrationOptions = Parameters<DataSource["runMigrations"]>[0];

/**
 * This package's DataSource: made by `createDataSource`, and what TypeORM's own commands work on.
 *
 * Nothing is read or connected before `initialize()`, which sends three statements.
 *
 * @example
 * const dataSource = new WorkspacesDataSource({ host: "127.0.0.1", database: "dashboard", username: "root" });
 * await dataSource.initialize();
 * const stopped = await dataSource.getRepository(Workspace).countBy({ status: "stopped" });
 * await dataSource.destroy();
 */
export class WorkspacesDataSource extends DataSource {
	/** What the last run or revert of migrations did; undefined before one, and where there was nothing to do. */
	migrationReport: deploy.MigrationReport | undefined;
	readonly #given: DataSourceSettings;
	readonly #moduleLogger: ModuleLogger;
	#settings: ResolvedSettings | undefined;

	constructor(settings: DataSourceSettings = {}) {
		const logger = createLogger(settings.log);
		super({
			type: "mysql",
			entities,
			migrations,
			// DDL commits what came before it, so that a transaction would promise what no server keeps.
			migrationsTransactionMode: "none",
			logger,
			charset: "UTF8MB4_UNICODE_CI",
			timezone: "Z",
			// Instants are read as BIGINT, and a text of each number would cost a list of 50 workspaces a tenth of its time.
			bigNumberStrings: false,
		});
		this.#given = settings;
		this.#moduleLogger = logger;
		this.driver = new WorkspacesDriver(this);
	}

	/**
	 * Reads and checks the settings, waits for the server to come up, and connects.
	 *
	 * @throws SettingsError for a setting that cannot be used, ConnectionError where the server cannot be reached,
	 *   refuses the user or is not supported, RefusedOperationError with the options `synchronize` or `dropSchema`.
	 * @param changes how long to wait for the server, where that is not what the settings say
	 */
	override async initialize(changes: Pick<DataSourceSettings, "connectTimeout"> = {}): Promise<this> {
		for (const option of REFUSED_OPTIONS) if (this.options[option]) throw refused(option);
		if (this.isInitialized) return super.initialize();
		const { settings, notices } = resolveSettings({ ...this.#given, ...changes });
		this.#settings = settings;
		this.#moduleLogger.logsQueries = settings.logQueries;
		for (const notice of notices) this.#moduleLogger.log("warn", notice);
		Object.assign(this.options, connectionOptions(settings));
		this.driver = new WorkspacesDriver(this, settings);
		return super.initialize();
	}

	/** @throws SettingsError for what only `createDataSource` takes. */
	override setOptions(options: Partial<DataSourceOptions>): this {
		const setting = Object.keys(options).find((name) => ONLY_HERE.includes(name));
		if (setting) throw new SettingsError(`${setting}: pass it to createDataSource, setOptions does not take it`);
		return super.setOptions(options);
	}

	/** Runs the pending migrations under this package's guards; see `migrate`. */
	override async runMigrations(options?: MigrationOptions): Promise<Migration[]> {
		const { migrations: run, report } = await migrate(this, this.#deployOptions(options));
		this.migrationReport = report;
		return run;
	}

	/** Reverts the last migration under this package's guards; see `revert`. */
	override async undoLastMigration(options?: MigrationOptions): Promise<void> {
		const { report } = await revert(this, this.#deployOptions(options));
		this.migrationReport = report;
	}

	/** @throws RefusedOperationError always. */
	override async synchronize(): Promise<never> {
		throw refused("synchronize");
	}

	/** @throws RefusedOperationError always. */
	override async dropDatabase(): Promise<never> {
		throw refused("dropDatabase");
	}

	#deployOptions(options: MigrationOptions) {
		const { lockTimeout = 600, tableTimeout = 60, allowTableCopy, allowDataLoss } = this.#settings ?? {};
		return {
			fake: options?.fake ?? false,
			lockTimeout,
			tableTimeout,
			// A variable that is set later counts too.
			...(allowTableCopy ? { allowTableCopy } : {}),
			...(allowDataLoss ? { allowDataLoss } : {}),
		};
	}

	/** Where it leads and whether it is connected, without the password. */
	[inspect.custom](): string {
		const { host, port, socketPath, database } = this.#settings ?? {};
		const where = this.#settings ? `${socketPath ?? `${host}:${port}`}/${database}` : "settings not read yet";
		return `WorkspacesDataSource { ${where}, ${this.isInitialized ? "connected" : "not connected"} }`;
	}
}

/** The password and TLS's key stay with the driver, out of options that anybody may print. */
function connectionOptions(settings: ResolvedSettings) {
	const { host, port, socketPath, username, database, poolSize, migrationsTable } = settings;
	return { host, port, socketPath, username, database, poolSize, migrationsTableName: migrationsTable };
}

/**
 * Makes this package's DataSource. Settings come from `settings`, else from the environment (`DB_HOST`, `DB_PORT`,
 * `DB_USERNAME`, `DB_PASSWORD`, `DB_DATABASE` and more, see `DataSourceSettings`), else from a `.env` file in the
 * working folder; they are read when it is initialized.
 *
 * @example
 * const dataSource = await createDataSource({ connectTimeout: 5 }).initialize();
 * const workspaces = WorkspaceRepository.from(dataSource);
 */
export function createDataSource(settings: DataSourceSettings = {}): WorkspacesDataSource {
	return new WorkspacesDataSource(settings);
}

const PRODUCT: deploy.Product = { migrations, checks: [globalRowCheck] };

/**
 * @throws RefusedOperationError for a DataSource of an older TypeORM, on which guards and migrations fail halfway, and
 *   for one that looks for the entities in other tables than the migrations make.
 */
function usable(dataSource: DataSource): DataSource {
	if (!("dataSource" in dataSource.manager)) {
		throw new RefusedOperationError(
			"This DataSource is of TypeORM 0.3: update the application's typeorm to 1.x, or use createDataSource()",
		);
	}
	const ours: readonly unknown[] = entities;
	const renamed = dataSource.entityMetadatas.find(
		({ target, tableName, givenTableName }) => ours.includes(target) && tableName !== givenTableName,
	);
	if (!renamed) return dataSource;
	throw new RefusedOperationError(
		`This DataSource renames the table ${renamed.givenTableName} to ${renamed.tableName}: ` +
			"remove its entityPrefix, or the names of tables from its naming strategy",
	);
}

/** Events go to the DataSource's logger unless they are asked for. */
function withLog<Options extends deploy.DeployOptions>(dataSource: DataSource, options: Options): Options {
	const onEvent = (event: deploy.DeployEvent) => {
		const line = deploy.describeEvent(event);
		if (line !== undefined) dataSource.logger.logMigration(line);
	};
	return { ...options, onEvent: options.onEvent ?? onEvent };
}

/**
 * Runs the pending migrations of an initialized DataSource: this package's, and those of the application that it has.
 * One run at a time on a database, refused as a whole before anything is changed where one can't be carried out. With
 * nothing pending: two statements. What it does goes to `onEvent`, else to the DataSource's logger.
 *
 * @throws IncompatibleSchemaError, MissingPrivilegesError, ForeignHistoryError, LockTimeoutError before anything is
 *   changed; TableInUseError, LockLostError, InterruptedError, MigrationError where it has to be run again
 *
 * @example
 * const { migrations, report } = await migrate(dataSource, { lockTimeout: 30 });
 * if (report) console.log(`${migrations.length} migrations\n${formatReport(report)}`);
 */
export async function migrate(
	dataSource: DataSource,
	options: deploy.DeployOptions = {},
): Promise<deploy.DeployResult> {
	return deploy.migrate(usable(dataSource), PRODUCT, withLog(dataSource, options));
}

/**
 * Reverts the last migration of an initialized DataSource, or several as one decision, under the same guards.
 *
 * @throws DataLossError where that would delete data, and what `migrate` throws
 *
 * @example
 * await revert(dataSource);                                             // the last migration
 * await revert(dataSource, { to: "CreateWorkspaceTables1795478400000" });   // all that came after it
 */
export async function revert(dataSource: DataSource, options: deploy.RevertOptions = {}): Promise<deploy.DeployResult> {
	return deploy.revert(usable(dataSource), PRODUCT, withLog(dataSource, options));
}

/**
 * What `migrate` would execute on the database of an initialized DataSource. Changes nothing but empty copies of tables,
 * on which it tries each ALTER.
 *
 * @throws IncompatibleSchemaError where `migrate` would refuse
 *
 * @example
 * const { statements, refusals } = await plan(dataSource);
 * for (const sql of statements) console.log(`${sql};`);
 * if (refusals.length > 0) console.error(refusals.join("\n"));
 */
export async function plan(dataSource: DataSource, options: deploy.PlanOptions = {}): Promise<deploy.MigrationPlan> {
	return deploy.plan(usable(dataSource), PRODUCT, options);
}

/**
 * Whether the database of an initialized DataSource is up to date with this package. Changes nothing.
 *
 * @example
 * const result = await check(dataSource);
 * if (!result.ok) console.error(formatCheck(result));
 */
export async function check(dataSource: DataSource): Promise<deploy.SchemaCheck> {
	return deploy.check(usable(dataSource), PRODUCT);
}

/**
 * Each migration that the DataSource or its database knows, and what became of it: two statements.
 *
 * @example
 * const pending = (await status(dataSource)).filter(({ state }) => state === "pending");
 * console.log(pending.map(({ name }) => name).join("\n"));
 */
export async function status(dataSource: DataSource): Promise<deploy.MigrationStatus[]> {
	return deploy.status(usable(dataSource));
}
