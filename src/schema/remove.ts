import type { QueryRunner } from "typeorm";
import { IncompatibleSchemaError } from "../errors";
import { alterTable, deleteRows } from "./change";
import { dropClosed, needsClosing } from "./closed";
import { enumType, enumValues, valuesBeyond } from "./columnType";
import { contextOf, emit } from "./context";
import { inspectPlanned } from "./converge";
import { changedColumnSql, literal, quote } from "./ddl";
import { execute, withTablesLocked } from "./execute";
import { disclaim, forgetExpression, ownedTables } from "./ownership";
import { countRows, type Loss, refuseDataLoss, rowsIfAny } from "./rows";
import type { ActualTable, ColumnShape } from "./shape";
import { CURRENT_TIMESTAMP } from "./shape";

/**
 * What `down` of a migration is made of. Each function finds out what is there, so that it can be interrupted and
 * called again; leaves to the application what the application made; and refuses to delete data unless that is allowed.
 */

/**
 * Drops those of the tables that this package made, the last one first.
 *
 * @throws DataLossError where one holds rows, IncompatibleSchemaError where another table refers to one
 */
export async function dropTables(queryRunner: QueryRunner, names: readonly string[]): Promise<void> {
	const owned = await ownedTables(queryRunner);
	const found = (await inspectPlanned(queryRunner, names)).tables;
	for (const table of names.filter((name) => !owned.has(name))) {
		emit(queryRunner, "unchanged", table, "made by the dashboard, left as it is");
	}
	const own = [...names].reverse().filter((name) => owned.has(name));
	const present = own.filter((name) => found.has(name));
	await refuseReferences(queryRunner, present);
	const [first, ...others] = present;
	const metadata = queryRunner.dataSource.metadataTableName;
	if (first) {
		const losses = [...present].reverse().map((name) => rowsOf(queryRunner, name));
		const refuse = () => refuseDataLoss(queryRunner, losses);
		const drop = async () => {
			await refuse();
			for (const table of present) await dropTable(queryRunner, table);
		};
		if (needsClosing(queryRunner)) await dropClosed(queryRunner, present, { refuse, drop });
		else await withTablesLocked(queryRunner, [first, ...others, metadata], drop);
	}
	for (const table of own) if (!found.has(table)) await dropTable(queryRunner, table);
}

function rowsOf(queryRunner: QueryRunner, table: string): Loss {
	const deleted = contextOf(queryRunner).recording?.deleted.get(table) ?? 0;
	return { what: `row(s) of ${table}`, sql: `SELECT COUNT(*) - ${deleted} AS found FROM ${quote(table)}` };
}

async function dropTable(queryRunner: QueryRunner, table: string): Promise<void> {
	await execute(queryRunner, { kind: "drop", table, what: ["drop"], sql: `DROP TABLE IF EXISTS ${quote(table)}` });
	await disclaim(queryRunner, table);
	emit(queryRunner, "dropped", table, "dropped");
}

/**
 * Somebody else's foreign key into a table that is to be dropped: the server would refuse in the middle. In a dry run of
 * several migrations, a table that an earlier one drops takes its keys along.
 */
async function refuseReferences(queryRunner: QueryRunner, tables: readonly string[]): Promise<void> {
	if (!tables.length) return;
	const dropped = [...(contextOf(queryRunner).recording?.tables ?? [])].flatMap(([name, table]) => (table ? [] : name));
	const names = tables.map(literal).join(", ");
	const gone = [...tables, ...dropped].map(literal).join(", ");
	const found = await rowsIfAny<{ place: string; name: string; references: string }>(
		queryRunner,
		"SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS place, CONSTRAINT_NAME AS name, " +
			"REFERENCED_TABLE_NAME AS `references` FROM information_schema.KEY_COLUMN_USAGE " +
			`WHERE REFERENCED_TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IN (${names}) ` +
			`AND NOT (TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (${gone}))`,
	);
	const problems = found.map(
		({ place, name, references }) => `${place} refers to ${references} by its foreign key ${name}; drop that key first`,
	);
	refuse(queryRunner, problems);
}

function refuse(queryRunner: QueryRunner, problems: readonly string[]): void {
	const { recording } = contextOf(queryRunner);
	if (recording) recording.problems.push(...problems);
	else if (problems.length) throw new IncompatibleSchemaError(problems);
}

/** What of a column says whether it holds something. */
export type DroppedColumn = Pick<ColumnShape, "name" | "nullable" | "default"> &
	Partial<Pick<ColumnShape, "generated">>;

export interface DroppedColumns {
	readonly table: string;
	readonly columns: readonly DroppedColumn[];
	/** What the values are, in words that follow their number; `value(s)` by default. */
	readonly values?: string;
}

/**
 * Drops columns of a table that this package made; in a table of the application's they are the application's.
 *
 * @throws DataLossError where a column holds other values than its default
 */
export async function dropColumns(queryRunner: QueryRunner, dropped: DroppedColumns): Promise<void> {
	const { table, columns } = dropped;
	const stored = columns.filter((column) => !column.generated);
	if (stored.length && !(await ownedTables(queryRunner)).has(table)) {
		emit(queryRunner, "unchanged", table, "made by the dashboard, its columns stay");
		return;
	}
	const found = (await inspectPlanned(queryRunner, [table])).tables.get(table);
	const present = columns.filter(({ name }) => found?.columns.some((column) => column.name === name));
	const drop = async () => {
		// The last one first: a run that follows an interruption puts back what is missing behind what is there.
		for (const { name } of [...present].reverse()) {
			await alterTable(queryRunner, {
				table,
				what: [`drop column ${name}`],
				parts: [`DROP COLUMN ${quote(name)}`],
				algorithm: "INSTANT",
				...(found && { rows: found.rows }),
			});
		}
	};
	if (stored.some((column) => present.includes(column))) {
		await withTablesLocked(queryRunner, [table], async () => {
			await refuseDataLoss(queryRunner, [lossOf(dropped, stored)]);
			await drop();
		});
	} else {
		await drop();
	}
	for (const { name, generated } of columns) if (generated) await forgetExpression(queryRunner, table, name);
}

/** Of a column whose rows had to be given a value, or got a time, each row loses one. */
function lossOf({ table, values = "value(s)" }: DroppedColumns, columns: readonly DroppedColumn[]): Loss {
	const held = columns.map((column) => {
		if (column.default === CURRENT_TIMESTAMP || (!column.nullable && column.default === null)) return "TRUE";
		const name = quote(column.name);
		return column.default === null ? `${name} IS NOT NULL` : `NOT (${name} <=> ${literal(column.default)})`;
	});
	const place = values === "value(s)" ? `${table}.${columns.map(({ name }) => name).join(", ")}` : table;
	return {
		what: `${values} of ${place}`,
		sql: `SELECT COUNT(*) AS found FROM ${quote(table)} WHERE ${held.join(" OR ")}`,
	};
}

/** Drops those of the indexes that are there, in one statement. */
export async function dropIndexes(queryRunner: QueryRunner, table: string, names: readonly string[]): Promise<void> {
	const found = (await inspectPlanned(queryRunner, [table])).tables.get(table);
	const needed = found ? neededIndexes(found, names) : new Map<string, string>();
	for (const [name, key] of needed)
		emit(queryRunner, "note", table, `index ${name} stays: the foreign key ${key} needs it`);
	const present = names.filter((name) => !needed.has(name) && found?.indexes.some((index) => index.name === name));
	if (!present.length) return;
	const what = present.map((name) => `drop index ${name}`);
	await alterTable(queryRunner, {
		table,
		what,
		parts: present.map((name) => `DROP INDEX ${quote(name)}`),
		algorithm: "INPLACE",
		...(found && { rows: found.rows }),
	});
}

/**
 * Those of the indexes without which a foreign key would have none, each with that key: its own index was dropped by the
 * owner, or by the server when the other one came, and an empty copy without keys would not show it.
 */
function neededIndexes({ indexes, foreignKeys }: ActualTable, names: readonly string[]): Map<string, string> {
	const needed = new Map<string, string>();
	for (const { name, column } of foreignKeys) {
		const serving = indexes.filter(({ columns }) => columns[0]?.toLowerCase() === column.toLowerCase());
		const [first] = serving;
		if (first && serving.every((index) => names.includes(index.name))) needed.set(first.name, name);
	}
	return needed;
}

export interface RemovedValues {
	readonly table: string;
	readonly column: string;
	readonly values: readonly string[];
}

/**
 * Removes values from an ENUM column of a table that this package made, and deletes the rows that hold them. Neither
 * server does that in place: the table is copied while writers wait.
 *
 * @throws DataLossError where rows hold one of the values
 */
export async function removeEnumValues(queryRunner: QueryRunner, removed: RemovedValues): Promise<void> {
	const { table, column, values } = removed;
	if (!(await ownedTables(queryRunner)).has(table)) {
		emit(queryRunner, "unchanged", table, "made by the dashboard, its values stay");
		return;
	}
	const name = values.join(", ");
	const where = `${quote(column)} IN (${values.map(literal).join(", ")})`;
	const held = { what: `row(s) of ${table} with the ${column} ${name}`, sql: countOf(table, where) };
	const actual = (await inspectPlanned(queryRunner, [table])).tables.get(table);
	const found = actual?.columns.find((candidate) => candidate.name === column);
	const left = (enumValues(found?.type ?? "") ?? []).filter((value) => !values.includes(value));
	if (!actual || !found || !left.length || enumType(left) === found.type) return;
	await withTablesLocked(queryRunner, [table], async () => {
		await refuseDataLoss(queryRunner, [held]);
		await deleteRows(queryRunner, { table, what: `delete the rows with ${name}`, where });
		await alterTable(queryRunner, {
			table,
			what: [`column ${column} no longer takes the value ${name}`],
			parts: [`MODIFY COLUMN ${changedColumnSql({ ...found, type: enumType(left) })}`],
			algorithm: "COPY",
			rows: actual.rows,
		});
	});
}

function countOf(table: string, where: string): string {
	return `SELECT COUNT(*) AS found FROM ${quote(table)} WHERE ${where}`;
}

export interface NarrowedColumn {
	readonly table: string;
	readonly column: string;
	/** As it stands behind MODIFY COLUMN. */
	readonly definition: string;
}

/**
 * Reverts what a migration changed of a column.
 *
 * @throws IncompatibleSchemaError where rows hold values that no longer fit
 */
export async function narrowColumn(queryRunner: QueryRunner, narrowed: NarrowedColumn): Promise<void> {
	const { table, column, definition } = narrowed;
	const actual = (await inspectPlanned(queryRunner, [table])).tables.get(table);
	const found = actual?.columns.find((candidate) => candidate.name === column);
	if (!actual || !found) return;
	const condition = unfitting(found, definition);
	const count = condition ? await countRows(queryRunner, countOf(table, condition)) : 0;
	const name = `${table}.${column}`;
	refuse(queryRunner, count ? [`${count} value(s) of ${name} do not fit what it was before; change them first`] : []);
	await alterTable(queryRunner, {
		table,
		what: [`change column ${column}`],
		parts: [`MODIFY COLUMN ${definition}`],
		algorithm: "INSTANT",
		rows: actual.rows,
	});
}

/** The condition on rows that do not fit a definition; empty where each fits, or only the server can say. */
function unfitting({ name, type, nullable }: ColumnShape, definition: string): string {
	const [, before = "", rest = ""] =
		/^`.+?` (enum\((?:'(?:[^']|'')*',?)*\)|\w+(?:\(\d+\))?)(.*)$/s.exec(definition) ?? [];
	const gone = enumValues(before) ? valuesBeyond(type, before) : [];
	const [, length] = /^var(?:char|binary)\((\d+)\)$/.exec(before) ?? [];
	return [
		...(gone.length ? [`${quote(name)} IN (${gone.map((value) => `'${value}'`).join(", ")})`] : []),
		...(length && type.startsWith("var") ? [`CHAR_LENGTH(${quote(name)}) > ${length}`] : []),
		...(nullable && / NOT NULL/.test(rest) ? [`${quote(name)} IS NULL`] : []),
	].join(" OR ");
}
