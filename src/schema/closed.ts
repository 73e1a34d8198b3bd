import type { QueryRunner } from "typeorm";
import { ERROR, hasNumber } from "../mysql/errorNumbers";
import { contextOf } from "./context";
import { literal, quote } from "./ddl";
import { sendWhenFree } from "./execute";

/**
 * A lock on a table is local to a node of a cluster; what holds on every node is a schema change. A constraint that no
 * row meets can be added to an empty table only, and from then on no node can write a row: the table is closed.
 */

/** Begins the names of such constraints, so that the next run knows those of one that was killed. */
const PREFIX = "dployr_closed_";

interface Guarded {
	/** Throws where a table holds rows that must not be lost. */
	readonly refuse: () => Promise<void>;
	/** Drops the tables. */
	readonly drop: () => Promise<void>;
}

/** Closes the tables, drops them, and opens them again where that fails. */
export async function dropClosed(
	queryRunner: QueryRunner,
	tables: readonly string[],
	{ refuse, drop }: Guarded,
): Promise<void> {
	const closed: string[] = [];
	try {
		for (const table of tables) {
			// Rows that are gone when they are counted were deleted in between.
			while (!(await close(queryRunner, table))) await refuse();
			closed.push(table);
		}
		await drop();
	} catch (error) {
		// The connection may be gone; the next run opens what is left. The first error is the one to throw.
		for (const table of closed) await open(queryRunner, table).catch(() => undefined);
		throw error;
	}
}

/** Opens the tables that a killed run left closed: one statement where there are none. */
export async function openAbandoned(queryRunner: QueryRunner): Promise<void> {
	const rows = (await queryRunner.query(
		"SELECT TABLE_NAME AS name FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE() " +
			`AND LEFT(CONSTRAINT_NAME, ${PREFIX.length}) = ${literal(PREFIX)}`,
	)) as { name: string }[];
	for (const { name } of rows) await open(queryRunner, name);
}

/** Whether the table was empty. */
async function close(queryRunner: QueryRunner, table: string): Promise<boolean> {
	try {
		await sendWhenFree(
			queryRunner,
			table,
			`ALTER TABLE ${quote(table)} ADD CONSTRAINT ${quote(PREFIX + table)} CHECK (FALSE)`,
		);
		return true;
	} catch (error) {
		if (hasNumber(error, ERROR.CONSTRAINT_FAILED, ERROR.CHECK_CONSTRAINT_VIOLATED)) return false;
		throw error;
	}
}

async function open(queryRunner: QueryRunner, table: string): Promise<void> {
	await sendWhenFree(queryRunner, table, `ALTER TABLE ${quote(table)} DROP CONSTRAINT ${quote(PREFIX + table)}`);
}

/** Whether tables are to be closed before they are dropped. */
export function needsClosing(queryRunner: QueryRunner): boolean {
	const { recording, isOnCluster, allowDataLoss } = contextOf(queryRunner);
	return !recording && isOnCluster && !allowDataLoss;
}
