import type { DataSource, EntityMetadata, QueryRunner } from "typeorm";
import { IncompatibleSchemaError } from "../errors";
import { sqlOf } from "../schema/clause";
import { isSameExpression } from "../schema/columns";
import { quote } from "../schema/ddl";
import { inspect } from "../schema/inspect";
import { mendablesOf } from "../schema/mendable";
import { rowsIfAny } from "../schema/rows";
import { withMigrationSession } from "../schema/session";
import type { ActualTable, ColumnShape, Server, Snapshot } from "../schema/shape";
import { differencesOf } from "../typeorm/schemaBuilder";
import { nameOf, pendingAfter, readHistory } from "./history";
import { plan } from "./plan";
import { copiesNote, inspectPrivileges, lacks } from "./privileges";
import type { CheckItem, Product, RowCheck } from "./product";
import { onQueryRunner } from "./run";

/**
 * Whether a database is up to date with this version of the package.
 *
 * @example
 * const { ok, items } = await check(dataSource);
 * const warnings = items.flatMap((item) => item.warnings);
 * res.status(ok ? 200 : 503).json({ warnings });
 */
export interface SchemaCheck {
	readonly ok: boolean;
	readonly items: readonly CheckItem[];
}

/**
 * Whether the database of an initialized DataSource is up to date: server and driver, privileges, pending migrations and
 * why a run of them would be refused, differences from the entities, what TypeORM's comparison does not cover (engine,
 * character set, CHECKs, generated expressions), and the product's own checks. Changes nothing.
 */
export async function check(dataSource: DataSource, product: Product): Promise<SchemaCheck> {
	const own = dataSource.entityMetadatas.filter((metadata) => metadata.synchronize);
	const names = own.map((metadata) => metadata.tableName);
	const { snapshot, pending, items } = await inMigrationSession(dataSource, async (queryRunner) => {
		const snapshot = await inspect(queryRunner, names);
		const pending = pendingAfter(dataSource, await readHistory(queryRunner)).map(({ name }) => name);
		const items = [
			checkServer(dataSource, snapshot),
			await checkPrivileges(queryRunner),
			checkPending(pending, dataSource.migrations.map(nameOf)),
			checkStorage(snapshot, own),
		];
		for (const question of product.checks) items.push(await checkRows(queryRunner, question));
		return { snapshot, pending, items };
	});
	// TypeORM compares on a connection of its own: the one above was given back, since the pool may have no other.
	const compared = pending.length ? NOT_COMPARED : await checkEntities(dataSource, snapshot, names);
	const next = pending.length ? [await checkNextRun(dataSource, product)] : [];
	const all = items.toSpliced(3, 0, ...next, compared);
	return { ok: all.every((one) => one.ok), items: all };
}

/** Does the work in a session of the DataSource's that is set up for it. */
function inMigrationSession<Result>(
	dataSource: DataSource,
	work: (queryRunner: QueryRunner) => Promise<Result>,
): Promise<Result> {
	return onQueryRunner(dataSource, (queryRunner) => withMigrationSession(queryRunner, () => work(queryRunner)));
}

/**
 * The check as lines for a terminal.
 *
 * @example
 * console.log(formatCheck(await check(dataSource)));
 * // ok  migrations  5 run, none pending
 */
export function formatCheck({ ok, items }: SchemaCheck): string {
	const width = Math.max(...items.map((item) => item.name.length));
	const lines = items.flatMap(({ name, ok, details, warnings }) =>
		[...details, ...warnings.map((warning) => `warning: ${warning}`)].map((line, index) => {
			const head = index ? " ".repeat(width + 4) : `${ok ? "ok" : "NO"}  ${name.padEnd(width)}`;
			return `${head}  ${line}`;
		}),
	);
	return [...lines, ok ? "The database is up to date." : "The database is not up to date."].join("\n");
}

function item(
	name: string,
	problems: readonly string[],
	otherwise: string,
	warnings: readonly string[] = [],
): CheckItem {
	return { name, ok: !problems.length, details: problems.length ? problems : [otherwise], warnings };
}

function checkServer(dataSource: DataSource, { server }: Snapshot): CheckItem {
	const { type } = dataSource.options;
	const wrong = type !== server.family ? [`the driver's type is ${type}, the server is ${server.family}`] : [];
	return item("server", wrong, `${server.family} ${dataSource.driver.version ?? ""}, driver type ${type}`);
}

async function checkPrivileges(queryRunner: QueryRunner): Promise<CheckItem> {
	const privileges = await inspectPrivileges(queryRunner);
	const { database, user } = privileges;
	const note = copiesNote(privileges);
	return item("privileges", lacks(privileges), `${user} has what a migration needs on ${database}`, note ? [note] : []);
}

function checkPending(pending: readonly string[], known: readonly string[]): CheckItem {
	const problems = pending.map((name) => `pending: ${name}`);
	return item("migrations", problems, `${known.length} run, none pending`);
}

/** Uses the code that plans a run, which is the code that decides it. */
async function checkNextRun(dataSource: DataSource, product: Product): Promise<CheckItem> {
	try {
		const { steps, refusals } = await plan(dataSource, product);
		return item("next run", refusals, `would not be refused: ${steps.length} step${steps.length === 1 ? "" : "s"}`);
	} catch (error) {
		if (!(error instanceof IncompatibleSchemaError)) throw error;
		return item("next run", error.problems, "");
	}
}

const NOT_COMPARED = item("entities", ["not compared while migrations are pending"], "");

async function checkEntities(dataSource: DataSource, { tables }: Snapshot, names: string[]): Promise<CheckItem> {
	const missing = names.filter((name) => !tables.has(name)).map((name) => `the table ${name} is missing`);
	if (missing.length) return item("entities", missing, "");
	const differences = await differencesOf(dataSource, (work) => inMigrationSession(dataSource, work));
	const drift = differences.map((sql) => `differs: ${sql}`);
	return item("entities", drift, `${names.length} tables match the entities`);
}

function checkStorage({ tables, server }: Snapshot, metadatas: readonly EntityMetadata[]): CheckItem {
	const found = metadatas.flatMap((metadata) => {
		const table = tables.get(metadata.tableName);
		return table ? [{ table, metadata }] : [];
	});
	return item(
		"storage",
		found.flatMap(({ table, metadata }) => [...engineProblems(table), ...columnProblems(table, metadata)]),
		"InnoDB and generated columns are as they should be",
		found.flatMap(({ table, metadata }) => copyWarnings(table, metadata, server)),
	);
}

function engineProblems({ name, engine }: ActualTable): string[] {
	if (engine === "InnoDB") return [];
	return [`${name} uses the engine ${engine}, expected InnoDB (ALTER TABLE ${quote(name)} ENGINE=InnoDB)`];
}

/** What a run leaves alone unless it may copy tables, with the statement that mends it. */
function copyWarnings(table: ActualTable, { columns }: EntityMetadata, server: Server): string[] {
	const known = columns.map(({ databaseName }) => databaseName);
	return mendablesOf(table, known, server).map(({ clause, reason }) => {
		const sql = `ALTER TABLE ${quote(table.name)} ${sqlOf(clause, server).join(", ")}`;
		return `${table.name} ${reason}; to mend it, which copies the table while writers wait: ${sql}`;
	});
}

function columnProblems(table: ActualTable, metadata: EntityMetadata): string[] {
	const problems: string[] = [];
	for (const column of metadata.columns) {
		const place = `${table.name}.${column.databaseName}`;
		const found = table.columns.find((candidate) => candidate.name === column.databaseName);
		if (column.asExpression && !isSameExpression(found?.generated ?? null, column.asExpression)) {
			problems.push(`${place} is generated as ${found?.generated ?? "nothing"}, expected ${column.asExpression}`);
		}
		// TypeORM takes LONGTEXT for JSON on every server; a dump of MariaDB's makes it so on MySQL.
		if (column.type === "json" && found && found.type !== "json") {
			problems.push(`${place} is ${found.type}, expected json (${toJson(table, found)})`);
		}
	}
	return problems;
}

function toJson({ name }: ActualTable, column: ColumnShape): string {
	return `ALTER TABLE ${quote(name)} MODIFY COLUMN ${quote(column.name)} json ${column.nullable ? "NULL" : "NOT NULL"}`;
}

async function checkRows(queryRunner: QueryRunner, { name, sql, problemsOf, describe }: RowCheck): Promise<CheckItem> {
	const rows = await rowsIfAny<Record<string, unknown>>(queryRunner, sql);
	return item(name, problemsOf(rows), describe(rows));
}
