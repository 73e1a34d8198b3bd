import type { MigrationInterface, QueryRunner } from "typeorm";
import { converge } from "../schema/converge";
import { refuseDataLoss } from "../schema/dataLoss";
import { emit } from "../schema/events";
import { execute, withShortLockWait } from "../schema/execute";
import { ownedTables } from "../schema/ownership";
import { nullable, type TableShape } from "../schema/shape";

const TABLE = "workspaces";

const SHAPE: TableShape = {
	name: TABLE,
	columns: [
		nullable("code_server_password_encrypted", "varbinary(512)"),
		nullable("code_server_password_iv", "varbinary(16)"),
	],
	indexes: [],
	foreignKeys: [],
};

/** Adds where the dashboard keeps the encrypted password of a workspace's code-server. */
export class AddCodeServerPassword1795478402000 implements MigrationInterface {
	readonly name = "AddCodeServerPassword1795478402000";

	async up(queryRunner: QueryRunner): Promise<void> {
		await converge(queryRunner, [SHAPE], { create: false });
	}

	/** Drops the columns of a table that this module made; in the dashboard's own table they are the dashboard's. */
	async down(queryRunner: QueryRunner): Promise<void> {
		if (!(await ownedTables(queryRunner)).has(TABLE)) {
			emit(queryRunner, "kept", TABLE, "made by the dashboard, its columns stay");
			return;
		}
		const columns = SHAPE.columns.map((column) => column.name);
		const filled = columns.map((column) => `${column} IS NOT NULL`).join(" OR ");
		await refuseDataLoss(queryRunner, [
			{
				what: `code-server password(s) of ${TABLE}`,
				sql: `SELECT COUNT(*) AS found FROM ${TABLE} WHERE ${filled}`,
			},
		]);
		await withShortLockWait(queryRunner, async () => {
			// The last one first: a run that follows an interruption puts back what is missing behind what is there.
			for (const column of [...columns].reverse()) {
				await execute(queryRunner, {
					table: TABLE,
					what: `dropped column ${column}`,
					// safety-assured: this module made the column, and it is empty unless that was allowed
					sql: `ALTER TABLE ${TABLE} DROP COLUMN ${column}`,
					algorithm: "INSTANT",
				});
			}
		});
		emit(queryRunner, "changed", TABLE, `dropped columns ${columns.join(", ")}`);
	}
}
