import { Workspace } from "../entities";
import { WORKSPACE_STATUSES, type WorkspaceStatus } from "../entities/enums";
import { WORKSPACE_DEFAULTS } from "../entities/limitDefaults";
import { effective, LIMITS_OF_USER } from "./globalRow";
import { change, fragment, select, selectRows } from "./sql";
import { IS_OWN_START, LifeCycle, PORT_OF_CONTAINER, WORKSPACE_TRANSITIONS } from "./transitions";

export const LIFE_CYCLE = new LifeCycle(Workspace.entityName, WORKSPACE_STATUSES, "stopped");

export const BY_ID = select(Workspace, { where: "id = :id" });
export const BY_USER_AND_PROJECT = select(Workspace, { where: "user_id = :userId AND project_name = :projectName" });
export const BY_PROJECT = select(Workspace, {
	columns: ["id", "userId", "containerId", "status"],
	where: "project_name = :projectName",
});
export const OF_USER = select(Workspace, { where: "user_id = :userId" });
export const COUNT_OF_USER = selectRows<{ count: string | number }, Workspace>(Workspace)(
	"SELECT COUNT(*) AS count FROM workspaces WHERE user_id = :userId",
);
export const RUNNING = select(Workspace, { owner: "user", where: "workspaces.status = 'running'" });
export const ACTIVE = select(Workspace, {
	owner: "user",
	where: "workspaces.status IN ('running', 'starting', 'stopping')",
});
export const WITH_CONTAINER = select(Workspace, { where: "status IN ('running', 'starting')" });
export const UNSETTLED = select(Workspace, {
	where:
		"COALESCE(status, 'stopped') NOT IN ('stopped', 'error') OR container_id IS NOT NULL OR assigned_port IS NOT NULL",
});

/** A column with a number of units, of which NULL and 0 mean the default. */
const orDefault = (column: string, fallback: number) => fragment(`IF(${column} > 0, ${column}, ${fallback})`);
const IS_IDLE = `status = 'running' AND UNIX_TIMESTAMP() > 60 * ${orDefault("idle_timeout_minutes", WORKSPACE_DEFAULTS.idleTimeoutMinutes)}
	+ COALESCE(UNIX_TIMESTAMP(last_activity), UNIX_TIMESTAMP(started_at))`;
const IS_PAST_LIFETIME = `status = 'running' AND UNIX_TIMESTAMP() > 3600 * ${orDefault("max_lifetime_hours", WORKSPACE_DEFAULTS.maxLifetimeHours)}
	+ UNIX_TIMESTAMP(started_at)`;
/** Its entries hold all that these two ask for: of those within their time no row is read. */
const OVERDUE_INDEX = "idx_overdue";
export const IDLE = select(Workspace, { index: OVERDUE_INDEX, where: IS_IDLE });
export const PAST_LIFETIME = select(Workspace, { index: OVERDUE_INDEX, where: IS_PAST_LIFETIME });
export const CODE_SERVER_PASSWORD = select(Workspace, {
	columns: ["id", "codeServerPasswordEncrypted", "codeServerPasswordIv"],
	where: "id = :id",
});

export const CREATE = change(
	Workspace,
	`INSERT INTO workspaces (user_id, project_name, cpu_limit, ram_limit, disk_limit, idle_timeout_minutes)
	SELECT :userId, :projectName, COALESCE(:cpuLimit?, ${effective("defaultCpu")}),
		COALESCE(:ramLimit?, ${effective("defaultRam")}), COALESCE(:diskLimit?, ${effective("defaultDisk")}),
		COALESCE(:idleTimeoutMinutes?, ${effective("defaultIdleTimeout")})
	FROM ${LIMITS_OF_USER}
		AND (SELECT COUNT(*) FROM workspaces AS counted WHERE counted.user_id = :userId) < ${effective("maxWorkspaces")}
	FOR UPDATE`,
);

const allows = (status: WorkspaceStatus) => LIFE_CYCLE.isIn(WORKSPACE_TRANSITIONS[status]);
const changesTo = <const Status extends WorkspaceStatus>(status: Status) =>
	`id = :id AND ${LIFE_CYCLE.reports(`status <=> '${status}'`)} AND ${allows(status)}` as const;

const IS_AT_REST = "COALESCE(status, 'stopped') = 'stopped' AND container_id IS NULL AND assigned_port IS NULL";
const STOP = change(
	Workspace,
	`UPDATE workspaces SET container_id = NULL, assigned_port = NULL, started_at = NULL, status = 'stopped'
	WHERE id = :id AND ${LIFE_CYCLE.reports(IS_AT_REST)} AND NOT (${IS_AT_REST})`,
);

export const SET_STATUS = {
	starting: change(
		Workspace,
		`UPDATE workspaces SET error_message = NULL, status = 'starting' WHERE ${changesTo("starting")}`,
	),
	running: change(
		Workspace,
		`UPDATE workspaces SET started_at = NOW(), last_activity = NOW(), status = 'running' WHERE ${changesTo("running")}`,
	),
	stopping: change(Workspace, `UPDATE workspaces SET status = 'stopping' WHERE ${changesTo("stopping")}`),
	stopped: STOP,
	error: change(Workspace, `UPDATE workspaces SET ${PORT_OF_CONTAINER}, status = 'error' WHERE ${changesTo("error")}`),
};
export const RUN = change(
	Workspace,
	`UPDATE workspaces SET container_id = :containerId, container_name = :containerName,
		code_server_password_encrypted = :codeServerPasswordEncrypted, code_server_password_iv = :codeServerPasswordIv,
		started_at = NOW(), last_activity = NOW(), status = 'running'
	WHERE id = :id AND ${LIFE_CYCLE.reports("status <=> 'running' AND container_id <=> :containerId")} AND ${allows("running")}
		AND ${IS_OWN_START}`,
);
export const FAIL = change(
	Workspace,
	`UPDATE workspaces SET error_message = :errorMessage, ${PORT_OF_CONTAINER}, status = 'error'
	WHERE id = :id AND ${LIFE_CYCLE.reports()} AND ${IS_OWN_START}
		AND NOT (status <=> 'error' AND error_message <=> :errorMessage
			AND (assigned_port IS NULL OR container_id IS NOT NULL))`,
);
export const STOP_ALL = change(
	Workspace,
	"UPDATE workspaces SET status = 'stopping' WHERE status IN ('running', 'starting')",
);
export const BEGIN_IDLE_STOP = change(
	Workspace,
	`UPDATE workspaces SET status = 'stopping' WHERE id = :id AND ${IS_IDLE}`,
);
export const RECONCILE_RUNNING = change(
	Workspace,
	`UPDATE workspaces SET container_id = COALESCE(:containerId?, container_id),
		container_name = COALESCE(:containerName?, container_name), assigned_port = COALESCE(:port?, assigned_port),
		started_at = COALESCE(started_at, NOW()), last_activity = COALESCE(last_activity, NOW()), error_message = NULL,
		status = 'running'
	WHERE id = :id AND ${LIFE_CYCLE.reports()}
		AND NOT (status <=> 'running' AND error_message IS NULL AND started_at IS NOT NULL AND last_activity IS NOT NULL
			AND container_id <=> COALESCE(:containerId?, container_id)
			AND container_name <=> COALESCE(:containerName?, container_name)
			AND assigned_port <=> COALESCE(:port?, assigned_port))`,
);
export const RECONCILE_STOPPED = STOP;

export const HEARTBEAT = change(
	Workspace,
	`UPDATE workspaces SET last_activity = NOW(), last_accessed_by = :lastAccessedBy WHERE id = :id AND ${LIFE_CYCLE.reports()}`,
);
export const HEARTBEAT_OF_NOBODY = change(
	Workspace,
	`UPDATE workspaces SET last_activity = NOW() WHERE id = :id AND ${LIFE_CYCLE.reports()}`,
);
export const CHANGE_RESOURCES = change(
	Workspace,
	`UPDATE workspaces SET cpu_limit = COALESCE(:cpuLimit?, cpu_limit), ram_limit = COALESCE(:ramLimit?, ram_limit),
		idle_timeout_minutes = COALESCE(:idleTimeoutMinutes?, idle_timeout_minutes)
	WHERE id = :id AND ${LIFE_CYCLE.reports()}`,
);
export const DELETE = change(Workspace, "DELETE FROM workspaces WHERE id = :id");
