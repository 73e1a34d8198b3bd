import type { QueryRunner } from "typeorm";
import { ERROR, hasNumber } from "../mysql/errorNumbers";

/** The rows of a SELECT; none where the table or column is not there. */
export async function rowsIfAny<Row>(queryRunner: QueryRunner, sql: string): Promise<Row[]> {
	try {
		return (await queryRunner.query(sql)) as Row[];
	} catch (error) {
		if (hasNumber(error, ERROR.NO_SUCH_TABLE, ERROR.BAD_FIELD_ERROR)) return [];
		throw error;
	}
}
