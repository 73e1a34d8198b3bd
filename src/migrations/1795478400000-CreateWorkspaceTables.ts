import type { MigrationInterface, QueryRunner } from "typeorm";
import {
	converge,
	createdAt,
	dropTables,
	foreignKey,
	idColumn,
	index,
	notNull,
	nullable,
	type TableShape,
	unique,
	updatedAt,
} from "../schema";

const DASHBOARD_USERS = "dashboard_users";

const workspaces: TableShape = {
	name: "workspaces",
	columns: [
		idColumn(),
		notNull("user_id", "int"),
		notNull("project_name", "varchar(100)"),
		nullable("container_id", "varchar(64)"),
		nullable("container_name", "varchar(100)"),
		nullable("status", "enum('stopped','starting','running','stopping','error')", "stopped"),
		nullable("error_message", "text"),
		nullable("internal_port", "int", "8080"),
		nullable("assigned_port", "int"),
		nullable("cpu_limit", "varchar(20)", "1"),
		nullable("ram_limit", "varchar(20)", "2g"),
		nullable("disk_limit", "varchar(20)", "10g"),
		nullable("idle_timeout_minutes", "int", "30"),
		nullable("max_lifetime_hours", "int", "24"),
		nullable("last_activity", "timestamp"),
		nullable("last_accessed_by", "int"),
		nullable("started_at", "timestamp"),
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
		foreignKey("workspaces_ibfk_2", "last_accessed_by", DASHBOARD_USERS, "SET NULL"),
		foreignKey("workspaces_ibfk_1", "user_id", DASHBOARD_USERS, "CASCADE"),
	],
};

const userApiKeys: TableShape = {
	name: "user_api_keys",
	columns: [
		idColumn(),
		notNull("user_id", "int"),
		nullable("anthropic_key_encrypted", "varbinary(512)"),
		nullable("anthropic_key_iv", "varbinary(16)"),
		nullable("openai_key_encrypted", "varbinary(512)"),
		nullable("openai_key_iv", "varbinary(16)"),
		createdAt(),
		updatedAt(),
	],
	indexes: [unique("user_id", "user_id")],
	foreignKeys: [foreignKey("user_api_keys_ibfk_1", "user_id", DASHBOARD_USERS, "CASCADE")],
};

const previewEnvironments: TableShape = {
	name: "preview_environments",
	columns: [
		idColumn(),
		notNull("workspace_id", "int"),
		notNull("user_id", "int"),
		notNull("project_name", "varchar(100)"),
		notNull("preview_hash", "varchar(32)"),
		nullable("preview_url", "varchar(255)"),
		nullable("container_id", "varchar(64)"),
		nullable("container_name", "varchar(100)"),
		nullable("assigned_port", "int"),
		nullable("status", "enum('creating','running','stopping','stopped','expired','error')", "creating"),
		nullable("error_message", "text"),
		notNull("expires_at", "timestamp"),
		nullable("password_hash", "varchar(255)"),
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
		foreignKey("preview_environments_ibfk_2", "user_id", DASHBOARD_USERS, "CASCADE"),
	],
};

const workspaceLogs: TableShape = {
	name: "workspace_logs",
	columns: [
		idColumn(),
		nullable("workspace_id", "int"),
		notNull("user_id", "int"),
		notNull("project_name", "varchar(100)"),
		notNull(
			"action",
			"enum('create','start','stop','delete','sync_to_project','sync_from_project'," +
				"'preview_create','preview_delete','timeout','error','admin_force_stop')",
		),
		nullable("details", "json"),
		createdAt(),
	],
	indexes: [
		index("workspace_id", "workspace_id"),
		index("idx_user_project", "user_id", "project_name"),
		index("idx_created", "created_at"),
	],
	foreignKeys: [
		foreignKey("workspace_logs_ibfk_1", "workspace_id", "workspaces", "SET NULL"),
		foreignKey("workspace_logs_ibfk_2", "user_id", DASHBOARD_USERS, "CASCADE"),
	],
};

const resourceLimits: TableShape = {
	name: "resource_limits",
	columns: [
		idColumn(),
		nullable("user_id", "int"),
		nullable("max_workspaces", "int", "2"),
		nullable("default_cpu", "varchar(20)", "1"),
		nullable("default_ram", "varchar(20)", "2g"),
		nullable("default_disk", "varchar(20)", "10g"),
		nullable("default_idle_timeout", "int", "30"),
		nullable("max_previews_per_workspace", "int", "3"),
		nullable("default_preview_lifetime_hours", "int", "24"),
		createdAt(),
		updatedAt(),
	],
	indexes: [unique("unique_user_limits", "user_id")],
	foreignKeys: [foreignKey("resource_limits_ibfk_1", "user_id", DASHBOARD_USERS, "CASCADE")],
};

/** In an order in which each refers only to tables before it. */
const TABLES = [workspaces, userApiKeys, previewEnvironments, workspaceLogs, resourceLimits];

/** Makes the five tables, and brings those that an older dashboard made to the same shape. */
export class CreateWorkspaceTables1795478400000 implements MigrationInterface {
	readonly name = "CreateWorkspaceTables1795478400000";

	async up(queryRunner: QueryRunner): Promise<void> {
		await converge(queryRunner, TABLES, { create: true, parents: [DASHBOARD_USERS] });
	}

	/** Drops the tables that `up` made; those of the dashboard stay as they are. */
	async down(queryRunner: QueryRunner): Promise<void> {
		const names = TABLES.map((table) => table.name);
		// safety-assured: only tables that this module made, and no rows unless that was allowed
		await dropTables(queryRunner, names);
	}
}
