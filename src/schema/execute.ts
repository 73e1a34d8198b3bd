import type { QueryRunner } from "typeorm";
import { MigrationError } from "../errors";
import { ERROR, hasNumber } from "../mysql/errorNumbers";
import { retry } from "../mysql/retry";
import { blockers } from "./blockers";
import type { Algorithm, Change } from "./change";
import { contextOf, emit, tableTimeoutOf } from "./events";

const LOCKED = [ERROR.LOCK_WAIT_TIMEOUT, ERROR.LOCK_DEADLOCK];
const ALGORITHM_NOT_SUPPORTED = [ERROR.ALTER_OPERATION_NOT_SUPPORTED, ERROR.ALTER_OPERATION_NOT_SUPPORTED_REASON];
/** Table, column, key name or foreign key exists; column or key to drop does not: somebody else made the same change. */
const ALREADY_MADE: readonly number[] = [
	ERROR.TABLE_EXISTS_ERROR,
	ERROR.DUP_FIELDNAME,
	ERROR.DUP_KEYNAME,
	ERROR.CANT_DROP_FIELD_OR_KEY,
	ERROR.FK_DUP_NAME,
];

const CLAUSES: Record<Algorithm, string> = {
	NONE: "",
	INSTANT: ", ALGORITHM=INSTANT",
	INPLACE: ", ALGORITHM=INPLACE, LOCK=NONE",
	COPY: ", ALGORITHM=COPY, LOCK=SHARED",
};
const NEXT: Partial<Record<Algorithm, Algorithm>> = { INSTANT: "INPLACE", INPLACE: "COPY" };

/**
 * Runs DDL with a lock_wait_timeout of one second: a statement that waits for a table makes every later query on that
 * table wait behind it, so it waits briefly and tries again. And with explicit defaults for TIMESTAMP: without them any
 * ALTER gives the first TIMESTAMP that must not be NULL a default and ON UPDATE of its own.
 */
export async function withShortLockWait<Result>(
	queryRunner: QueryRunner,
	work: () => Promise<Result>,
): Promise<Result> {
	const isImplicit = await hasImplicitTimestamps(queryRunner);
	const set = (timeout: string, explicit: number) =>
		`SET SESSION lock_wait_timeout = ${timeout}${isImplicit ? `, explicit_defaults_for_timestamp = ${explicit}` : ""}`;
	await queryRunner.query(set("1", 1));
	try {
		return await work();
	} finally {
		await restore(queryRunner, set("DEFAULT", 0));
	}
}

/** One statement where the run has not looked yet. */
async function hasImplicitTimestamps(queryRunner: QueryRunner): Promise<boolean> {
	const server = contextOf(queryRunner).seen?.server;
	if (server) return server.implicitTimestamps;
	const [row] = (await queryRunner.query("SELECT @@SESSION.explicit_defaults_for_timestamp AS explicit")) as {
		explicit: number | string;
	}[];
	return Number(row?.explicit) === 0;
}

/** Executes one change; returns false when it turned out to be made already. */
export async function execute(queryRunner: QueryRunner, change: Change): Promise<boolean> {
	if (!change.skipForeignKeyChecks) return alter(queryRunner, change);
	await queryRunner.query("SET SESSION foreign_key_checks = 0");
	try {
		return await alter(queryRunner, change);
	} finally {
		await restore(queryRunner, "SET SESSION foreign_key_checks = 1");
	}
}

async function alter(queryRunner: QueryRunner, change: Change): Promise<boolean> {
	let algorithm = change.algorithm;
	for (;;) {
		try {
			const result = await patiently(queryRunner, change, change.sql + CLAUSES[algorithm]);
			if (algorithm === "NONE") return !(await existedBefore(queryRunner, result));
			if (algorithm === "COPY") emit(queryRunner, "note", change.table, `copied while writers waited: ${change.what}`);
			return true;
		} catch (error) {
			const next = NEXT[algorithm];
			if (hasNumber(error, ...ALREADY_MADE)) return false;
			if (!next || !hasNumber(error, ...ALGORITHM_NOT_SUPPORTED)) throw failure(change, error);
			algorithm = next;
		}
	}
}

/** CREATE TABLE IF NOT EXISTS only warns where the host was faster. */
async function existedBefore(queryRunner: QueryRunner, result: unknown): Promise<boolean> {
	if (!(result as { warningStatus?: number } | undefined)?.warningStatus) return false;
	const warnings = (await queryRunner.query("SHOW WARNINGS")) as { Code: number }[];
	return warnings.some((warning) => ALREADY_MADE.includes(warning.Code));
}

async function patiently(queryRunner: QueryRunner, change: Change, sql: string): Promise<unknown> {
	try {
		return await retry(() => queryRunner.query(sql), {
			timeout: tableTimeoutOf(queryRunner),
			isTransient: (error) => hasNumber(error, ...LOCKED),
		});
	} catch (error) {
		if (!hasNumber(error, ...LOCKED)) throw error;
		const inTheWay = await blockers(queryRunner, change.table);
		throw new MigrationError(
			`gave up waiting for the table: ${inTheWay}. End that session or transaction and run it again`,
			{ cause: error },
		);
	}
}

function failure(change: Change, error: unknown): MigrationError {
	const reason = error instanceof Error ? error.message : String(error);
	return new MigrationError(`${change.table}: step "${change.what || change.sql}" failed: ${reason}`, { cause: error });
}

/** The connection may be gone, and then so is the setting; the first error is the one to see. */
async function restore(queryRunner: QueryRunner, sql: string): Promise<void> {
	await queryRunner.query(sql).catch(() => undefined);
}
