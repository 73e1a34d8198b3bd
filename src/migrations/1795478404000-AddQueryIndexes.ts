import type { MigrationInterface, QueryRunner } from "typeorm";
import { converge, dropIndexes, index, type TableShape } from "../schema";

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
		for (const { name: table, indexes } of TABLES) {
			const names = indexes.map((index) => index.name);
			await dropIndexes(queryRunner, table, names);
		}
	}
}
