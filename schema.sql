-- The tables as the migrations leave them on an empty database, the same for MariaDB and MySQL.
-- Written by `npm run docs`; not for use on a server: run the migrations instead.

CREATE TABLE `workspaces` (
	`id` int NOT NULL AUTO_INCREMENT,
	`user_id` int NOT NULL,
	`project_name` varchar(100) NOT NULL,
	`container_id` varchar(64) NULL,
	`container_name` varchar(100) NULL,
	`status` enum('stopped','starting','running','stopping','error') NULL DEFAULT 'stopped',
	`error_message` text NULL,
	`internal_port` int NULL DEFAULT 8080,
	`assigned_port` int NULL,
	`cpu_limit` varchar(20) NULL DEFAULT '1',
	`ram_limit` varchar(20) NULL DEFAULT '2g',
	`disk_limit` varchar(20) NULL DEFAULT '10g',
	`idle_timeout_minutes` int NULL DEFAULT 30,
	`max_lifetime_hours` int NULL DEFAULT 24,
	`last_activity` timestamp NULL,
	`last_accessed_by` int NULL,
	`started_at` timestamp NULL,
	`created_at` timestamp NULL DEFAULT CURRENT_TIMESTAMP,
	`updated_at` timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
	`code_server_password_encrypted` varbinary(512) NULL,
	`code_server_password_iv` varbinary(16) NULL,
	PRIMARY KEY (`id`),
	INDEX `idx_assigned_port` (`assigned_port`),
	INDEX `idx_last_activity` (`last_activity`),
	INDEX `idx_overdue` (`status`, `started_at`, `last_activity`, `idle_timeout_minutes`, `max_lifetime_hours`),
	INDEX `idx_project_name` (`project_name`),
	INDEX `idx_status` (`status`),
	INDEX `last_accessed_by` (`last_accessed_by`),
	UNIQUE INDEX `unique_workspace` (`user_id`, `project_name`),
	CONSTRAINT `workspaces_ibfk_1` FOREIGN KEY (`user_id`) REFERENCES `dashboard_users` (`id`) ON DELETE CASCADE ON UPDATE RESTRICT,
	CONSTRAINT `workspaces_ibfk_2` FOREIGN KEY (`last_accessed_by`) REFERENCES `dashboard_users` (`id`) ON DELETE SET NULL ON UPDATE RESTRICT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `user_api_keys` (
	`id` int NOT NULL AUTO_INCREMENT,
	`user_id` int NOT NULL,
	`anthropic_key_encrypted` varbinary(512) NULL,
	`anthropic_key_iv` varbinary(16) NULL,
	`openai_key_encrypted` varbinary(512) NULL,
	`openai_key_iv` varbinary(16) NULL,
	`created_at` timestamp NULL DEFAULT CURRENT_TIMESTAMP,
	`updated_at` timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
	PRIMARY KEY (`id`),
	UNIQUE INDEX `user_id` (`user_id`),
	CONSTRAINT `user_api_keys_ibfk_1` FOREIGN KEY (`user_id`) REFERENCES `dashboard_users` (`id`) ON DELETE CASCADE ON UPDATE RESTRICT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `preview_environments` (
	`id` int NOT NULL AUTO_INCREMENT,
	`workspace_id` int NOT NULL,
	`user_id` int NOT NULL,
	`project_name` varchar(100) NOT NULL,
	`preview_hash` varchar(32) NOT NULL,
	`preview_url` varchar(255) NULL,
	`container_id` varchar(64) NULL,
	`container_name` varchar(100) NULL,
	`assigned_port` int NULL,
	`status` enum('creating','running','stopping','stopped','expired','error') NULL DEFAULT 'creating',
	`error_message` text NULL,
	`expires_at` timestamp NOT NULL,
	`password_hash` varchar(255) NULL,
	`created_at` timestamp NULL DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (`id`),
	INDEX `idx_assigned_port` (`assigned_port`),
	INDEX `idx_expires` (`expires_at`),
	INDEX `idx_status` (`status`),
	INDEX `idx_status_expires` (`status`, `expires_at`),
	INDEX `idx_workspace_status` (`workspace_id`, `status`),
	INDEX `idx_workspace_user` (`workspace_id`, `user_id`),
	UNIQUE INDEX `preview_hash` (`preview_hash`),
	INDEX `user_id` (`user_id`),
	INDEX `workspace_id` (`workspace_id`),
	CONSTRAINT `preview_environments_ibfk_1` FOREIGN KEY (`workspace_id`) REFERENCES `workspaces` (`id`) ON DELETE CASCADE ON UPDATE RESTRICT,
	CONSTRAINT `preview_environments_ibfk_2` FOREIGN KEY (`user_id`) REFERENCES `dashboard_users` (`id`) ON DELETE CASCADE ON UPDATE RESTRICT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `workspace_logs` (
	`id` int NOT NULL AUTO_INCREMENT,
	`workspace_id` int NULL,
	`user_id` int NOT NULL,
	`project_name` varchar(100) NOT NULL,
	`action` enum('create','start','stop','delete','sync_to_project','sync_from_project','preview_create','preview_delete','timeout','error','admin_force_stop','force_delete') NOT NULL,
	`details` json NULL,
	`created_at` timestamp NULL DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (`id`),
	INDEX `idx_created` (`created_at`),
	INDEX `idx_user_project` (`user_id`, `project_name`),
	INDEX `workspace_id` (`workspace_id`),
	CONSTRAINT `workspace_logs_ibfk_1` FOREIGN KEY (`workspace_id`) REFERENCES `workspaces` (`id`) ON DELETE SET NULL ON UPDATE RESTRICT,
	CONSTRAINT `workspace_logs_ibfk_2` FOREIGN KEY (`user_id`) REFERENCES `dashboard_users` (`id`) ON DELETE CASCADE ON UPDATE RESTRICT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `resource_limits` (
	`id` int NOT NULL AUTO_INCREMENT,
	`user_id` int NULL,
	`max_workspaces` int NULL DEFAULT 2,
	`default_cpu` varchar(20) NULL DEFAULT '1',
	`default_ram` varchar(20) NULL DEFAULT '2g',
	`default_disk` varchar(20) NULL DEFAULT '10g',
	`default_idle_timeout` int NULL DEFAULT 30,
	`max_previews_per_workspace` int NULL DEFAULT 3,
	`default_preview_lifetime_hours` int NULL DEFAULT 24,
	`created_at` timestamp NULL DEFAULT CURRENT_TIMESTAMP,
	`updated_at` timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
	`global_row` tinyint GENERATED ALWAYS AS (IF(user_id IS NULL, 1, NULL)) VIRTUAL,
	PRIMARY KEY (`id`),
	UNIQUE INDEX `unique_global_limits` (`global_row`),
	UNIQUE INDEX `unique_user_limits` (`user_id`),
	CONSTRAINT `resource_limits_ibfk_1` FOREIGN KEY (`user_id`) REFERENCES `dashboard_users` (`id`) ON DELETE CASCADE ON UPDATE RESTRICT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
