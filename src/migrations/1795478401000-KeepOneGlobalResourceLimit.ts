import type { MigrationInterface, QueryRunner } from "typeorm";
import { converge } from "../schema/converge";
import { emit, isKnownAbsent, tableTimeoutOf } from "../schema/events";
import { execute, withShortLockWait } from "../schema/execute";
import { forgetExpression, ownedTables, rememberExpression } from "../schema/ownership";
import { ERROR, hasNumber, retry } from "../schema/retry";
import { rowsIfAny } from "../schema/rows";
import { type TableShape, unique, virtual } from "../schema/shape";

const TABLE = "resource_limits";
const EXPRESSION = "IF(user_id IS NULL, 1, NULL)";
/** The last one is what MySQL says when the row came while the index was built. */
const DUPLICATE_ENTRY = [ERROR.DUP_ENTRY, ERROR.DUP_UNKNOWN_IN_INDEX];
const LOCKED = [ERROR.LOCK_DEADLOCK, ERROR.LOCK_WAIT_TIMEOUT];
/** Milliseconds for which a step is tried again, however short the table timeout. */
const SHORTEST_TIMEOUT = 2_000;

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

/** Does the work again while it fails with one of these numbers, until the table timeout has passed. */
function persistently<Result>(
	queryRunner: QueryRunner,
	transient: readonly number[],
	work: () => Promise<Result>,
): Promise<Result> {
	return retry(work, {
		timeout: Math.max(tableTimeoutOf(queryRunner), SHORTEST_TIMEOUT),
		isTransient: (error) => hasNumber(error, ...transient),
		firstPause: 10,
		longestPause: 200,
	});
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
		if (!hasNumber(error, ...DUPLICATE_ENTRY)) throw error;
	}
}
