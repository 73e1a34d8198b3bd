import { format, type Query } from "mysql2";
import {
	QueryFailedError,
	type QueryResult,
	type ReplicationMode,
	type Table,
	type TableColumn,
	type View,
} from "typeorm";
import type { MysqlDriver } from "typeorm/driver/mysql/MysqlDriver.js";
import { MysqlQueryRunner } from "typeorm/driver/mysql/MysqlQueryRunner.js";
import { Query as TypeormQuery } from "typeorm/driver/Query.js";
import { MetadataTableType } from "typeorm/driver/types/MetadataTableType.js";
import type { LossyChange } from "../errors";
import { serverFailure } from "../mysql/failure";
import { redactSql, withoutSecrets } from "../mysql/redact";
import type { ServerIdentity } from "../mysql/server";
import { lossOfChange, REMEDIES } from "./lossyChange";
import { refused } from "./refused";

type MetadataRow = Parameters<MysqlQueryRunner["insertTypeormMetadataSql"]>[0];

/** A driver that knows its server once it is connected. */
type ConnectedDriver = MysqlDriver & { readonly server: ServerIdentity | undefined };

/**
 * TypeORM's query runner with three changes: its errors hold no values, it never empties or drops a database, and it
 * changes a column by MODIFY, where TypeORM drops it with its values and adds it again.
 */
export class WorkspacesQueryRunner extends MysqlQueryRunner {
	declare driver: ConnectedDriver;
	/** Which of the statements that were only recorded (`enableSqlMemory`) would lose data. */
	readonly losses: LossyChange[] = [];
	#readsTables = false;

	constructor(driver: ConnectedDriver, mode: ReplicationMode) {
		super(driver, mode);
	}

	override query(sql: string, parameters: unknown[] | undefined, useStructuredResult: true): Promise<QueryResult>;
	override query<Result = unknown>(sql: string, parameters?: unknown[], useStructuredResult?: false): Promise<Result>;
	override async query(sql: string, parameters?: unknown[], useStructuredResult = false): Promise<unknown> {
		try {
			return await super.query(this.#quoteDatabase(sql), parameters, useStructuredResult as true);
		} catch (error) {
			throw withoutValues(error);
		}
	}

	override async stream(
		sql: string,
		parameters?: unknown[],
		onEnd?: () => void,
		onError?: (error: Error) => void,
	): ReturnType<MysqlQueryRunner["stream"]> {
		const connection = await this.connect();
		this.dataSource.logger.logQuery(sql, parameters, this);
		const query: Query = connection.query(sql, parameters);
		// The first listener, so that all others, that of the stream included, get an error without values.
		query.on("error", withoutSecrets);
		if (onEnd) query.on("end", onEnd);
		if (onError) query.on("error", onError);
		const stream = query.stream();
		// A query without a callback does not learn from the driver that its connection is lost.
		const onLost = (error: Error) => stream.destroy(serverFailure(withoutSecrets(error)) ?? error);
		connection.once("error", onLost);
		stream.once("close", () => connection.off("error", onLost));
		return stream as Awaited<ReturnType<MysqlQueryRunner["stream"]>>;
	}

	/** In the case in which the server lists it. */
	override async getCurrentDatabase(): Promise<string> {
		const name = await super.getCurrentDatabase();
		return this.driver.server?.hasLowerCaseNames ? name.toLowerCase() : name;
	}

	/** Known since the connection was made: no statement. */
	override async getVersion(): Promise<string> {
		return this.driver.server?.version ?? super.getVersion();
	}

	override async clearDatabase(): Promise<never> {
		throw refused("clearDatabase");
	}

	override async dropDatabase(): Promise<never> {
		throw refused("dropDatabase");
	}

	override async changeColumn(table: Table | string, from: TableColumn | string, to: TableColumn): Promise<void> {
		const known = typeof table === "string" ? await this.getCachedTable(table) : table;
		const old = typeof from === "string" ? known.findColumnByName(from) : from;
		if (!old || old.name !== to.name || old.generatedType !== to.generatedType) {
			return super.changeColumn(known, from, to);
		}
		await this.#modify(known, old, to);
		if (old.asExpression !== to.asExpression) await this.#rememberExpression(known, old, to);
		const settled = to.clone();
		settled.isPrimary = old.isPrimary;
		settled.isUnique = old.isUnique;
		if (settled.isPrimary !== to.isPrimary || settled.isUnique !== to.isUnique) {
			await super.changeColumn(known, settled, to);
		}
	}

	override async dropColumn(table: Table | string, column: TableColumn | string, ifExists?: boolean): Promise<void> {
		const known = typeof table === "string" ? await this.getCachedTable(table) : table;
		const dropped = typeof column === "string" ? known.findColumnByName(column) : column;
		const start = this.sqlInMemory.upQueries.length;
		await super.dropColumn(known, column, ifExists);
		// A generated column has no values of its own.
		if (!dropped || dropped.generatedType) return;
		const statement = this.sqlInMemory.upQueries.slice(start).find(({ query }) => / DROP COLUMN /.test(query));
		this.#lose({
			statement: statement?.query ?? "",
			reason: `the values of ${known.name}.${dropped.name} are deleted`,
			remedy: REMEDIES.drop,
			dropped: `${known.name}.${dropped.name}`,
		});
	}

	/** From the server's own list, which is right in a database that was restored under another name, too. */
	protected override selectTypeormMetadataSql(row: Omit<MetadataRow, "name"> & { name?: string }): TypeormQuery {
		if (row.type !== MetadataTableType.GENERATED_COLUMN) return super.selectTypeormMetadataSql(row);
		const sql =
			"SELECT GENERATION_EXPRESSION AS value FROM information_schema.COLUMNS " +
			"WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND COLUMN_NAME = ?";
		return new TypeormQuery(sql, [row.schema, row.table, row.name]);
	}

	/** Without the name of the database that it was generated on; a second run inserts nothing. */
	protected override insertTypeormMetadataSql(row: MetadataRow): TypeormQuery {
		const table = `\`${this.dataSource.metadataTableName}\``;
		return new TypeormQuery(
			format(
				`INSERT INTO ${table} (\`type\`, \`schema\`, \`table\`, \`name\`, \`value\`) ` +
					`SELECT ?, DATABASE(), ?, ?, ? FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM ${table} ` +
					"WHERE `type` = ? AND `schema` = DATABASE() AND `table` = ? AND `name` = ?)",
				[row.type, row.table, row.name, row.value, row.type, row.table, row.name],
			),
		);
	}

	protected override deleteTypeormMetadataSql(row: MetadataRow): TypeormQuery {
		return new TypeormQuery(
			format(
				`DELETE FROM \`${this.dataSource.metadataTableName}\` ` +
					"WHERE `type` = ? AND `schema` = DATABASE() AND `table` = ? AND `name` = ?",
				[row.type, row.table, row.name],
			),
		);
	}

	protected override loadTables(names?: string[]): Promise<Table[]> {
		return this.#readingTables(() => super.loadTables(names));
	}

	protected override loadViews(names?: string[]): Promise<View[]> {
		return this.#readingTables(() => super.loadViews(names));
	}

	async #readingTables<Result>(read: () => Promise<Result>): Promise<Result> {
		this.#readsTables = true;
		try {
			return await read();
		} finally {
			this.#readsTables = false;
		}
	}

	/** TypeORM puts the database's name between quotes without escaping an apostrophe in it. */
	#quoteDatabase(sql: string): string {
		const { database = "" } = this.driver;
		if (!this.#readsTables || !database.includes("'")) return sql;
		return sql.replaceAll(`'${database}'`, format("?", [database]));
	}

	async #modify(table: Table, from: TableColumn, to: TableColumn): Promise<void> {
		const statement = (column: TableColumn) =>
			`ALTER TABLE ${this.escapePath(table)} MODIFY COLUMN ${this.buildCreateColumnSql(column, true)}`;
		const [up, down] = [statement(to), statement(from)];
		if (up === down) return;
		const reason = from.generatedType ? undefined : lossOfChange(from, to);
		if (reason) this.#lose({ statement: up, reason, remedy: REMEDIES.narrow });
		await this.executeQueries(new TypeormQuery(up), new TypeormQuery(down));
		const changed = to.clone();
		changed.isPrimary = from.isPrimary;
		changed.isUnique = from.isUnique;
		table.columns.splice(table.columns.indexOf(from), 1, changed);
	}

	async #rememberExpression(table: Table, from: TableColumn, to: TableColumn): Promise<void> {
		const row = (column: TableColumn): MetadataRow => ({
			type: MetadataTableType.GENERATED_COLUMN,
			table: table.name,
			name: column.name,
			...(column.asExpression === undefined ? {} : { value: column.asExpression }),
		});
		const forget = this.deleteTypeormMetadataSql(row(to));
		const [up, down] = [this.insertTypeormMetadataSql(row(to)), this.insertTypeormMetadataSql(row(from))];
		// The statements of a revert are executed in reverse order.
		await this.executeQueries([forget, up], [down, forget]);
	}

	#lose(loss: LossyChange): void {
		if (this.sqlMemoryMode) this.losses.push(loss);
	}
}

function withoutValues(error: unknown): unknown {
	if (!(error instanceof QueryFailedError)) return withoutSecrets(error);
	const cause = withoutSecrets(error.driverError) as Error;
	const clean = serverFailure(cause) ?? new QueryFailedError(redactSql(error.query), undefined, cause);
	if (error.stack) clean.stack = error.stack.replace(/^[\s\S]*?(?=\n\s+at )/, `${clean.name}: ${clean.message}`);
	return clean;
}
