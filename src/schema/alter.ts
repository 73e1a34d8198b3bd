import { ERROR, hasNumber } from "../mysql/errorNumbers";
import type { Algorithm } from "./clause";
import { quote } from "./ddl";
import type { Change } from "./statements";

/** Another session holds the table or the rows: what is sent again later may succeed. */
export const LOCKED: readonly number[] = [ERROR.LOCK_WAIT_TIMEOUT, ERROR.LOCK_DEADLOCK];

/** Table, column, key name or foreign key exists; column or key to drop does not: somebody else made the same change. */
export const ALREADY_MADE: readonly number[] = [
	ERROR.TABLE_EXISTS_ERROR,
	ERROR.DUP_FIELDNAME,
	ERROR.DUP_KEYNAME,
	ERROR.CANT_DROP_FIELD_OR_KEY,
	ERROR.FK_DUP_NAME,
];

const ALGORITHM_SQL: Record<Algorithm, string> = {
	INSTANT: ", ALGORITHM=INSTANT",
	INPLACE: ", ALGORITHM=INPLACE, LOCK=NONE",
	COPY: ", ALGORITHM=COPY, LOCK=SHARED",
};

/** What is tried where the server does not support an algorithm. */
export const NEXT: Partial<Record<Algorithm, Algorithm>> = { INSTANT: "INPLACE", INPLACE: "COPY" };

/** Whether the server cannot execute an ALTER by the algorithm that it names. */
export function isUnsupported(error: unknown): boolean {
	return hasNumber(
		error,
		ERROR.ALTER_OPERATION_NOT_SUPPORTED,
		ERROR.ALTER_OPERATION_NOT_SUPPORTED_REASON,
		ERROR.INNODB_MAX_ROW_VERSION,
	);
}

/** A change as it is sent. */
export function textOf(change: Change, algorithm = change.kind === "alter" ? change.algorithm : undefined): string {
	if (change.kind !== "alter") return change.sql;
	return `ALTER TABLE ${quote(change.table)} ${change.parts.join(", ")}${algorithm ? ALGORITHM_SQL[algorithm] : ""}`;
}
