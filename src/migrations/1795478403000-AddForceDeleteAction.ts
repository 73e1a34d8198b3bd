import type { MigrationInterface, QueryRunner } from "typeorm";
import { converge } from "../schema/converge";
import { refuseDataLoss } from "../schema/dataLoss";
import { emit } from "../schema/events";
import { execute, withShortLockWait } from "../schema/execute";
import { ownedTables } from "../schema/ownership";
import { enumType, notNull, type TableShape } from "../schema/shape";

const TABLE = "workspace_logs";

const ACTIONS_BEFORE = [
	"create",
	"start",
	"stop",
	"delete",
	"sync_to_project",
	"sync_from_project",
	"preview_create",
	"preview_delete",
	"timeout",
	"error",
	"admin_force_stop",
];

const SHAPE: TableShape = {
	name: TABLE,
	columns: [notNull("action", enumType([...ACTIONS_BEFORE, "force_delete"]))],
	indexes: [],
	foreignKeys: [],
};

/** Lets an administrator's forced deletion be recorded, which the dashboard writes and no release's table took. */
export class AddForceDeleteAction1795478403000 implements MigrationInterface {
	readonly name = "AddForceDeleteAction1795478403000";

	async up(queryRunner: QueryRunner): Promise<void> {
		await converge(queryRunner, [SHAPE], { create: false });
	}

	/** Takes the value away from a table that this module made; rows that hold it are deleted only when that is meant. */
	async down(queryRunner: QueryRunner): Promise<void> {
		if (!(await ownedTables(queryRunner)).has(TABLE)) {
			emit(queryRunner, "kept", TABLE, "made by the dashboard, its values stay");
			return;
		}
		const held = `FROM ${TABLE} WHERE action = 'force_delete'`;
		await refuseDataLoss(queryRunner, [
			{ what: `row(s) of ${TABLE} with the action force_delete`, sql: `SELECT COUNT(*) AS found ${held}` },
		]);
		// safety-assured: there are none unless that was allowed
		await queryRunner.query(`DELETE ${held}`);
		await withShortLockWait(queryRunner, async () => {
			await execute(queryRunner, {
				table: TABLE,
				what: "column action no longer takes the value force_delete",
				sql: `ALTER TABLE ${TABLE} MODIFY COLUMN action ${enumType(ACTIONS_BEFORE)} NOT NULL`,
				// safety-assured: neither server takes a value away in place
				algorithm: "COPY",
			});
		});
		emit(queryRunner, "changed", TABLE, "column action no longer takes the value force_delete");
	}
}
