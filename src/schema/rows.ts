import type { QueryRunner } from "typeorm";
import { errorNumber } from "./execute";

export const NO_SUCH_TABLE = 1146;
const NO_SUCH_COLUMN = 1054;

/** The rows of a SELECT; none where the table or column is not there. */
export async function rowsIfAny<Row>(queryRunner: QueryRunner, sql: string): Promise<Row[]> {
	try {
		return (await queryRunner.query(sql)) as Row[];
	} catch (error) {
		if ([NO_SUCH_TABLE, NO_SUCH_COLUMN].includes(errorNumber(error))) return [];
		throw error;
	}
}
