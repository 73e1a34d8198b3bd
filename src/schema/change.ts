import type { QueryRunner } from "typeorm";
import { ERROR, hasNumber } from "../mysql/errorNumbers";
import { retry } from "../mysql/retry";
import { LOCKED } from "./alter";
import { doneText } from "./clause";
import { contextOf, emit } from "./context";
import { inspectPlanned } from "./converge";
import { quote } from "./ddl";
import { execute } from "./execute";
import { countRows } from "./rows";
import type { Alteration } from "./statements";

/** What a migration changes beside the shapes of tables. */

/** The last one is what MySQL says when the row came while a unique index was built. */
const DUPLICATE: readonly number[] = [ERROR.DUP_ENTRY, ERROR.DUP_UNKNOWN_IN_INDEX];

/** Milliseconds for which rows are tried again, however short the table timeout. */
const SHORTEST_TIMEOUT = 2_000;

/** A statement about rows of one table. */
export interface RowChange {
	readonly table: string;
	/** For the report of a run. */
	readonly what: string;
	readonly sql: string;
}

/** Executes an INSERT or UPDATE of a migration. */
export async function changeRows(queryRunner: QueryRunner, { table, what, sql }: RowChange): Promise<void> {
	await execute(queryRunner, { kind: "rows", table, what: [what], sql });
}

/** Rows of one table. */
export interface DeletedRows {
	readonly table: string;
	/** For the report of a run. */
	readonly what: string;
	/** The condition on them. */
	readonly where: string;
}

/** Deletes rows. A dry run counts them, so that a later migration does not take them for lost once more. */
export async function deleteRows(queryRunner: QueryRunner, { table, what, where }: DeletedRows): Promise<void> {
	const from = `FROM ${quote(table)} WHERE ${where}`;
	const { recording } = contextOf(queryRunner);
	if (recording) {
		const count = await countRows(queryRunner, `SELECT COUNT(*) AS found ${from}`);
		recording.deleted.set(table, (recording.deleted.get(table) ?? 0) + count);
	}
	await changeRows(queryRunner, { table, what, sql: `DELETE ${from}` });
}

/** Executes an ALTER TABLE that no other function of this folder finds out by itself, and reports it. */
export async function alterTable(queryRunner: QueryRunner, change: Omit<Alteration, "kind">): Promise<void> {
	await execute(queryRunner, { ...change, kind: "alter" });
	for (const what of change.what) emit(queryRunner, "changed", change.table, doneText(what));
}

/** Whether a unique index already has such a row. */
export function isDuplicate(error: unknown): boolean {
	return hasNumber(error, ...DUPLICATE);
}

/** Does the work again while other sessions write what it must not meet, until the table timeout has passed. */
export function whileDuplicate<Result>(queryRunner: QueryRunner, work: () => Promise<Result>): Promise<Result> {
	return retry(work, {
		timeout: Math.max(contextOf(queryRunner).tableTimeout, SHORTEST_TIMEOUT),
		isTransient: (error) => hasNumber(error, ...DUPLICATE, ...LOCKED),
		firstPause: 10,
		longestPause: 200,
	});
}

export interface RenamedColumn {
	readonly table: string;
	readonly from: string;
	readonly to: string;
}

/** Renames a column, unless that was done before. */
export async function renameColumn(queryRunner: QueryRunner, { table, from, to }: RenamedColumn): Promise<void> {
	const found = (await inspectPlanned(queryRunner, [table])).tables.get(table);
	if (!found?.columns.some((column) => column.name === from)) return;
	const what = `rename column ${from} to ${to}`;
	const parts = [`RENAME COLUMN ${quote(from)} TO ${quote(to)}`];
	await alterTable(queryRunner, { table, what: [what], parts, algorithm: "INSTANT", rows: found.rows });
	const columns = found.columns.map((column) => (column.name === from ? { ...column, name: to } : column));
	contextOf(queryRunner).recording?.tables.set(table, { ...found, columns });
}
