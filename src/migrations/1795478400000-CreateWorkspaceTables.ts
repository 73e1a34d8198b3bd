import type { MigrationInterface, QueryRunner } from "typeorm";
import { converge } from "./schema/converge";
import { refuseDataLoss } from "./schema/dataLoss";
import { tell } from "./schema/events";
import { createdTables, unmarkCreated } from "./schema/origin";
import {
	createdAt,
	foreignKey,
	idColumn,
	index,
	optional,
	required,
	type TableShape,
	unique,
	updatedAt,
} from "./schema/shape";

const HOST_USERS = "dashboard_users";

const workspaces: TableShape = {
	name: "workspaces",
	columns: [
		idColumn(),
		required("user_id", "int"),
		required("project_name", "varchar(100)"),
		optional("container_id", "varchar(64)"),
		optional("container_name", "varchar(100)"),
		optional("status", "enum('stopped','starting','running','stopping','error')", "stopped"),
		optional("error_message", "text"),
		optional("internal_port", "int", "8080"),
		optional("assigned_port", "int"),
		optional("cpu_limit", "varchar(20)", "1"),
		optional("ram_limit", "varchar(20)", "2g"),
		optional("disk_limit", "varchar(20)", "10g"),
		optional("idle_timeout_minutes", "int", "30"),
		optional("max_lifetime_hours", "int", "24"),
		optional("last_activity", "timestamp"),
		optional("last_accessed_by", "int"),
		optional("started_at", "timestamp"),
		createdAt(),
		updatedAt(),
	],
	indexes: [
		unique("unique_workspace", "user_id", "project_name"),
		index("last_accessed_by", "last_accessed_by"),
		index("idx_status", "status"),
		index("idx_last_activity", "last_activity"),
	],
	// MySQL 9.7 takes only the keys made before one that cascades further: SET NULL comes first.
	foreignKeys: [
		foreignKey("workspaces_ibfk_2", "last_accessed_by", HOST_USERS, "SET NULL"),
		foreignKey("workspaces_ibfk_1", "user_id", HOST_USERS, "CASCADE"),
	],
};

const userApiKeys: TableShape = {
	name: "user_api_keys",
	columns: [
		idColumn(),
		required("user_id", "int"),
		optional("anthropic_key_encrypted", "varbinary(512)"),
		optional("anthropic_key_iv", "varbinary(16)"),
		optional("openai_key_encrypted", "varbinary(512)"),
		optional("openai_key_iv", "varbinary(16)"),
		createdAt(),
		updatedAt(),
	],
	indexes: [unique("user_id", "user_id")],
	foreignKeys: [foreignKey("user_api_keys_ibfk_1", "user_id", HOST_USERS, "CASCADE")],
};

const previewEnvironments: TableShape = {
	name: "preview_environments",
	columns: [
		idColumn(),
		required("workspace_id", "int"),
		required("user_id", "int"),
		required("project_name", "varchar(100)"),
		required("preview_hash", "varchar(32)"),
		optional("preview_url", "varchar(255)"),
		optional("container_id", "varchar(64)"),
		optional("container_name", "varchar(100)"),
		optional("assigned_port", "int"),
		optional("status", "enum('creating','running','stopping','stopped','expired','error')", "creating"),
		optional("error_message", "text"),
		required("expires_at", "timestamp"),
		optional("password_hash", "varchar(255)"),
		createdAt(),
	],
	indexes: [
		unique("preview_hash", "preview_hash"),
		index("workspace_id", "workspace_id"),
		index("user_id", "user_id"),
		index("idx_expires", "expires_at"),
		index("idx_status", "status"),
	],
	foreignKeys: [
		foreignKey("preview_environments_ibfk_1", "workspace_id", "workspaces", "CASCADE"),
		foreignKey("preview_environments_ibfk_2", "user_id", HOST_USERS, "CASCADE"),
	],
};

const workspaceLogs: TableShape = {
	name: "workspace_logs",
	columns: [
		idColumn(),
		optional("workspace_id", "int"),
		required("user_id", "int"),
		required("project_name", "varchar(100)"),
		required(
			"action",
			"enum('create','start','stop','delete','sync_to_project','sync_from_project'," +
				"'preview_create','preview_delete','timeout','error','admin_force_stop')",
		),
		optional("details", "json"),
		createdAt(),
	],
	indexes: [
		index("workspace_id", "workspace_id"),
		index("idx_user_project", "user_id", "project_name"),
		index("idx_created", "created_at"),
	],
	foreignKeys: [
		foreignKey("workspace_logs_ibfk_1", "workspace_id", "workspaces", "SET NULL"),
		foreignKey("workspace_logs_ibfk_2", "user_id", HOST_USERS, "CASCADE"),
	],
};

const resourceLimits: TableShape = {
	name: "resource_limits",
	columns: [
		idColumn(),
		optional("user_id", "int"),
		optional("max_workspaces", "int", "2"),
		optional("default_cpu", "varchar(20)", "1"),
		optional("default_ram", "varchar(20)", "2g"),
		optional("default_disk", "varchar(20)", "10g"),
		optional("default_idle_timeout", "int", "30"),
		optional("max_previews_per_workspace", "int", "3"),
		optional("default_preview_lifetime_hours", "int", "24"),
		createdAt(),
		updatedAt(),
	],
	indexes: [unique("unique_user_limits", "user_id")],
	foreignKeys: [foreignKey("resource_limits_ibfk_1", "user_id", HOST_USERS, "CASCADE")],
};

/** In an order in which each refers only to tables before it. */
const TABLES = [workspaces, userApiKeys, previewEnvironments, workspaceLogs, resourceLimits];

/** Makes the five tables, and brings those that an older dashboard made to the same shape. */
export class CreateWorkspaceTables1795478400000 implements MigrationInterface {
	readonly name = "CreateWorkspaceTables1795478400000";

	async up(queryRunner: QueryRunner): Promise<void> {
		await converge(queryRunner, TABLES, { create: true, parents: [HOST_USERS] });
	}

	/** Drops the tables that `up` made; those of the dashboard stay as they are. */
	async down(queryRunner: QueryRunner): Promise<void> {
		const created = await createdTables(queryRunner);
		const own = TABLES.map((table) => table.name).filter((name) => created.has(name));
		await refuseDataLoss(
			queryRunner,
			own.map((name) => ({ what: `row(s) of ${name}`, sql: `SELECT COUNT(*) AS found FROM \`${name}\`` })),
		);
		for (const { name } of [...TABLES].reverse()) {
			if (!created.has(name)) {
				tell(queryRunner, "kept", name, "made by the dashboard, left as it is");
				continue;
			}
			// meant: this module made the table, and it holds no rows unless that was allowed
			await queryRunner.query(`DROP TABLE IF EXISTS \`${name}\``);
			await unmarkCreated(queryRunner, name);
			tell(queryRunner, "dropped", name, "dropped");
		}
	}
}
