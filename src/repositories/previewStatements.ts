import { PreviewEnvironment } from "../entities";
import { PREVIEW_STATUSES, type PreviewStatus } from "../entities/enums";
import { effective, IS_GLOBAL_ROW, LOCKED_GLOBAL_ROW } from "./globalRow";
import { change, fragment, LAST_INSTANT, select, selectRows } from "./sql";
import { IS_OWN_START, LifeCycle, PORT_OF_CONTAINER, PREVIEW_TRANSITIONS } from "./transitions";

export const LIFE_CYCLE = new LifeCycle(PreviewEnvironment.entityName, PREVIEW_STATUSES, "creating");

/** Those that use resources and count against the limit. */
const IS_ACTIVE = "status IN ('creating', 'running')";

export const BY_ID = select(PreviewEnvironment, { where: "id = :id" });
export const BY_ID_AND_USER = select(PreviewEnvironment, { where: "id = :id AND user_id = :userId" });
export const BY_HASH = select(PreviewEnvironment, { where: "preview_hash = :previewHash" });
export const BY_HASH_WITH_PASSWORD = select(PreviewEnvironment, {
	also: ["passwordHash"],
	where: "preview_hash = :previewHash",
});
export const OF_WORKSPACE_AND_USER = select(PreviewEnvironment, {
	where: "workspace_id = :workspaceId AND user_id = :userId",
});
export const OF_WORKSPACES = select(PreviewEnvironment, { where: "workspace_id IN (:workspaceIds)" });
export const OF_WORKSPACES_AND_USER = select(PreviewEnvironment, {
	where: "workspace_id IN (:workspaceIds) AND user_id = :userId",
});
const countActive = selectRows<{ workspaceId: number; count: string | number }, PreviewEnvironment>(PreviewEnvironment);
const COUNT_OF_EACH = "SELECT workspace_id AS workspaceId, COUNT(*) AS count FROM preview_environments";
export const COUNT_ACTIVE = countActive(
	`${COUNT_OF_EACH} WHERE workspace_id IN (:workspaceIds) AND ${IS_ACTIVE} GROUP BY workspace_id`,
);
export const COUNT_ACTIVE_OF_USER = countActive(
	`${COUNT_OF_EACH} WHERE workspace_id IN (:workspaceIds) AND user_id = :userId AND ${IS_ACTIVE} GROUP BY workspace_id`,
);
export const ACTIVE = select(PreviewEnvironment, {
	owner: "user",
	where: "preview_environments.status IN ('creating', 'running')",
});
export const EXPIRED = select(PreviewEnvironment, { where: `${IS_ACTIVE} AND expires_at <= NOW()` });
export const UNSETTLED = select(PreviewEnvironment, {
	where:
		"COALESCE(status, 'creating') NOT IN ('stopped', 'expired', 'error') OR container_id IS NOT NULL" +
		" OR assigned_port IS NOT NULL",
});

/** A lifetime that an old dashboard stored may reach beyond what a TIMESTAMP holds. */
const DEFAULT_EXPIRY = fragment(
	`FROM_UNIXTIME(GREATEST(1, LEAST(${LAST_INSTANT}, UNIX_TIMESTAMP() + 3600 * GREATEST(0, ${effective("defaultPreviewLifetimeHours")}))))`,
);
const create = <const Expiry extends string>(expiry: Expiry) =>
	change(
		PreviewEnvironment,
		`INSERT INTO preview_environments (workspace_id, user_id, project_name, preview_hash, expires_at, password_hash)
		SELECT workspaces.id, :userId, workspaces.project_name, :previewHash, ${expiry}, :passwordHash?
		FROM ${LOCKED_GLOBAL_ROW} INNER JOIN workspaces ON workspaces.id = :workspaceId
			LEFT JOIN resource_limits AS own ON own.user_id = :userId
		WHERE ${IS_GLOBAL_ROW} AND (
			SELECT COUNT(*) FROM preview_environments AS counted
			WHERE counted.workspace_id = :workspaceId AND counted.status IN ('creating', 'running')
		) < ${effective("maxPreviewsPerWorkspace")}
		FOR UPDATE`,
	);
export const CREATE = create("FROM_UNIXTIME(:expiresAt)");
export const CREATE_FOR_DEFAULT_LIFETIME = create(DEFAULT_EXPIRY);

const allows = (status: PreviewStatus) => LIFE_CYCLE.isIn(PREVIEW_TRANSITIONS[status]);

const HOLDS_NOTHING = "container_id IS NULL AND assigned_port IS NULL";
const IS_AT_REST = `status IN ('stopped', 'expired') AND ${HOLDS_NOTHING}` as const;
/** A row that is stopped or expired already only gives back what it still holds. */
const STOP = "container_id = NULL, assigned_port = NULL";
const IS_OVER = "UNIX_TIMESTAMP(expires_at) <= UNIX_TIMESTAMP()";

export const RUN = change(
	PreviewEnvironment,
	`UPDATE preview_environments SET container_id = :containerId, container_name = :containerName,
		preview_url = :previewUrl, error_message = NULL, status = 'running'
	WHERE id = :id AND ${LIFE_CYCLE.reports("status <=> 'running' AND container_id <=> :containerId")} AND ${allows("running")}
		AND ${IS_OWN_START}`,
);
export const FAIL = change(
	PreviewEnvironment,
	`UPDATE preview_environments SET error_message = :errorMessage, ${PORT_OF_CONTAINER}, status = 'error'
	WHERE id = :id AND ${LIFE_CYCLE.reports()} AND ${IS_OWN_START}
		AND NOT (status <=> 'error' AND error_message <=> :errorMessage
			AND (assigned_port IS NULL OR container_id IS NOT NULL))`,
);
export const BEGIN_STOP = change(
	PreviewEnvironment,
	`UPDATE preview_environments SET status = 'stopping'
	WHERE id = :id AND ${LIFE_CYCLE.reports("status <=> 'stopping'")} AND ${allows("stopping")}`,
);
export const END = change(
	PreviewEnvironment,
	`UPDATE preview_environments SET ${STOP}, status = 'stopped'
	WHERE id = :id AND ${LIFE_CYCLE.reports(`status <=> 'stopped' AND ${HOLDS_NOTHING}`)}
		AND COALESCE(status, '') <> 'expired' AND NOT (status <=> 'stopped' AND ${HOLDS_NOTHING})`,
);
export const BEGIN_EXPIRY = change(
	PreviewEnvironment,
	`UPDATE preview_environments SET status = 'stopping' WHERE id = :id AND ${LIFE_CYCLE.isIn(["creating", "running"])} AND ${IS_OVER}`,
);
export const EXPIRE = change(
	PreviewEnvironment,
	`UPDATE preview_environments SET ${STOP}, status = 'expired'
	WHERE id = :id AND ${LIFE_CYCLE.reports(`status <=> 'expired' AND ${HOLDS_NOTHING}`)}
		AND (${allows("expired")} AND (status = 'stopping' OR ${IS_OVER}) OR status = 'expired' AND NOT (${HOLDS_NOTHING}))`,
);
export const EXTEND = change(
	PreviewEnvironment,
	`UPDATE preview_environments SET expires_at = FROM_UNIXTIME(:expiresAt)
	WHERE id = :id AND ${LIFE_CYCLE.reports(`${IS_ACTIVE} AND UNIX_TIMESTAMP(expires_at) = :expiresAt`)}
		AND ${LIFE_CYCLE.isIn(["creating", "running"])} AND UNIX_TIMESTAMP(expires_at) <> :expiresAt`,
);
/** Reports the new expiry where it changes it. */
export const EXTEND_BY = change(
	PreviewEnvironment,
	`UPDATE preview_environments
	SET expires_at = FROM_UNIXTIME(LAST_INSERT_ID(UNIX_TIMESTAMP(expires_at) + 3600 * :hours))
	WHERE id = :id AND ${LIFE_CYCLE.reports()} AND ${LIFE_CYCLE.isIn(["creating", "running"])}
		AND UNIX_TIMESTAMP(expires_at) + 3600 * :hours <= ${fragment(`${LAST_INSTANT}`)}`,
);
export const RECONCILE_RUNNING = change(
	PreviewEnvironment,
	`UPDATE preview_environments SET container_id = COALESCE(:containerId?, container_id),
		container_name = COALESCE(:containerName?, container_name), assigned_port = COALESCE(:port?, assigned_port),
		error_message = NULL, status = 'running'
	WHERE id = :id AND ${LIFE_CYCLE.reports()}
		AND NOT (status <=> 'running' AND error_message IS NULL
			AND container_id <=> COALESCE(:containerId?, container_id)
			AND container_name <=> COALESCE(:containerName?, container_name)
			AND assigned_port <=> COALESCE(:port?, assigned_port))`,
);
export const RECONCILE_STOPPED = change(
	PreviewEnvironment,
	`UPDATE preview_environments SET ${STOP}, status = IF(status = 'expired', 'expired', 'stopped')
	WHERE id = :id AND ${LIFE_CYCLE.reports()} AND NOT (COALESCE(${IS_AT_REST}, FALSE))`,
);
export const DELETE = change(PreviewEnvironment, "DELETE FROM preview_environments WHERE id = :id");
