import type { MigrationInterface, QueryRunner } from "typeorm";
import {
	changeRows,
	converge,
	deleteRows,
	dropColumns,
	dropIndexes,
	emit,
	isDuplicate,
	ownedTables,
	rememberExpression,
	rowsIfAny,
	type TableShape,
	unique,
	virtual,
	whileDuplicate,
} from "../schema";

const TABLE = "resource_limits";
const EXPRESSION = "IF(user_id IS NULL, 1, NULL)";
/** UNIQUE lets NULLs repeat; a column that is 1 in global rows alone does not. */
const SHAPE: TableShape = {
	name: TABLE,
	columns: [virtual("global_row", "tinyint", EXPRESSION)],
	indexes: [unique("unique_global_limits", "global_row")],
	foreignKeys: [],
};

const SEEDED =
	"user_id IS NULL AND max_workspaces = 2 AND default_cpu = '1' AND default_ram = '2g' AND default_disk = '10g' " +
	"AND default_idle_timeout = 30 AND max_previews_per_workspace = 3 AND default_preview_lifetime_hours = 24 " +
	"AND updated_at <=> created_at";

/** Leaves exactly one global row, the one with the lowest id, and makes the server refuse another. */
export class KeepOneGlobalResourceLimit1795478401000 implements MigrationInterface {
	readonly name = "KeepOneGlobalResourceLimit1795478401000";

	async up(queryRunner: QueryRunner): Promise<void> {
		// A dashboard that starts meanwhile may insert another row before the index is there.
		await whileDuplicate(queryRunner, async () => {
			await removeDuplicates(queryRunner);
			await converge(queryRunner, [SHAPE], { create: false });
		});
		await rememberExpression(queryRunner, TABLE, "global_row", EXPRESSION);
		await seed(queryRunner);
	}

	/** Takes away the index, the column and the row that `up` seeded, unless somebody changed that row. */
	async down(queryRunner: QueryRunner): Promise<void> {
		const names = SHAPE.indexes.map((index) => index.name);
		await dropIndexes(queryRunner, TABLE, names);
		// safety-assured: the column is virtual and holds nothing
		await dropColumns(queryRunner, { table: TABLE, columns: SHAPE.columns });
		if (!(await ownedTables(queryRunner)).has(TABLE)) return;
		const what = "delete the global row that was seeded";
		// safety-assured: the row is as `up` seeded it
		await deleteRows(queryRunner, { table: TABLE, what, where: SEEDED });
	}
}

async function removeDuplicates(queryRunner: QueryRunner): Promise<void> {
	const [first, ...duplicates] = await rowsIfAny<Record<string, unknown> & { id: number }>(
		queryRunner,
		`SELECT * FROM ${TABLE} WHERE user_id IS NULL ORDER BY id`,
	);
	if (!first || !duplicates.length) return;
	for (const row of duplicates) emit(queryRunner, "removing", TABLE, JSON.stringify(row));
	const ids = duplicates.map((row) => row.id).join(", ");
	const what = `delete the global rows with id ${ids}`;
	// safety-assured: of several global rows the first holds the administrator's limits; the others were just printed
	await deleteRows(queryRunner, { table: TABLE, what, where: `user_id IS NULL AND id IN (${ids})` });
	emit(queryRunner, "changed", TABLE, `kept the global row with id ${first.id}, removed those with id ${ids}`);
}

/** Sent only where there is no global row: an INSERT that finds one would still use up a number of the id. */
async function seed(queryRunner: QueryRunner): Promise<void> {
	const existing = await rowsIfAny(queryRunner, `SELECT id FROM ${TABLE} WHERE user_id IS NULL`);
	if (existing.length) return;
	const what = "insert the row with the global defaults";
	try {
		await changeRows(queryRunner, { table: TABLE, what, sql: `INSERT INTO ${TABLE} (user_id) VALUES (NULL)` });
		emit(queryRunner, "seeded", TABLE, "1 row with the global defaults inserted");
	} catch (error) {
		// The dashboard's own start-up code was faster.
		if (!isDuplicate(error)) throw error;
	}
}
