import type { DataSource, EntityMetadata, QueryRunner, Table, TableColumn, TableColumnOptions } from "typeorm";
import type { SqlInMemory } from "typeorm/driver/SqlInMemory.js";
import type { ColumnMetadata } from "typeorm/metadata/ColumnMetadata.js";
import { RdbmsSchemaBuilder } from "typeorm/schema-builder/RdbmsSchemaBuilder.js";
import { type LossyChange, LossyChangeError } from "../errors";
import { REMEDIES } from "./lossyChange";
import type { WorkspacesQueryRunner } from "./queryRunner";
import { refused } from "./refused";

export interface CompareOptions {
	/**
	 * Whether the tables hold nothing but what the migrations made. Otherwise a column, index or foreign key that no
	 * entity has counts as the dashboard's and is left alone: it looks like one that was removed from an entity.
	 */
	readonly isOwnDatabase?: boolean;
	/** Renamed columns: the old name as `table.column`, and the new name. */
	readonly renamed?: ReadonlyMap<string, string>;
	/** Whether changes that lose data are allowed. */
	readonly allowDataLoss?: boolean;
}

/**
 * TypeORM's comparison of tables and entities. It compares only: it never changes a table, it refuses what would lose
 * data, and it ignores what the servers only write differently.
 */
export class WorkspacesSchemaBuilder extends RdbmsSchemaBuilder {
	readonly #options: CompareOptions;
	#possibleRenames: LossyChange[] = [];

	constructor(dataSource: DataSource, options: CompareOptions = {}) {
		super(dataSource);
		this.#options = options;
	}

	/** @throws RefusedOperationError always. */
	override async build(): Promise<never> {
		throw refused("synchronize");
	}

	/**
	 * The statements that make the tables match the entities; none is executed.
	 *
	 * @throws LossyChangeError where one of them would lose data, unless that is allowed.
	 */
	override async log(): Promise<SqlInMemory> {
		const { statements, losses } = await this.compare();
		const isAllowed = this.#options.allowDataLoss ?? process.env["WORKSPACES_ALLOW_DATA_LOSS"] === "yes";
		if (losses.length && !isAllowed) throw new LossyChangeError(losses);
		return statements;
	}

	/** The same, with what they would lose instead of a refusal. */
	async compare(): Promise<{ readonly statements: SqlInMemory; readonly losses: readonly LossyChange[] }> {
		this.#possibleRenames = [];
		const statements = await super.log();
		const { losses } = this.queryRunner as WorkspacesQueryRunner;
		const known = new Map(this.#possibleRenames.map((loss) => [loss.dropped, loss]));
		const dropped = losses.map((loss) => ({ ...loss, remedy: known.get(loss.dropped)?.remedy ?? loss.remedy }));
		const stated = new Set(losses.map((loss) => loss.dropped));
		return { statements, losses: [...dropped, ...this.#possibleRenames.filter((loss) => !stated.has(loss.dropped))] };
	}

	protected override async executeSchemaSyncOperationsInProperOrder(): Promise<void> {
		for (const [table, metadata] of this.#pairs()) {
			settleExpressions(table, metadata);
			settleForeignKeys(table, metadata);
			this.#possibleRenames.push(...this.#findPossibleRenames(table, metadata));
			if (this.#options.isOwnDatabase) continue;
			leaveUnknown(table, metadata);
			leaveAttributes(table, metadata);
		}
		await super.executeSchemaSyncOperationsInProperOrder();
	}

	/** Only the columns that are stated: TypeORM would guess. */
	protected override async renameColumns(): Promise<void> {
		for (const [from, name] of this.#options.renamed ?? []) {
			const table = this.tables.find((candidate) => from.startsWith(`${candidate.name}.`));
			const column = table?.findColumnByName(from.slice(table.name.length + 1));
			if (!table || !column) throw new Error(`${from}: there is no such column to rename`);
			const renamed = column.clone();
			renamed.name = name;
			await this.queryRunner.renameColumn(table, column, renamed);
		}
	}

	protected override async updateExistColumns(): Promise<void> {
		for (const [table, metadata] of this.#pairs()) settleUniqueness(table, metadata);
		await super.updateExistColumns();
	}

	/** A column that is changed in place keeps its indexes. */
	protected override async dropColumnCompositeIndices(): Promise<void> {}

	/** A column keeps its foreign keys unless its type changes. */
	protected override async dropColumnReferencedForeignKeys(tablePath: string, name: string): Promise<void> {
		const pair = this.#pairs().find(([table]) => tablePath.split(".").pop() === table.name);
		const from = pair?.[0].findColumnByName(name);
		const to = pair?.[1].findColumnWithDatabaseName(name);
		if (!from || !to || from.type !== this.dataSource.driver.normalizeType(to) || from.unsigned !== to.unsigned) {
			await super.dropColumnReferencedForeignKeys(tablePath, name);
		}
	}

	/** A unique index is made with the indexes, by its own name; with its column it would be made a second time. */
	protected override metadataColumnsToTableColumnOptions(columns: ColumnMetadata[]): TableColumnOptions[] {
		return super.metadataColumnsToTableColumnOptions(columns).map((column) => ({ ...column, isUnique: false }));
	}

	#pairs(): [Table, EntityMetadata][] {
		return this.entityToSyncMetadatas.flatMap((metadata): [Table, EntityMetadata][] => {
			const table = this.tables.find((candidate) => candidate.name === metadata.tableName);
			return table ? [[table, metadata]] : [];
		});
	}

	/** A column that is in no entity may be the new name of one that is new and of the same type. */
	#findPossibleRenames(table: Table, metadata: EntityMetadata): LossyChange[] {
		const { driver } = this.dataSource;
		const added = metadata.columns.filter((column) => !table.findColumnByName(column.databaseName));
		return unknownColumns(table, metadata).flatMap((column): LossyChange[] => {
			const from = `${table.name}.${column.name}`;
			const alike = added.find(
				(candidate) => driver.normalizeType(candidate) === column.type && !candidate.generatedType,
			);
			if (!alike || this.#options.renamed?.has(from)) return [];
			return [
				{
					statement: `ALTER TABLE \`${table.name}\` ADD COLUMN \`${alike.databaseName}\``,
					reason: `${from} is in no entity, and ${alike.databaseName} is new and of its type: the values would stay in the old column`,
					remedy: `${REMEDIES.rename(from, alike.databaseName)}. ${REMEDIES.drop}`,
					dropped: from,
				},
			];
		});
	}
}

function unknownColumns(table: Table, metadata: EntityMetadata): TableColumn[] {
	return table.columns.filter((column) => !metadata.findColumnWithDatabaseName(column.name));
}

function leaveUnknown(table: Table, metadata: EntityMetadata): void {
	const unknown = new Set(unknownColumns(table, metadata));
	table.columns = table.columns.filter((column) => !unknown.has(column));
	table.indices = table.indices.filter(({ name }) => metadata.indices.some((index) => index.name === name));
	table.foreignKeys = table.foreignKeys.filter(({ name }) => metadata.foreignKeys.some((key) => key.name === name));
}

/** Comments, collations and further ENUM values are the owner's: a migration leaves them alone. */
function leaveAttributes(table: Table, metadata: EntityMetadata): void {
	if (metadata.comment === undefined) delete table.comment;
	for (const column of table.columns) {
		const wanted = metadata.findColumnWithDatabaseName(column.name);
		if (!wanted) continue;
		if (!wanted.comment) delete column.comment;
		if (!wanted.charset) delete column.charset;
		if (!wanted.collation) delete column.collation;
		const values = wanted.enum?.map(String) ?? [];
		if (column.enum && values.length && values.every((value) => column.enum?.includes(value))) column.enum = values;
	}
}

/** Each server writes the expression of a generated column differently. */
function settleExpressions(table: Table, metadata: EntityMetadata): void {
	for (const column of table.columns) {
		const wanted = metadata.findColumnWithDatabaseName(column.name)?.asExpression;
		if (wanted && column.asExpression && bare(wanted) === bare(column.asExpression)) column.asExpression = wanted;
	}
}

function bare(expression: string): string {
	return expression
		.toLowerCase()
		.replace(/_utf8mb[34](?=\\?')/g, "")
		.replace(/[\s`()\\]/g, "");
}

/** NO ACTION and RESTRICT are the same to InnoDB; servers report either. */
function settleForeignKeys(table: Table, metadata: EntityMetadata): void {
	for (const key of table.foreignKeys) {
		const wanted = metadata.foreignKeys.find(({ name }) => name === key.name);
		if (wanted?.onUpdate && isNoAction(wanted.onUpdate) && isNoAction(key.onUpdate)) key.onUpdate = wanted.onUpdate;
		if (wanted?.onDelete && isNoAction(wanted.onDelete) && isNoAction(key.onDelete)) key.onDelete = wanted.onDelete;
	}
}

function isNoAction(action: string | undefined): boolean {
	return action === undefined || action === "NO ACTION" || action === "RESTRICT";
}

/** Unique indexes are compared as indexes, by name; as a column's property they would be made a second time. */
function settleUniqueness(table: Table, metadata: EntityMetadata): void {
	for (const column of table.columns) {
		const wanted = metadata.findColumnWithDatabaseName(column.name);
		if (wanted) column.isUnique = metadata.dataSource.driver.normalizeIsUnique(wanted);
	}
}

/**
 * The statements that make the tables match the entities, whatever they would lose: none is executed. Works on an
 * application's own DataSource, too.
 *
 * @param inSession does the work in a session that is set up, as those of an application are not
 */
export async function differencesOf(
	dataSource: DataSource,
	inSession: (work: (queryRunner: QueryRunner) => Promise<SqlInMemory>) => Promise<SqlInMemory>,
): Promise<string[]> {
	const builder = dataSource.driver.createSchemaBuilder();
	const found =
		builder instanceof WorkspacesSchemaBuilder
			? (await builder.compare()).statements
			: await inSession((queryRunner) => new RdbmsSchemaBuilder(within(queryRunner)).log());
	return found.upQueries.map(({ query }) => query);
}

/** The same DataSource, with this query runner for everything. */
function within(queryRunner: QueryRunner): DataSource {
	const kept = Object.create(queryRunner, { release: { value: async () => undefined } });
	return Object.create(queryRunner.dataSource, { createQueryRunner: { value: () => kept } });
}
