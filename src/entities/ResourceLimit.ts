import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from "typeorm";
import { DashboardUser } from "./DashboardUser";
import { LIMIT_DEFAULTS } from "./limitDefaults";

/**
 * What a user may use. The one row without a user holds the defaults for everybody.
 *
 * @example
 * const generous = await dataSource.getRepository(ResourceLimit).findBy({ maxWorkspaces: MoreThan(10) });
 */
@Entity("resource_limits")
// One row a user: `findEffective`, `findOwn`, `removeOwn`.
@Index("unique_user_limits", ["userId"], { unique: true })
// One row without a user: `findGlobal`.
@Index("unique_global_limits", ["globalRow"], { unique: true })
export class ResourceLimit {
	/** What errors call it. */
	static readonly entityName = "ResourceLimit";

	/** Identifies the row. */
	@PrimaryGeneratedColumn({ type: "int" })
	id!: number;

	/** The user whose limits these are; null in the one row for everybody. */
	@Column({ name: "user_id", type: "int", nullable: true })
	userId!: number | null;

	/** The user whose limits these are, null for the global row; present when the relation was loaded. */
	@ManyToOne(() => DashboardUser, { nullable: true, onDelete: "CASCADE", onUpdate: "RESTRICT" })
	@JoinColumn({ name: "user_id", foreignKeyConstraintName: "resource_limits_ibfk_1" })
	user?: DashboardUser | null;

	/** How many workspaces the user may have. */
	@Column({ name: "max_workspaces", type: "int", nullable: true, default: LIMIT_DEFAULTS.maxWorkspaces })
	maxWorkspaces!: number | null;

	/** Number of CPUs of a new workspace, as Docker reads it. */
	@Column({ name: "default_cpu", type: "varchar", length: 20, nullable: true, default: LIMIT_DEFAULTS.defaultCpu })
	defaultCpu!: string | null;

	/** Memory of a new workspace, as Docker reads it. */
	@Column({ name: "default_ram", type: "varchar", length: 20, nullable: true, default: LIMIT_DEFAULTS.defaultRam })
	defaultRam!: string | null;

	/** Disk space of a new workspace, as Docker reads it. */
	@Column({ name: "default_disk", type: "varchar", length: 20, nullable: true, default: LIMIT_DEFAULTS.defaultDisk })
	defaultDisk!: string | null;

	/** Minutes without activity after which a new workspace is stopped; 0 means 30. */
	@Column({ name: "default_idle_timeout", type: "int", nullable: true, default: LIMIT_DEFAULTS.defaultIdleTimeout })
	defaultIdleTimeout!: number | null;

	/** Previews of one workspace that may be creating or running at a time. */
	@Column({
		name: "max_previews_per_workspace",
		type: "int",
		nullable: true,
		default: LIMIT_DEFAULTS.maxPreviewsPerWorkspace,
	})
	maxPreviewsPerWorkspace!: number | null;

	/** Hours after which a new preview expires. */
	@Column({
		name: "default_preview_lifetime_hours",
		type: "int",
		nullable: true,
		default: LIMIT_DEFAULTS.defaultPreviewLifetimeHours,
	})
	defaultPreviewLifetimeHours!: number | null;

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

	/** 1 in the global row, else null: a unique index on it makes the server refuse a second global row. */
	@Column({
		name: "global_row",
		type: "tinyint",
		nullable: true,
		select: false,
		insert: false,
		update: false,
		generatedType: "VIRTUAL",
		asExpression: "IF(user_id IS NULL, 1, NULL)",
	})
	globalRow!: number | null;
}
