import type { MigrationInterface, QueryRunner } from "typeorm";
import { converge } from "../schema/converge";
import { emit, isKnownAbsent, tableTimeoutOf } from "../schema/events";
import { errorNumber, execute, withShortLockWait } from "../schema/execute";
import { forgetExpression, ownedTables, rememberExpression } from "../schema/ownership";
import { rowsIfAny } from "../schema/rows";
import { type TableShape, unique, virtual } from "../schema/shape";

const TABLE = "resource_limits";
const EXPRESSION = "IF(user_id IS NULL, 1, NULL)";
/** The last one is what MySQL says when the row came while the index was built. */
const DUPLICATE_ENTRY = [1062, 1859];
/** Deadlock, and a row that another transaction holds. */
const LOCKED = [1213, 1205];
/** At least so many, however short the tableTimeout. */
const ATTEMPTS = 10;

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
		await persistently(queryRunner, [...DUPLICATE_ENTRY, ...LOCKED], async () => {
			await removeDuplicates(queryRunner);
			await converge(queryRunner, [SHAPE], { create: false });
		});
		await rememberExpression(queryRunner, TABLE, "global_row", EXPRESSION);
		await persistently(queryRunner, LOCKED, () => seed(queryRunner));
	}

	/** Takes away the index, the column and the row that `up` seeded, unless somebody changed that row. */
	async down(queryRunner: QueryRunner): Promise<void> {
		await withShortLockWait(queryRunner, async () => {
			const drop = { table: TABLE, what: "duplicates are allowed again" } as const;
			const index = "DROP INDEX unique_global_limits";
			await execute(queryRunner, { ...drop, sql: `ALTER TABLE ${TABLE} ${index}`, algorithm: "INPLACE" });
			// safety-assured: the column is virtual and holds nothing
			await execute(queryRunner, { ...drop, sql: `ALTER TABLE ${TABLE} DROP COLUMN global_row`, algorithm: "INSTANT" });
		});
		await forgetExpression(queryRunner, TABLE, "global_row");
		if (!(await ownedTables(queryRunner)).has(TABLE)) return;
		// safety-assured: the row is as `up` seeded it
		const sql = `DELETE FROM ${TABLE} WHERE ${SEEDED}`;
		await persistently(queryRunner, LOCKED, () => queryRunner.query(sql));
	}
}

/** Works again while it fails with an error that passes. */
async function persistently(
	queryRunner: QueryRunner,
	passing: readonly number[],
	work: () => Promise<unknown>,
): Promise<void> {
	const deadline = Date.now() + tableTimeoutOf(queryRunner);
	for (let attempt = 1; ; attempt++) {
		try {
			await work();
			return;
		} catch (error) {
			const isOver = attempt >= ATTEMPTS && Date.now() > deadline;
			if (isOver || !passing.includes(errorNumber(error))) throw error;
		}
	}
}

async function removeDuplicates(queryRunner: QueryRunner): Promise<void> {
	if (isKnownAbsent(queryRunner, TABLE)) return;
	const [first, ...duplicates] = await rowsIfAny<Record<string, unknown> & { id: number }>(
		queryRunner,
		`SELECT * FROM ${TABLE} WHERE user_id IS NULL ORDER BY id`,
	);
	if (!first || !duplicates.length) return;
	for (const row of duplicates) {
		emit(queryRunner, "removing", TABLE, JSON.stringify(row));
	}
	const ids = duplicates.map((row) => row.id).join(", ");
	// safety-assured: of several global rows the first holds the administrator's limits; the others were just told
	await queryRunner.query(`DELETE FROM ${TABLE} WHERE user_id IS NULL AND id IN (${ids})`);
	emit(queryRunner, "changed", TABLE, `kept the global row with id ${first.id}, removed those with id ${ids}`);
}

/** Sent only where no global row is seen: an INSERT that finds one would still use up a number of the id. */
async function seed(queryRunner: QueryRunner): Promise<void> {
	const sql = `SELECT id FROM ${TABLE} WHERE user_id IS NULL`;
	const existing = isKnownAbsent(queryRunner, TABLE) ? [] : await rowsIfAny(queryRunner, sql);
	if (existing.length) return;
	try {
		await queryRunner.query(`INSERT INTO ${TABLE} (user_id) VALUES (NULL)`);
		emit(queryRunner, "seeded", TABLE, "1 row with the global defaults inserted");
	} catch (error) {
		// The dashboard's own start-up code was faster.
		if (!DUPLICATE_ENTRY.includes(errorNumber(error))) throw error;
	}
}
