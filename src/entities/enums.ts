/**
 * Values of `workspaces.status`, in the order of the column's ENUM.
 *
 * @example
 * const counts = await Promise.all(
 *   WORKSPACE_STATUSES.map((status) => dataSource.getRepository(Workspace).countBy({ status })),
 * );
 */
export const WORKSPACE_STATUSES = ["stopped", "starting", "running", "stopping", "error"] as const;
/** Where a workspace is in its life cycle; see `WORKSPACE_TRANSITIONS`. */
export type WorkspaceStatus = (typeof WORKSPACE_STATUSES)[number];

/**
 * Values of `preview_environments.status`, in the order of the column's ENUM.
 *
 * @example
 * const isStatus = (text: string): text is PreviewStatus => PREVIEW_STATUSES.some((status) => status === text);
 */
export const PREVIEW_STATUSES = ["creating", "running", "stopping", "stopped", "expired", "error"] as const;
/** Where a preview is in its life cycle; see `PREVIEW_TRANSITIONS`. */
export type PreviewStatus = (typeof PREVIEW_STATUSES)[number];

/**
 * Values of `workspace_logs.action`, in the order of the column's ENUM; new ones are appended, never inserted.
 *
 * @example
 * const action = WORKSPACE_LOG_ACTIONS.find((known) => known === req.query.action);
 * res.render("log", { action, actions: WORKSPACE_LOG_ACTIONS });
 */
export const WORKSPACE_LOG_ACTIONS = [
	"create",
	"start",
	"stop",
	"delete",
	"sync_to_project",
	"sync_from_project",
	"preview_create",
	"preview_delete",
	"timeout",
	"error",
	"admin_force_stop",
	"force_delete",
] as const;
/** What a log entry says was done. */
export type WorkspaceLogAction = (typeof WORKSPACE_LOG_ACTIONS)[number];
