import type { QueryRunner } from "typeorm";
import { ERROR, hasNumber, messageOf } from "../mysql/errorNumbers";
import { retry } from "../mysql/retry";
import { ALREADY_MADE, isUnsupported, LOCKED, NEXT, textOf } from "./alter";
import type { Algorithm } from "./clause";
import { contextOf, type Recording } from "./context";
import { COPY_PREFIX, LIST_COPIES } from "./copies";
import { literal, quote } from "./ddl";
import type { Alteration, RowsChange } from "./statements";

/**
 * A dry run tries each ALTER on an empty copy of its table: the server's answer decides whether it is possible, and by
 * which algorithm. `CREATE TABLE … LIKE` keeps columns, indexes, partitions and versioning. Guards check what a copy does
 * not have: rows; inspection compares foreign keys.
 */

const LONGEST_NAME = 64;

/** What a change does that a later one completes. */
const PREPARING = "to prepare the next step";

/** Tries a change, unless its table is one that the run makes itself, and records what the server answers. */
export async function tryAlteration(
	queryRunner: QueryRunner,
	change: Alteration,
	recording: Recording,
): Promise<Alteration> {
	const { usesCopies } = contextOf(queryRunner);
	if (recording.untried.has(change.table)) return change;
	recording.isUntried ||= !usesCopies;
	if (!usesCopies) return change;
	const copy = `${COPY_PREFIX}${change.table}`.slice(0, LONGEST_NAME);
	const parts = change.partsOn?.(copy) ?? change.parts;
	if (!parts.length || !(await hasCopy(queryRunner, change.table, copy, recording))) return change;
	const found = await tryOn(queryRunner, { ...change, table: copy, parts });
	const what = change.what.join(", ") || PREPARING;
	if ("reason" in found) {
		recording.problems.push(`${change.table}: the server refuses "${what}": ${found.reason}`);
		return change;
	}
	const { algorithm } = found;
	recording.algorithms.set(keyOf(change), algorithm);
	return { ...change, algorithm };
}

/** Records the refusal of a change that copies a table with rows while writers wait, unless that is allowed. */
export async function refuseCopy(queryRunner: QueryRunner, change: Alteration, recording: Recording): Promise<void> {
	const { table, what, algorithm, rows: count = "?" } = change;
	if (algorithm !== "COPY" || contextOf(queryRunner).allowTableCopy || recording.untried.has(table)) return;
	const rows = (await queryRunner.query(`SELECT 1 FROM ${quote(table)} LIMIT 1`)) as unknown[];
	if (!rows.length) return;
	recording.refusedCopies.push({
		table,
		problem:
			`${table}: "${what.join(", ") || PREPARING}" copies the table, of about ${count} rows, while writers wait; allow it ` +
			"by --allow-table-copy or WORKSPACES_ALLOW_TABLE_COPY=yes",
	});
}

/**
 * Tries a statement about rows in a transaction that is rolled back: triggers and the owner's foreign keys may reject it.
 * An INSERT only where there are triggers, since it uses up a number of the id.
 */
export async function tryRowsChange(queryRunner: QueryRunner, change: RowsChange, recording: Recording): Promise<void> {
	const { table, sql, what } = change;
	if (!contextOf(queryRunner).usesCopies || recording.untried.has(table)) return;
	if (/^INSERT/i.test(sql) && !(await hasTriggers(queryRunner, table))) return;
	await queryRunner.query("START TRANSACTION");
	try {
		await queryRunner.query(sql);
	} catch (error) {
		// Another session may hold the row just now; the run waits for it.
		if (hasNumber(error, ...LOCKED)) return;
		recording.problems.push(`${table}: the server refuses "${what.join(", ")}": ${messageOf(error)}`);
	} finally {
		await queryRunner.query("ROLLBACK");
	}
}

async function hasTriggers(queryRunner: QueryRunner, table: string): Promise<boolean> {
	const rows = (await queryRunner.query(
		`SELECT 1 FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = ${literal(table)} LIMIT 1`,
	)) as unknown[];
	return rows.length > 0;
}

/** What identifies an ALTER in a dry run and in the run after it. */
export function keyOf({ table, parts }: Alteration): string {
	return `${table}: ${parts.join(", ")}`;
}

/** Removes the copies of this dry run. */
export async function removeCopies(queryRunner: QueryRunner, recording: Recording): Promise<void> {
	for (const copy of recording.copies.values()) await drop(queryRunner, copy);
	recording.copies.clear();
}

/** Removes the copies of a run that was killed: one statement where there are none. */
export async function removeAbandonedCopies(queryRunner: QueryRunner): Promise<void> {
	for (const name of await abandonedCopies(queryRunner)) await drop(queryRunner, name);
}

/** The copies of a run that was killed, or that works just now: one statement. */
export async function abandonedCopies(queryRunner: QueryRunner): Promise<string[]> {
	const rows = (await queryRunner.query(LIST_COPIES)) as { name: string }[];
	return rows.map(({ name }) => name);
}

async function drop(queryRunner: QueryRunner, copy: string): Promise<void> {
	await whenFree(() => queryRunner.query(`DROP TABLE IF EXISTS ${quote(copy)}`));
}

/** Makes the copy unless it is there; false where the table is missing, which an earlier statement would have made. */
async function hasCopy(queryRunner: QueryRunner, table: string, copy: string, { copies }: Recording): Promise<boolean> {
	if (copies.has(table)) return true;
	try {
		await whenFree(() => queryRunner.query(`CREATE TABLE ${quote(copy)} LIKE ${quote(table)}`));
	} catch (error) {
		if (hasNumber(error, ERROR.NO_SUCH_TABLE)) return false;
		throw error;
	}
	copies.set(table, copy);
	return true;
}

type Finding = { readonly algorithm: Algorithm } | { readonly reason: string };

async function tryOn(queryRunner: QueryRunner, change: Alteration): Promise<Finding> {
	if (change.skipForeignKeyChecks) await queryRunner.query("SET SESSION foreign_key_checks = 0");
	try {
		for (let algorithm = change.algorithm; ; ) {
			try {
				await whenFree(() => queryRunner.query(textOf(change, algorithm)));
				return { algorithm };
			} catch (error) {
				if (hasNumber(error, ...ALREADY_MADE)) return { algorithm };
				const next = isUnsupported(error) ? NEXT[algorithm] : undefined;
				if (!next) return { reason: messageOf(error) };
				algorithm = next;
			}
		}
	} finally {
		if (change.skipForeignKeyChecks) await queryRunner.query("SET SESSION foreign_key_checks = 1");
	}
}

/** Nobody uses a copy, but the table is in use while somebody alters it. */
function whenFree<Result>(work: () => Promise<Result>): Promise<Result> {
	return retry(work, { isTransient: (error) => hasNumber(error, ...LOCKED), timeout: 10_000 });
}
