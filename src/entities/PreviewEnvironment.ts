import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from "typeorm";
import { DashboardUser } from "./DashboardUser";
import { PREVIEW_STATUSES, type PreviewStatus } from "./enums";
import { Workspace } from "./Workspace";

/** A temporary deployment of a workspace under a public URL. Ended ones stay as history. */
@Entity("preview_environments")
@Index("preview_hash", ["previewHash"], { unique: true })
@Index("workspace_id", ["workspaceId"])
@Index("user_id", ["userId"])
@Index("idx_expires", ["expiresAt"])
@Index("idx_status", ["status"])
export class PreviewEnvironment {
	@PrimaryGeneratedColumn({ type: "int" })
	id!: number;

	@Column({ name: "workspace_id", type: "int" })
	workspaceId!: number;

	/** The workspace it shows; present when the relation was loaded. */
	@ManyToOne(
		() => Workspace,
		(workspace) => workspace.previews,
		{ nullable: false, onDelete: "CASCADE", onUpdate: "RESTRICT" },
	)
	@JoinColumn({ name: "workspace_id", foreignKeyConstraintName: "preview_environments_ibfk_1" })
	workspace!: Workspace;

	@Column({ name: "user_id", type: "int" })
	userId!: number;

	/** The owner; present when the relation was loaded. */
	@ManyToOne(() => DashboardUser, { nullable: false, onDelete: "CASCADE", onUpdate: "RESTRICT" })
	@JoinColumn({ name: "user_id", foreignKeyConstraintName: "preview_environments_ibfk_2" })
	user!: DashboardUser;

	@Column({ name: "project_name", type: "varchar", length: 100 })
	projectName!: string;

	/** The part of the public URL that finds this preview. */
	@Column({ name: "preview_hash", type: "varchar", length: 32 })
	previewHash!: string;

	@Column({ name: "preview_url", type: "varchar", length: 255, nullable: true })
	previewUrl!: string | null;

	@Column({ name: "container_id", type: "varchar", length: 64, nullable: true })
	containerId!: string | null;

	@Column({ name: "container_name", type: "varchar", length: 100, nullable: true })
	containerName!: string | null;

	/** The host's port, from the range that previews share with workspaces. */
	@Column({ name: "assigned_port", type: "int", nullable: true })
	assignedPort!: number | null;

	@Column({ type: "enum", enum: PREVIEW_STATUSES, nullable: true, default: "creating" })
	status!: PreviewStatus | null;

	@Column({ name: "error_message", type: "text", nullable: true })
	errorMessage!: string | null;

	@Column({ name: "expires_at", type: "timestamp" })
	expiresAt!: Date;

	/** The hash of the password that visitors give; not selected by default. */
	@Column({ name: "password_hash", type: "varchar", length: 255, nullable: true, select: false })
	passwordHash!: string | null;

	@Column({ name: "created_at", type: "timestamp", nullable: true, default: () => "CURRENT_TIMESTAMP" })
	createdAt!: Date | null;
}
