import { Column, Entity, Index, JoinColumn, ManyToOne, OneToMany, PrimaryGeneratedColumn } from "typeorm";
import { Confidential } from "./confidential";
import { DashboardUser } from "./DashboardUser";
import { WORKSPACE_STATUSES, type WorkspaceStatus } from "./enums";
import { LIMIT_DEFAULTS, WORKSPACE_DEFAULTS } from "./limitDefaults";
import { PreviewEnvironment } from "./PreviewEnvironment";
import { WorkspaceLog } from "./WorkspaceLog";

/**
 * A browser IDE in a container: one for each user and project.
 *
 * @example
 * const failed = await dataSource.getRepository(Workspace).find({
 *   where: { status: "error" },
 *   relations: { user: true },
 * });
 * for (const { projectName, errorMessage, user } of failed) console.log(user?.username, projectName, errorMessage);
 */
@Entity("workspaces")
// One workspace for each user and project: `findByUserAndProject`, `listByUser`, `countByUser`.
@Index("unique_workspace", ["userId", "projectName"], { unique: true })
// The foreign key.
@Index("last_accessed_by", ["lastAccessedBy"])
// By status: `listRunning`, `listActive`, `listWithContainer`, `markAllStopping`.
@Index("idx_status", ["status"])
// From older dashboards, whose tables have it; no method needs it.
@Index("idx_last_activity", ["lastActivity"])
// A workspace by its project alone, on every WebSocket upgrade: `listRoutesByProject`.
@Index("idx_project_name", ["projectName"])
// The ports in use: `PortRepository.listAssigned`, `PortRepository.isAssigned`.
@Index("idx_assigned_port", ["assignedPort"])
// The running that are idle for too long or past their lifetime, and only those: `listIdle`, `listPastLifetime`.
@Index("idx_overdue", ["status", "startedAt", "lastActivity", "idleTimeoutMinutes", "maxLifetimeHours"])
export class Workspace extends Confidential {
	static override readonly entityName = "Workspace";
	static override readonly secrets = ["codeServerPasswordEncrypted", "codeServerPasswordIv"];

	/** Identifies the workspace. */
	@PrimaryGeneratedColumn({ type: "int" })
	id!: number;

	/** The owner; with that user the workspace is deleted. */
	@Column({ name: "user_id", type: "int" })
	userId!: number;

	/** The owner; present when the relation was loaded. */
	@ManyToOne(() => DashboardUser, { nullable: false, onDelete: "CASCADE", onUpdate: "RESTRICT" })
	@JoinColumn({ name: "user_id", foreignKeyConstraintName: "workspaces_ibfk_1" })
	user?: DashboardUser;

	/** The project; one workspace for each user and project. */
	@Column({ name: "project_name", type: "varchar", length: 100 })
	projectName!: string;

	/** Docker's id of the container, while there is one. */
	@Column({ name: "container_id", type: "varchar", length: 64, nullable: true })
	containerId!: string | null;

	/** The container's name, while there is one. */
	@Column({ name: "container_name", type: "varchar", length: 100, nullable: true })
	containerName!: string | null;

	/** Where the workspace is in its life cycle. */
	@Column({ type: "enum", enum: WORKSPACE_STATUSES, nullable: true, default: "stopped" })
	status!: WorkspaceStatus | null;

	/** Why it went wrong, with the status `error`. */
	@Column({ name: "error_message", type: "text", nullable: true })
	errorMessage!: string | null;

	/** The port on which code-server listens inside its container. */
	@Column({ name: "internal_port", type: "int", nullable: true, default: 8080 })
	internalPort!: number | null;

	/** The port on the server, from the range that workspaces share with previews. */
	@Column({ name: "assigned_port", type: "int", nullable: true })
	assignedPort!: number | null;

	/** Number of CPUs, as Docker reads it: `"1"`, `"0.5"`. */
	@Column({ name: "cpu_limit", type: "varchar", length: 20, nullable: true, default: LIMIT_DEFAULTS.defaultCpu })
	cpuLimit!: string | null;

	/** Memory, as Docker reads it: `"2g"`, `"512m"`. */
	@Column({ name: "ram_limit", type: "varchar", length: 20, nullable: true, default: LIMIT_DEFAULTS.defaultRam })
	ramLimit!: string | null;

	/** Disk space, as Docker reads it: `"10g"`. */
	@Column({ name: "disk_limit", type: "varchar", length: 20, nullable: true, default: LIMIT_DEFAULTS.defaultDisk })
	diskLimit!: string | null;

	/** Minutes without activity after which the workspace is stopped; null and 0 mean 30. */
	@Column({ name: "idle_timeout_minutes", type: "int", nullable: true, default: WORKSPACE_DEFAULTS.idleTimeoutMinutes })
	idleTimeoutMinutes!: number | null;

	/** Hours after its start at which the workspace is stopped, active or not; null and 0 mean 24. */
	@Column({ name: "max_lifetime_hours", type: "int", nullable: true, default: WORKSPACE_DEFAULTS.maxLifetimeHours })
	maxLifetimeHours!: number | null;

	/** When a browser tab last sent a heartbeat. */
	@Column({ name: "last_activity", type: "timestamp", nullable: true })
	lastActivity!: Date | null;

	/** Who used the workspace last; null once that user is deleted. */
	@Column({ name: "last_accessed_by", type: "int", nullable: true })
	lastAccessedBy!: number | null;

	/** Who used the workspace last; present when the relation was loaded. */
	@ManyToOne(() => DashboardUser, { nullable: true, onDelete: "SET NULL", onUpdate: "RESTRICT" })
	@JoinColumn({ name: "last_accessed_by", foreignKeyConstraintName: "workspaces_ibfk_2" })
	lastAccessedByUser?: DashboardUser | null;

	/** When it was last started; null while it is stopped. */
	@Column({ name: "started_at", type: "timestamp", nullable: true })
	startedAt!: Date | null;

	/** When the row was made. */
	@Column({ name: "created_at", type: "timestamp", nullable: true, default: () => "CURRENT_TIMESTAMP" })
	createdAt!: Date | null;

	/** When the row was last changed; set by the server. */
	@Column({
		name: "updated_at",
		type: "timestamp",
		nullable: true,
		default: () => "CURRENT_TIMESTAMP",
		onUpdate: "CURRENT_TIMESTAMP",
	})
	updatedAt!: Date | null;

	/** The code-server password, AES-256-GCM ciphertext with its 16-byte tag; not selected by default. */
	@Column({ name: "code_server_password_encrypted", type: "varbinary", length: 512, nullable: true, select: false })
	codeServerPasswordEncrypted!: Buffer | null;

	/** The IV of the code-server password, 16 bytes; not selected by default. */
	@Column({ name: "code_server_password_iv", type: "varbinary", length: 16, nullable: true, select: false })
	codeServerPasswordIv!: Buffer | null;

	@OneToMany(
		() => PreviewEnvironment,
		(preview) => preview.workspace,
	)
	previews?: PreviewEnvironment[];

	@OneToMany(
		() => WorkspaceLog,
		(log) => log.workspace,
	)
	logs?: WorkspaceLog[];
}
