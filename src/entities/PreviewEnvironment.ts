import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from "typeorm";
import { Confidential } from "./confidential";
import { DashboardUser } from "./DashboardUser";
import { PREVIEW_STATUSES, type PreviewStatus } from "./enums";
import { Workspace } from "./Workspace";

/**
 * A temporary deployment of a workspace under a public URL. Ended ones stay as history.
 *
 * @example
 * const history = await dataSource.getRepository(PreviewEnvironment).countBy({ status: "expired" });
 */
@Entity("preview_environments")
// A preview by its public URL: `findByHash`, `findByHashWithPassword`.
@Index("preview_hash", ["previewHash"], { unique: true })
// The foreign key.
@Index("workspace_id", ["workspaceId"])
// The foreign key.
@Index("user_id", ["userId"])
// From older dashboards, whose tables have it; no method needs it.
@Index("idx_expires", ["expiresAt"])
// By status: `listActive`.
@Index("idx_status", ["status"])
// The active previews of workspaces: `countActive`, `countActiveByWorkspaces`, `createWithinLimit`.
@Index("idx_workspace_status", ["workspaceId", "status"])
// A user's previews of a workspace: `listByWorkspaceAndUser`.
@Index("idx_workspace_user", ["workspaceId", "userId"])
// The expired among the active: `listExpired`.
@Index("idx_status_expires", ["status", "expiresAt"])
// The ports in use: `PortRepository.listAssigned`, `PortRepository.isAssigned`.
@Index("idx_assigned_port", ["assignedPort"])
export class PreviewEnvironment extends Confidential {
	static override readonly entityName = "PreviewEnvironment";
	static override readonly secrets = ["passwordHash"];

	/** Identifies the preview. */
	@PrimaryGeneratedColumn({ type: "int" })
	id!: number;

	/** The workspace that it shows, with which it is deleted. */
	@Column({ name: "workspace_id", type: "int" })
	workspaceId!: number;

	/** The workspace that it shows; present when the relation was loaded. */
	@ManyToOne(
		() => Workspace,
		(workspace) => workspace.previews,
		{ nullable: false, onDelete: "CASCADE", onUpdate: "RESTRICT" },
	)
	@JoinColumn({ name: "workspace_id", foreignKeyConstraintName: "preview_environments_ibfk_1" })
	workspace?: Workspace;

	/** The owner; with that user the preview is deleted. */
	@Column({ name: "user_id", type: "int" })
	userId!: number;

	/** The owner; present when the relation was loaded. */
	@ManyToOne(() => DashboardUser, { nullable: false, onDelete: "CASCADE", onUpdate: "RESTRICT" })
	@JoinColumn({ name: "user_id", foreignKeyConstraintName: "preview_environments_ibfk_2" })
	user?: DashboardUser;

	/** The project that it shows. */
	@Column({ name: "project_name", type: "varchar", length: 100 })
	projectName!: string;

	/** The part of the public URL that finds this preview. */
	@Column({ name: "preview_hash", type: "varchar", length: 32 })
	previewHash!: string;

	/** The public URL, once it is known. */
	@Column({ name: "preview_url", type: "varchar", length: 255, nullable: true })
	previewUrl!: string | null;

	/** Docker's id of the container, while there is one. */
	@Column({ name: "container_id", type: "varchar", length: 64, nullable: true })
	containerId!: string | null;

	/** The container's name, while there is one. */
	@Column({ name: "container_name", type: "varchar", length: 100, nullable: true })
	containerName!: string | null;

	/** The port on the server, from the range that previews share with workspaces. */
	@Column({ name: "assigned_port", type: "int", nullable: true })
	assignedPort!: number | null;

	/** Where the preview is in its life cycle; `creating` and `running` count as active. */
	@Column({ type: "enum", enum: PREVIEW_STATUSES, nullable: true, default: "creating" })
	status!: PreviewStatus | null;

	/** Why it went wrong, with the status `error`. */
	@Column({ name: "error_message", type: "text", nullable: true })
	errorMessage!: string | null;

	/** When it is to be stopped. */
	@Column({ name: "expires_at", type: "timestamp" })
	expiresAt!: Date;

	/** The hash of the password that visitors give; not selected by default. */
	@Column({ name: "password_hash", type: "varchar", length: 255, nullable: true, select: false })
	passwordHash!: string | null;

	/** When the row was made. */
	@Column({ name: "created_at", type: "timestamp", nullable: true, default: () => "CURRENT_TIMESTAMP" })
	createdAt!: Date | null;
}
