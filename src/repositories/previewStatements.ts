import { PreviewEnvironment, Workspace } from "../entities";
import type { PreviewStatus } from "../entities/enums";
import { effective, fromLimits } from "./effectiveLimits";
import { type Expressions, insertSelected, remove, rows, select, update } from "./sql";
import { ACTIVE_PREVIEW, PREVIEW_TRANSITIONS, stateful, statusIn } from "./transitions";

export const STATEFUL = stateful(PreviewEnvironment, "creating");
const IS_ACTIVE = `previewEnvironment.${ACTIVE_PREVIEW}`;

export const BY_ID = select(PreviewEnvironment, { where: "previewEnvironment.id = :id" });
export const BY_ID_AND_USER = select(PreviewEnvironment, {
	where: "previewEnvironment.id = :id AND previewEnvironment.userId = :userId",
});
export const BY_HASH = select(PreviewEnvironment, { where: "previewEnvironment.previewHash = :previewHash" });
export const BY_HASH_WITH_PASSWORD = select(PreviewEnvironment, {
	also: ["passwordHash"],
	where: "previewEnvironment.previewHash = :previewHash",
});
export const OF_WORKSPACE_AND_USER = select(PreviewEnvironment, {
	where: "previewEnvironment.workspaceId = :workspaceId AND previewEnvironment.userId = :userId",
	orderBy: { "previewEnvironment.id": "DESC" },
});
export const OF_WORKSPACES = select(PreviewEnvironment, {
	where: "previewEnvironment.workspaceId IN (:workspaceIds)",
	orderBy: { "previewEnvironment.workspaceId": "DESC", "previewEnvironment.id": "DESC" },
});
export const COUNT_ACTIVE = rows<{ workspaceId: number; count: string | number }>(PreviewEnvironment, (dataSource) =>
	dataSource
		.createQueryBuilder(PreviewEnvironment, "previewEnvironment")
		.select("previewEnvironment.workspaceId", "workspaceId")
		.addSelect("COUNT(*)", "count")
		.where(`previewEnvironment.workspaceId IN (:workspaceIds) AND ${IS_ACTIVE}`)
		.groupBy("previewEnvironment.workspaceId")
		.getQuery(),
);
export const ACTIVE = select(PreviewEnvironment, { owner: true, where: IS_ACTIVE });
export const EXPIRED = select(PreviewEnvironment, { where: `${IS_ACTIVE} AND previewEnvironment.expiresAt <= NOW()` });

function create(expiresAt: string) {
	return insertSelected(
		PreviewEnvironment,
		{
			workspaceId: "workspace.id",
			userId: ":userId",
			projectName: "workspace.projectName",
			previewHash: ":previewHash",
			expiresAt,
			passwordHash: ":passwordHash?",
		},
		(query) => {
			const active = query
				.subQuery()
				.select("COUNT(*)")
				.from(PreviewEnvironment, "counted")
				.where(`counted.workspaceId = :workspaceId AND counted.${ACTIVE_PREVIEW}`);
			return fromLimits(query)
				.innerJoin(Workspace, "workspace", "workspace.id = :workspaceId")
				.andWhere(`${active.getQuery()} < ${effective("maxPreviewsPerWorkspace")}`);
		},
	);
}

export const CREATE = create("FROM_UNIXTIME(:expiresAt)");
export const CREATE_FOR_DEFAULT_LIFETIME = create(`NOW() + INTERVAL ${effective("defaultPreviewLifetimeHours")} HOUR`);

/** Changes the status, and what goes with it, of a preview whose status allows it. */
function transitionTo(status: PreviewStatus, set: Expressions<PreviewEnvironment>, and = "") {
	const from = statusIn(PREVIEW_TRANSITIONS[status], STATEFUL.columnDefault);
	return update(PreviewEnvironment, { status: `'${status}'`, ...set }, `id = :id AND ${from}${and}`);
}

const WITHOUT_CONTAINER = { containerId: "NULL", assignedPort: "NULL" };
export const RUN = transitionTo("running", {
	containerId: ":containerId",
	containerName: ":containerName",
	previewUrl: ":previewUrl",
	errorMessage: "NULL",
});
export const FAIL = transitionTo("error", { errorMessage: ":errorMessage" });
export const BEGIN_STOP = transitionTo("stopping", {});
export const STOP = transitionTo("stopped", WITHOUT_CONTAINER);
export const EXPIRE = transitionTo("expired", WITHOUT_CONTAINER, " AND expiresAt <= NOW()");
export const EXTEND = update(
	PreviewEnvironment,
	{ expiresAt: "FROM_UNIXTIME(:expiresAt)" },
	`id = :id AND ${statusIn(["creating", "running"], STATEFUL.columnDefault)}`,
);
export const DELETE = remove(PreviewEnvironment, "id = :id");
