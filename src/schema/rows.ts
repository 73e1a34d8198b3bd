import type { QueryRunner } from "typeorm";
import { DataLossError } from "../errors";
import { ERROR, hasNumber } from "../mysql/errorNumbers";
import { contextOf } from "./context";

/** The rows of a SELECT; none where the table or column is not there. */
export async function rowsIfAny<Row>(queryRunner: QueryRunner, sql: string): Promise<Row[]> {
	try {
		return (await queryRunner.query(sql)) as Row[];
	} catch (error) {
		if (hasNumber(error, ERROR.NO_SUCH_TABLE, ERROR.BAD_FIELD_ERROR)) return [];
		throw error;
	}
}

/** What a SELECT counts as `found`; 0 where the table or column is not there. */
export async function countRows(queryRunner: QueryRunner, sql: string): Promise<number> {
	const [row] = await rowsIfAny<{ found: number | string }>(queryRunner, sql);
	return Number(row?.found ?? 0);
}

/** Data that a revert would delete. */
export interface Loss {
	/** Follows the number of rows: `row(s) of notes`. */
	readonly what: string;
	/** Counts the rows, as `found`. */
	readonly sql: string;
}

/**
 * Refuses where there is something to lose, unless that is allowed. A dry run records it instead, so that
 * everything that several reverts would delete is listed.
 */
export async function refuseDataLoss(queryRunner: QueryRunner, losses: readonly Loss[]): Promise<void> {
	const { recording, allowDataLoss } = contextOf(queryRunner);
	const found: string[] = [];
	for (const { what, sql } of losses) {
		const count = await countRows(queryRunner, sql);
		if (count > 0) found.push(`${count} ${what}`);
	}
	if (recording) recording.losses.push(...found);
	else if (found.length && !allowDataLoss) throw new DataLossError(found);
}
