import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from "typeorm";
import { DashboardUser } from "./DashboardUser";
import { WORKSPACE_LOG_ACTIONS, type WorkspaceLogAction } from "./enums";
import { Workspace } from "./Workspace";

/** A value that JSON can hold. Not recursive: the compiler would not get to the end of conditions on such a type. */
export type JsonValue = string | number | boolean | null | unknown[] | { [key: string]: unknown };

/**
 * What happened to a workspace. A row outlives its workspace: `workspaceId` is then null.
 *
 * @example
 * const deletions = await dataSource.getRepository(WorkspaceLog).find({
 *   where: { action: "delete", userId },
 *   order: { id: "DESC" },
 * });
 */
@Entity("workspace_logs")
// The foreign key, and the log of a workspace: `pageOfWorkspace`.
@Index("workspace_id", ["workspaceId"])
// The foreign key, and the log of a user's project: `pageOfProject`.
@Index("idx_user_project", ["userId", "projectName"])
// Old entries: `deleteOlderThan`.
@Index("idx_created", ["createdAt"])
export class WorkspaceLog {
	/** What errors call it. */
	static readonly entityName = "WorkspaceLog";

	/** Identifies the entry; a later one is higher. */
	@PrimaryGeneratedColumn({ type: "int" })
	id!: number;

	/** The workspace; null once it was deleted. */
	@Column({ name: "workspace_id", type: "int", nullable: true })
	workspaceId!: number | null;

	/** The workspace, null once it was deleted; present when the relation was loaded. */
	@ManyToOne(
		() => Workspace,
		(workspace) => workspace.logs,
		{ nullable: true, onDelete: "SET NULL", onUpdate: "RESTRICT" },
	)
	@JoinColumn({ name: "workspace_id", foreignKeyConstraintName: "workspace_logs_ibfk_1" })
	workspace?: Workspace | null;

	/** Who did it; with that user the entry is deleted. */
	@Column({ name: "user_id", type: "int" })
	userId!: number;

	/** Who did it; present when the relation was loaded. */
	@ManyToOne(() => DashboardUser, { nullable: false, onDelete: "CASCADE", onUpdate: "RESTRICT" })
	@JoinColumn({ name: "user_id", foreignKeyConstraintName: "workspace_logs_ibfk_2" })
	user?: DashboardUser;

	/** The project; it stays when its workspace is deleted. */
	@Column({ name: "project_name", type: "varchar", length: 100 })
	projectName!: string;

	/** What was done. */
	@Column({ type: "enum", enum: WORKSPACE_LOG_ACTIONS })
	action!: WorkspaceLogAction;

	/** Whatever the action adds, without secrets. */
	@Column({ type: "json", nullable: true })
	details!: JsonValue;

	/** When it happened. */
	@Column({ name: "created_at", type: "timestamp", nullable: true, default: () => "CURRENT_TIMESTAMP" })
	createdAt!: Date | null;
}
