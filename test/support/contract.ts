/** What a table is to be, each line as the tests read it from the server; see `test/migrations/contract.test.ts`. */
export interface TableContract {
	/** In their order: name, type, nullability, default, ON UPDATE and what else the server says. */
	readonly columns: readonly string[];
	readonly indexes: readonly string[];
	readonly foreignKeys: readonly string[];
}

/** The tables, as every test takes them that depends on what columns there are. */
export const CONTRACT: Readonly<Record<string, TableContract>> = {
	preview_environments: {
		columns: [
			"id int NOT NULL AUTO_INCREMENT",
			"workspace_id int NOT NULL",
			"user_id int NOT NULL",
			"project_name varchar(100) NOT NULL",
			"preview_hash varchar(32) NOT NULL",
			"preview_url varchar(255) NULL",
			"container_id varchar(64) NULL",
			"container_name varchar(100) NULL",
			"assigned_port int NULL",
			"status enum('creating','running','stopping','stopped','expired','error') NULL DEFAULT 'creating'",
			"error_message text NULL",
			"expires_at timestamp NOT NULL",
			"password_hash varchar(255) NULL",
			"created_at timestamp NULL DEFAULT CURRENT_TIMESTAMP",
		],
		indexes: [
			"PRIMARY UNIQUE (id)",
			"idx_assigned_port (assigned_port)",
			"idx_expires (expires_at)",
			"idx_status (status)",
			"idx_status_expires (status, expires_at)",
			"idx_workspace_status (workspace_id, status)",
			"idx_workspace_user (workspace_id, user_id)",
			"preview_hash UNIQUE (preview_hash)",
			"user_id (user_id)",
			"workspace_id (workspace_id)",
		],
		foreignKeys: [
			"preview_environments_ibfk_1 workspace_id -> workspaces.id ON DELETE CASCADE ON UPDATE RESTRICT",
			"preview_environments_ibfk_2 user_id -> dashboard_users.id ON DELETE CASCADE ON UPDATE RESTRICT",
		],
	},
	resource_limits: {
		columns: [
			"id int NOT NULL AUTO_INCREMENT",
			"user_id int NULL",
			"max_workspaces int NULL DEFAULT 2",
			"default_cpu varchar(20) NULL DEFAULT '1'",
			"default_ram varchar(20) NULL DEFAULT '2g'",
			"default_disk varchar(20) NULL DEFAULT '10g'",
			"default_idle_timeout int NULL DEFAULT 30",
			"max_previews_per_workspace int NULL DEFAULT 3",
			"default_preview_lifetime_hours int NULL DEFAULT 24",
			"created_at timestamp NULL DEFAULT CURRENT_TIMESTAMP",
			"updated_at timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
			"global_row tinyint NULL VIRTUAL AS if(user_id is null,1,null)",
		],
		indexes: ["PRIMARY UNIQUE (id)", "unique_global_limits UNIQUE (global_row)", "unique_user_limits UNIQUE (user_id)"],
		foreignKeys: ["resource_limits_ibfk_1 user_id -> dashboard_users.id ON DELETE CASCADE ON UPDATE RESTRICT"],
	},
	user_api_keys: {
		columns: [
			"id int NOT NULL AUTO_INCREMENT",
			"user_id int NOT NULL",
			"anthropic_key_encrypted varbinary(512) NULL",
			"anthropic_key_iv varbinary(16) NULL",
			"openai_key_encrypted varbinary(512) NULL",
			"openai_key_iv varbinary(16) NULL",
			"created_at timestamp NULL DEFAULT CURRENT_TIMESTAMP",
			"updated_at timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
		],
		indexes: ["PRIMARY UNIQUE (id)", "user_id UNIQUE (user_id)"],
		foreignKeys: ["user_api_keys_ibfk_1 user_id -> dashboard_users.id ON DELETE CASCADE ON UPDATE RESTRICT"],
	},
	workspace_logs: {
		columns: [
			"id int NOT NULL AUTO_INCREMENT",
			"workspace_id int NULL",
			"user_id int NOT NULL",
			"project_name varchar(100) NOT NULL",
			"action enum('create','start','stop','delete','sync_to_project','sync_from_project','preview_create'," +
				"'preview_delete','timeout','error','admin_force_stop','force_delete') NOT NULL",
			"details json NULL",
			"created_at timestamp NULL DEFAULT CURRENT_TIMESTAMP",
		],
		indexes: [
			"PRIMARY UNIQUE (id)",
			"idx_created (created_at)",
			"idx_user_project (user_id, project_name)",
			"workspace_id (workspace_id)",
		],
		foreignKeys: [
			"workspace_logs_ibfk_1 workspace_id -> workspaces.id ON DELETE SET NULL ON UPDATE RESTRICT",
			"workspace_logs_ibfk_2 user_id -> dashboard_users.id ON DELETE CASCADE ON UPDATE RESTRICT",
		],
	},
	workspaces: {
		columns: [
			"id int NOT NULL AUTO_INCREMENT",
			"user_id int NOT NULL",
			"project_name varchar(100) NOT NULL",
			"container_id varchar(64) NULL",
			"container_name varchar(100) NULL",
			"status enum('stopped','starting','running','stopping','error') NULL DEFAULT 'stopped'",
			"error_message text NULL",
			"internal_port int NULL DEFAULT 8080",
			"assigned_port int NULL",
			"cpu_limit varchar(20) NULL DEFAULT '1'",
			"ram_limit varchar(20) NULL DEFAULT '2g'",
			"disk_limit varchar(20) NULL DEFAULT '10g'",
			"idle_timeout_minutes int NULL DEFAULT 30",
			"max_lifetime_hours int NULL DEFAULT 24",
			"last_activity timestamp NULL",
			"last_accessed_by int NULL",
			"started_at timestamp NULL",
			"created_at timestamp NULL DEFAULT CURRENT_TIMESTAMP",
			"updated_at timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
			"code_server_password_encrypted varbinary(512) NULL",
			"code_server_password_iv varbinary(16) NULL",
		],
		indexes: [
			"PRIMARY UNIQUE (id)",
			"idx_assigned_port (assigned_port)",
			"idx_last_activity (last_activity)",
			"idx_overdue (status, started_at, last_activity, idle_timeout_minutes, max_lifetime_hours)",
			"idx_project_name (project_name)",
			"idx_status (status)",
			"last_accessed_by (last_accessed_by)",
			"unique_workspace UNIQUE (user_id, project_name)",
		],
		foreignKeys: [
			"workspaces_ibfk_1 user_id -> dashboard_users.id ON DELETE CASCADE ON UPDATE RESTRICT",
			"workspaces_ibfk_2 last_accessed_by -> dashboard_users.id ON DELETE SET NULL ON UPDATE RESTRICT",
		],
	},
};

/** Columns that are not selected unless they are asked for. */
export const UNSELECTED: readonly string[] = [
	"workspaces.code_server_password_encrypted",
	"workspaces.code_server_password_iv",
	"user_api_keys.anthropic_key_encrypted",
	"user_api_keys.anthropic_key_iv",
	"user_api_keys.openai_key_encrypted",
	"user_api_keys.openai_key_iv",
	"preview_environments.password_hash",
	"resource_limits.global_row",
];

/** A column's line, taken apart. */
export interface ColumnContract {
	/** `table.column` */
	readonly place: string;
	readonly name: string;
	/** Without length and values. */
	readonly type: string;
	readonly length: number;
	/** Of an ENUM. */
	readonly values: readonly string[];
	readonly nullable: boolean;
	/** As a row has it; a time that the server fills in is `CURRENT_TIMESTAMP`, and no default is null. */
	readonly fallback: string | number | null;
	/** Whether the server makes the value: a number that counts up, or an expression. */
	readonly isMade: boolean;
	/** The table that it refers to. */
	readonly parent: string | undefined;
	/** Whether it ends a unique index. */
	readonly isUnique: boolean;
}

/** The columns of a table, in their order. */
export function columnsOf(table: string): ColumnContract[] {
	const { columns, indexes, foreignKeys } = CONTRACT[table] ?? { columns: [], indexes: [], foreignKeys: [] };
	return columns.map((line) => {
		const [, name = "", type = "", list = "", nullable, fallback] =
			/^(\w+) (\w+)(?:\(([^)]*)\))? (NULL|NOT NULL)(?: DEFAULT ('[^']*'|\w+))?/.exec(line) ?? [];
		return {
			place: `${table}.${name}`,
			name,
			type,
			length: type === "enum" ? 0 : Number(list),
			values: type === "enum" ? list.slice(1, -1).split("','") : [],
			nullable: nullable === "NULL",
			fallback: fallbackOf(fallback),
			isMade: /AUTO_INCREMENT|VIRTUAL/.test(line),
			parent: foreignKeys.map((key) => new RegExp(` ${name} -> (\\w+)\\.id `).exec(key)?.[1]).find(Boolean),
			isUnique: indexes.some((index) => new RegExp(` UNIQUE \\((?:.*, )?${name}\\)$`).test(index)),
		};
	});
}

/** A foreign key's line, taken apart. */
export interface KeyContract {
	readonly table: string;
	readonly name: string;
	readonly column: string;
	/** The table that it refers to. */
	readonly parent: string;
	readonly onDelete: string;
}

/** Every foreign key of every table. */
export function foreignKeys(): KeyContract[] {
	return Object.entries(CONTRACT).flatMap(([table, contract]) =>
		contract.foreignKeys.map((line) => {
			const [, name = "", column = "", parent = "", onDelete = ""] =
				/^(\w+) (\w+) -> (\w+)\.id ON DELETE (CASCADE|SET NULL) ON UPDATE RESTRICT$/.exec(line) ?? [];
			if (!name) throw new Error(`${table}: no test knows what this key does: ${line}`);
			return { table, name, column, parent, onDelete };
		}),
	);
}

let rows = 0;

/** By column, what has to be given of a row beside what it refers to; no two rows have the same text. */
export function givenValues(table: string): Record<string, unknown> {
	rows++;
	const given = columnsOf(table).filter(({ nullable, isMade, parent }) => !nullable && !isMade && !parent);
	return Object.fromEntries(
		given.map(({ name, type, length, values: [first] }) => {
			if (type === "timestamp") return [name, new Date(Date.UTC(2030, 0, 1))];
			return [name, type === "varchar" ? `${name} ${rows}`.slice(-length) : (first ?? rows)];
		}),
	);
}

function fallbackOf(text: string | undefined): string | number | null {
	if (text === undefined) return null;
	if (text.startsWith("'")) return text.slice(1, -1);
	return /^\d+$/.test(text) ? Number(text) : text;
}
