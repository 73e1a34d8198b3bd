import { PreviewEnvironment, Workspace } from "../entities";
import { IS_GLOBAL_ROW, LOCKED_GLOBAL_ROW } from "./globalRow";
import * as previews from "./previewStatements";
import { change, selectRows } from "./sql";
import { ALREADY, REPORT_BASE, WORKSPACE_TRANSITIONS } from "./transitions";
import * as workspaces from "./workspaceStatements";

/** Every port that is held, twice where two rows hold it. */
export const ASSIGNED = selectRows<{ port: number }>(Workspace)(
	`SELECT assigned_port AS port FROM workspaces WHERE assigned_port IS NOT NULL
	UNION ALL SELECT assigned_port FROM preview_environments WHERE assigned_port IS NOT NULL`,
);
export const IS_ASSIGNED = selectRows<{ port: number }>(Workspace)(
	`(SELECT assigned_port AS port FROM workspaces WHERE assigned_port = :port LIMIT 1)
	UNION ALL (SELECT assigned_port FROM preview_environments WHERE assigned_port = :port LIMIT 1)`,
);

/** The ports of the range that others hold, or that the caller excepted (`:exceptJson`). */
const heldByOthers = <const OtherWorkspace extends string, const OtherPreview extends string>(
	otherWorkspace: OtherWorkspace,
	otherPreview: OtherPreview,
) =>
	`SELECT assigned_port AS port FROM workspaces WHERE assigned_port BETWEEN :from AND :to ${otherWorkspace}
	UNION ALL SELECT assigned_port FROM preview_environments WHERE assigned_port BETWEEN :from AND :to ${otherPreview}
	UNION ALL SELECT excepted.port FROM JSON_TABLE(:exceptJson, '$[*]' COLUMNS (port INT PATH '$')) AS excepted` as const;

/**
 * The port to claim: the row's own, if it is in the range and nobody else's, else the lowest that is free; NULL if none
 * is. The lowest free one is the first of the range, or follows one that is held. Locks the global row before it reads
 * who holds what.
 */
const portFor = <const Table extends string, const Held extends string>(table: Table, held: Held) =>
	`COALESCE(
		(SELECT ${table}.assigned_port FROM ${LOCKED_GLOBAL_ROW}
			WHERE ${IS_GLOBAL_ROW} AND ${table}.assigned_port BETWEEN :from AND :to
				AND NOT EXISTS (SELECT 1 FROM (${held}) AS other WHERE other.port = ${table}.assigned_port) FOR UPDATE),
		(WITH held AS (${held})
			SELECT MIN(candidate.port)
			FROM ${LOCKED_GLOBAL_ROW} STRAIGHT_JOIN (SELECT :from AS port UNION ALL SELECT held.port + 1 FROM held) AS candidate
			WHERE ${IS_GLOBAL_ROW} AND candidate.port <= :to
				AND NOT EXISTS (SELECT 1 FROM held WHERE held.port = candidate.port) FOR UPDATE))` as const;

const PORT_FOR_WORKSPACE = portFor("workspaces", heldByOthers("AND id <> :id", ""));
const PORT_FOR_PREVIEW = portFor("preview_environments", heldByOthers("", "AND id <> :id"));

/**
 * One statement that commits itself. Its condition reports the status, and then the port with it, which the update
 * chooses once more: under the lock that the condition took, it is the same. `ALREADY` in the second report says that
 * the status allows the claim.
 */
export const CLAIM_FOR_WORKSPACE = change(
	Workspace,
	`UPDATE workspaces SET assigned_port = ${PORT_FOR_WORKSPACE}, error_message = NULL, status = 'starting'
	WHERE id = :id AND ${workspaces.LIFE_CYCLE.reports()}
		AND (${workspaces.LIFE_CYCLE.isIn(WORKSPACE_TRANSITIONS.starting)} OR (status = 'starting' AND assigned_port IS NULL))
		AND LAST_INSERT_ID(COALESCE(${PORT_FOR_WORKSPACE}, 0) * 16 + 8 + ${workspaces.LIFE_CYCLE.code()}) >= 16`,
);
export const CLAIM_FOR_PREVIEW = change(
	PreviewEnvironment,
	`UPDATE preview_environments SET assigned_port = ${PORT_FOR_PREVIEW}
	WHERE id = :id AND ${previews.LIFE_CYCLE.reports()} AND ${previews.LIFE_CYCLE.isIn(["creating"])}
		AND LAST_INSERT_ID(COALESCE(${PORT_FOR_PREVIEW}, 0) * 16 + 8 + ${previews.LIFE_CYCLE.code()}) >= 16`,
);

/** The port in what a claim reports; 0 where there is none. */
export function portIn(report: number): number {
	return Math.floor(report / REPORT_BASE);
}

/** Whether the status allowed the claim, so that only a port was missing. */
export function lacksPort(report: number): boolean {
	return portIn(report) === 0 && report >= ALREADY;
}
