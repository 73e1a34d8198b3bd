import type { QueryRunner } from "typeorm";
import { DataLossError } from "../errors";
import { rowsIfAny } from "./rows";

const VARIABLE = "WORKSPACES_ALLOW_DATA_LOSS";

/** Data that a revert would delete. */
export interface Loss {
	/** Follows the number of rows: `row(s) of notes`. */
	readonly what: string;
	/** Counts the rows, as `found`. */
	readonly sql: string;
}

/** Refuses where there is something to lose, unless WORKSPACES_ALLOW_DATA_LOSS=yes says that it is meant. */
export async function refuseDataLoss(queryRunner: QueryRunner, losses: readonly Loss[]): Promise<void> {
	if (process.env[VARIABLE] === "yes") return;
	const found: string[] = [];
	for (const loss of losses) {
		const count = await countOf(queryRunner, loss.sql);
		if (count > 0) found.push(`${count} ${loss.what}`);
	}
	if (found.length) throw new DataLossError(found);
}

async function countOf(queryRunner: QueryRunner, sql: string): Promise<number> {
	const [row] = await rowsIfAny<{ found: number | string }>(queryRunner, sql);
	return Number(row?.found ?? 0);
}
