import type { MigrationInterface, QueryRunner } from "typeorm";
import { converge, enumType, notNull, removeEnumValues, type TableShape } from "../schema";

const TABLE = "workspace_logs";

const ADDED = "force_delete";

const ACTIONS = [
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
	ADDED,
];

const SHAPE: TableShape = {
	name: TABLE,
	columns: [notNull("action", enumType(ACTIONS))],
	indexes: [],
	foreignKeys: [],
};

/** Adds the action by which the dashboard records an administrator's forced deletion; its own tables lack it. */
export class AddForceDeleteAction1795478403000 implements MigrationInterface {
	readonly name = "AddForceDeleteAction1795478403000";

	async up(queryRunner: QueryRunner): Promise<void> {
		await converge(queryRunner, [SHAPE], { create: false });
	}

	/** Takes the value away from a table that this module made; rows that hold it are deleted only where that was allowed. */
	async down(queryRunner: QueryRunner): Promise<void> {
		// safety-assured: no rows hold the value unless that was allowed
		await removeEnumValues(queryRunner, { table: TABLE, column: "action", values: [ADDED] });
	}
}
