import { Workspace } from "../entities";
import type { WorkspaceStatus } from "../entities/enums";
import { effective, fromLimits } from "./effectiveLimits";
import { type Expressions, insertSelected, remove, rows, select, update } from "./sql";
import { stateful, statusIn, WORKSPACE_TRANSITIONS } from "./transitions";

export const STATEFUL = stateful(Workspace, "stopped");

export const BY_ID = select(Workspace, { where: "workspace.id = :id" });
export const BY_USER_AND_PROJECT = select(Workspace, {
	where: "workspace.userId = :userId AND workspace.projectName = :projectName",
});
export const BY_PROJECT = select(Workspace, {
	columns: ["id", "userId", "containerId", "status"],
	where: "workspace.projectName = :projectName",
});
export const OF_USER = select(Workspace, { where: "workspace.userId = :userId" });
export const COUNT_OF_USER = rows<{ count: string | number }>(Workspace, (dataSource) =>
	dataSource
		.createQueryBuilder(Workspace, "workspace")
		.select("COUNT(*)", "count")
		.where("workspace.userId = :userId")
		.getQuery(),
);
export const RUNNING = select(Workspace, {
	owner: true,
	where: "workspace.status = 'running'",
});
export const ACTIVE = select(Workspace, {
	owner: true,
	where: "workspace.status IN ('running', 'starting', 'stopping')",
});
export const WITH_CONTAINER = select(Workspace, { where: "workspace.status IN ('running', 'starting')" });
/** Its entries hold all that these two ask for: of those within their time no row is read. */
const OVERDUE_INDEX = "idx_overdue";
export const IDLE = select(Workspace, {
	index: OVERDUE_INDEX,
	where:
		"workspace.status = 'running' AND COALESCE(workspace.lastActivity, workspace.startedAt)" +
		" < NOW() - INTERVAL workspace.idleTimeoutMinutes MINUTE",
});
export const PAST_LIFETIME = select(Workspace, {
	index: OVERDUE_INDEX,
	where: "workspace.status = 'running' AND workspace.startedAt < NOW() - INTERVAL workspace.maxLifetimeHours HOUR",
});
export const CODE_SERVER_PASSWORD = select(Workspace, {
	columns: ["id", "codeServerPasswordEncrypted", "codeServerPasswordIv"],
	where: "workspace.id = :id",
});

export const CREATE = insertSelected(
	Workspace,
	{
		userId: ":userId",
		projectName: ":projectName",
		cpuLimit: `COALESCE(:cpuLimit?, ${effective("defaultCpu")})`,
		ramLimit: `COALESCE(:ramLimit?, ${effective("defaultRam")})`,
		diskLimit: `COALESCE(:diskLimit?, ${effective("defaultDisk")})`,
		idleTimeoutMinutes: `COALESCE(:idleTimeoutMinutes?, ${effective("defaultIdleTimeout")})`,
	},
	(query) => {
		const count = query.subQuery().select("COUNT(*)").from(Workspace, "counted").where("counted.userId = :userId");
		return fromLimits(query).andWhere(`${count.getQuery()} < ${effective("maxWorkspaces")}`);
	},
);

/** Changes the status, and what goes with it, of a workspace whose status allows it. */
function transitionTo(status: WorkspaceStatus, set: Expressions<Workspace>) {
	const from = statusIn(WORKSPACE_TRANSITIONS[status], STATEFUL.columnDefault);
	return update(Workspace, { status: `'${status}'`, ...set }, `id = :id AND ${from}`);
}

export const SET_STATUS = {
	starting: transitionTo("starting", { errorMessage: "NULL" }),
	running: transitionTo("running", { startedAt: "NOW()", lastActivity: "NOW()" }),
	stopping: transitionTo("stopping", {}),
	stopped: transitionTo("stopped", { containerId: "NULL", assignedPort: "NULL", startedAt: "NULL" }),
	error: transitionTo("error", {}),
};
export const RUN = transitionTo("running", {
	containerId: ":containerId",
	containerName: ":containerName",
	codeServerPasswordEncrypted: ":codeServerPasswordEncrypted",
	codeServerPasswordIv: ":codeServerPasswordIv",
	startedAt: "NOW()",
	lastActivity: "NOW()",
});
export const FAIL = transitionTo("error", { errorMessage: ":errorMessage" });
export const STOP_ALL = update(Workspace, { status: "'stopping'" }, "status IN ('running', 'starting')");

export const HEARTBEAT = update(Workspace, { lastActivity: "NOW()", lastAccessedBy: ":lastAccessedBy" }, "id = :id");
export const CHANGE_RESOURCES = update(
	Workspace,
	{
		cpuLimit: "COALESCE(:cpuLimit?, cpuLimit)",
		ramLimit: "COALESCE(:ramLimit?, ramLimit)",
		idleTimeoutMinutes: "COALESCE(:idleTimeoutMinutes?, idleTimeoutMinutes)",
	},
	"id = :id",
);
export const DELETE = remove(Workspace, "id = :id");
