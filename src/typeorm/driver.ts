import { inspect } from "node:util";
import type { PoolConnection, PoolOptions } from "mysql2";
import type { DataSource, ReplicationMode } from "typeorm";
import { MysqlDriver } from "typeorm/driver/mysql/MysqlDriver.js";
import type { ServerIdentity } from "../mysql/server";
import type { ResolvedSettings } from "../settings/settings";
import { pinned } from "./connection";
import { type Mysql2, WITHOUT_FILES } from "./internals";
import { type OpenPool, openPool } from "./pool";
import { WorkspacesQueryRunner } from "./queryRunner";
import { type CompareOptions, WorkspacesSchemaBuilder } from "./schemaBuilder";

/**
 * TypeORM's driver with these changes: its type follows the server, it waits for a server that is not up yet, each
 * session is set up before it is used, connections that went silent are given up, and errors hold no values.
 */
export class WorkspacesDriver extends MysqlDriver {
	/** Undefined until connected. */
	server: ServerIdentity | undefined;
	readonly #settings: ResolvedSettings | undefined;
	#opened: OpenPool | undefined;

	constructor(dataSource: DataSource, settings?: ResolvedSettings) {
		super(dataSource);
		this.#settings = settings;
		// The pool holds the password, so nothing that prints a driver may print it.
		Object.defineProperty(this, "pool", { writable: true, configurable: true, enumerable: false, value: undefined });
	}

	override createQueryRunner(mode: ReplicationMode): WorkspacesQueryRunner {
		return new WorkspacesQueryRunner(this, mode);
	}

	override createSchemaBuilder(options?: CompareOptions): WorkspacesSchemaBuilder {
		return new WorkspacesSchemaBuilder(this.dataSource, options);
	}

	override async obtainMasterConnection(): Promise<PoolConnection> {
		return this.#opened ? this.#opened.acquire() : super.obtainMasterConnection();
	}

	/** Ends also where the server is silent; statements that still run are waited for. */
	override async disconnect(): Promise<void> {
		if (!this.#opened) return super.disconnect();
		const { close } = this.#opened;
		this.#opened = undefined;
		Object.assign(this, { pool: undefined });
		await close();
	}

	protected override async createPool(options: PoolOptions): Promise<OpenPool["pool"]> {
		const settings = this.#settings;
		if (!settings) throw new Error("The driver was made before the settings were read");
		const { logger } = this.dataSource;
		const log = (line: string) => logger.log("info", line);
		const opened = await openPool(this.mysql as Mysql2, { ...options, ...poolOptions(settings) }, settings, log);
		this.#opened = opened;
		this.server = opened.server;
		// Both decide how TypeORM speaks to the server, and its own branch on the version comes right after this.
		const { type } = opened.server;
		Object.assign(this.options, { type });
		Object.assign(this.dataSource.options, { type });
		// TypeORM compares it with what the server calls it.
		if (opened.server.hasLowerCaseNames) this.database = settings.database.toLowerCase();
		return opened.pool;
	}

	[inspect.custom](): string {
		return `WorkspacesDriver { ${this.options.type} ${this.server?.version ?? "not connected"} }`;
	}
}

/** Options of the driver alone, and those that must not be in options which an application may print. */
function poolOptions(settings: ResolvedSettings): PoolOptions {
	const { password, tls } = settings;
	return {
		...pinned(settings),
		...(password === undefined ? {} : { password }),
		...(tls ? { ssl: tls } : {}),
		// TypeORM parses JSON itself, and a string that mysql2 had parsed already would be parsed twice.
		jsonStrings: true,
		disableEval: !canGenerateCode(),
		...WITHOUT_FILES,
	};
}

/** mysql2 generates a reader for each shape of rows, which takes a third off the time of a thousand rows. */
function canGenerateCode(): boolean {
	try {
		return Boolean(new Function(""));
	} catch {
		return false;
	}
}
