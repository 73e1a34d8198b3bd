import type { MigrationInterface, QueryRunner } from "typeorm";
import { converge } from "../schema/converge";
import { emit } from "../schema/events";
import { execute, withShortLockWait } from "../schema/execute";
import { index, type TableShape } from "../schema/shape";

const workspaces: TableShape = {
	name: "workspaces",
	columns: [],
	indexes: [
		index("idx_project_name", "project_name"),
		index("idx_assigned_port", "assigned_port"),
		index("idx_overdue", "status", "started_at", "last_activity", "idle_timeout_minutes", "max_lifetime_hours"),
	],
	foreignKeys: [],
};

const previewEnvironments: TableShape = {
	name: "preview_environments",
	columns: [],
	indexes: [
		index("idx_workspace_status", "workspace_id", "status"),
		index("idx_workspace_user", "workspace_id", "user_id"),
		index("idx_status_expires", "status", "expires_at"),
		index("idx_assigned_port", "assigned_port"),
	],
	foreignKeys: [],
};

const TABLES = [workspaces, previewEnvironments];

/** Gives each operation of the repositories an index by which it reads no more rows than it returns or changes. */
export class AddQueryIndexes1795478404000 implements MigrationInterface {
	readonly name = "AddQueryIndexes1795478404000";

	async up(queryRunner: QueryRunner): Promise<void> {
		await converge(queryRunner, TABLES, { create: false });
	}

	async down(queryRunner: QueryRunner): Promise<void> {
		await withShortLockWait(queryRunner, async () => {
			for (const { name: table, indexes } of TABLES) {
				for (const { name } of indexes) {
					const sql = `ALTER TABLE ${table} DROP INDEX ${name}`;
					await execute(queryRunner, { table, what: `dropped index ${name}`, sql, algorithm: "INPLACE" });
				}
				emit(queryRunner, "changed", table, `dropped indexes ${indexes.map(({ name }) => name).join(", ")}`);
			}
		});
	}
}
