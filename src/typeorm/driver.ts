import { inspect } from "node:util";
import type { PoolConnection, PoolOptions } from "mysql2";
import type { DataSource, ReplicationMode } from "typeorm";
import { MysqlDriver } from "typeorm/driver/mysql/MysqlDriver.js";
import type { Server } from "../mysql/server";
import type { ResolvedSettings } from "../settings/settings";
import { connectionFailure } from "./connectionFailure";
import { type Mysql2, type OpenPool, openPool } from "./pool";
import { WorkspacesQueryRunner } from "./queryRunner";
import { type CompareOptions, WorkspacesSchemaBuilder } from "./schemaBuilder";

/**
 * TypeORM's driver with a type that follows the server, sessions that are set up before anything else runs in them,
 * connecting that waits for a server to come up, and query runners whose errors hold no values.
 */
export class WorkspacesDriver extends MysqlDriver {
	/** Undefined until connected. */
	server: Server | undefined;
	readonly #settings: ResolvedSettings | undefined;
	#setUp: OpenPool["setUp"] = () => undefined;

	constructor(dataSource: DataSource, settings?: ResolvedSettings) {
		super(dataSource);
		this.#settings = settings;
		// The pool keeps the password: no logger is to come across it.
		Object.defineProperty(this, "pool", { writable: true, configurable: true, enumerable: false, value: undefined });
	}

	override createQueryRunner(mode: ReplicationMode): WorkspacesQueryRunner {
		return new WorkspacesQueryRunner(this, mode);
	}

	override createSchemaBuilder(options?: CompareOptions): WorkspacesSchemaBuilder {
		return new WorkspacesSchemaBuilder(this.dataSource, options);
	}

	override async obtainMasterConnection(): Promise<PoolConnection> {
		const connection: PoolConnection = await super.obtainMasterConnection();
		const pending = this.#setUp(connection);
		if (pending) await pending.catch((error: unknown) => this.#fail(error));
		return connection;
	}

	protected override async createPool(options: PoolOptions): Promise<OpenPool["pool"]> {
		const settings = this.#settings;
		if (!settings) throw new Error("The driver was made before the settings were read");
		const credentials = settings.password === undefined ? {} : { password: settings.password };
		const { logger } = this.dataSource;
		// TypeORM parses JSON itself, and a string that mysql2 had parsed already would be parsed twice.
		const all: PoolOptions = { ...options, ...credentials, jsonStrings: true };
		const opened = await openPool(this.mysql as Mysql2, all, settings, (line) => logger.log("info", line));
		this.#setUp = opened.setUp;
		this.server = opened.server;
		// Both decide how TypeORM speaks to the server, and its own branch on the version comes right after this.
		const { type } = opened.server;
		Object.assign(this.options, { type });
		Object.assign(this.dataSource.options, { type });
		return opened.pool;
	}

	#fail(error: unknown): never {
		if (!this.#settings) throw error;
		throw connectionFailure(error, this.#settings);
	}

	[inspect.custom](): string {
		return `WorkspacesDriver { ${this.options.type} ${this.server?.version ?? "not connected"} }`;
	}
}
