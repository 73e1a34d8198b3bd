import { IdsExhaustedError } from "../errors";
import type { ChangeResult } from "./sql";

/** The last id of a table. */
const LAST_ID = 2 ** 31 - 1;

/** What follows an INSERT so that it changes the user's row where there is one, and no other; reports the row's id. */
export function orUpdate(table: string, columns: readonly { column: string; value: string }[]): string {
	// Once ids are used up, MySQL takes the row with the last id for the one that is there already: it is somebody else's.
	const set = columns.map(
		({ column, value }) => `${column} = IF(${table}.user_id = :userId, ${value}, ${table}.${column})`,
	);
	return `ON DUPLICATE KEY UPDATE ${[...set, `id = LAST_INSERT_ID(${table}.id)`].join(", ")}`;
}

/**
 * Inserts a user's row or changes it: 1 statement, and 1 more once ids are used up. An INSERT takes an id even where the
 * row is there.
 *
 * @param update changes the user's row, and reports whether there is one
 * @throws IdsExhaustedError
 */
export async function upsert(
	entityName: string,
	insert: () => Promise<ChangeResult>,
	update: () => Promise<ChangeResult>,
): Promise<void> {
	try {
		const { reported } = await insert();
		if (reported !== LAST_ID) return;
	} catch (error) {
		if (!(error instanceof IdsExhaustedError)) throw error;
	}
	const { reported } = await update();
	if (!reported) throw new IdsExhaustedError(entityName);
}
