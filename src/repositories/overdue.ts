import { Workspace } from "../entities";
import { rows, run, type Sender, type Statement, select } from "./sql";

/** A time that each running workspace has of its own, and when it is exceeded. */
interface Allowance {
	readonly index: string;
	readonly differing: Statement<{ allowance: number }[]>;
	/** SQL for the workspaces that have this allowance and exceed it. */
	readonly exceeds: (allowance: number) => string;
}

function differing(property: keyof Workspace & string, index: string): Allowance["differing"] {
	return rows(Workspace, (dataSource) =>
		dataSource
			.createQueryBuilder(Workspace, "workspace")
			.select(`DISTINCT workspace.${property}`, "allowance")
			.useIndex(index)
			.where(`workspace.status = 'running' AND workspace.${property} IS NOT NULL`)
			.getQuery(),
	);
}

export const IDLE: Allowance = {
	index: "idx_idle",
	differing: differing("idleTimeoutMinutes", "idx_idle"),
	exceeds: (minutes) => {
		const since = `< NOW() - INTERVAL ${minutes} MINUTE`;
		const neverActive = `(workspace.lastActivity IS NULL AND workspace.startedAt ${since})`;
		return `(workspace.idleTimeoutMinutes = ${minutes} AND (workspace.lastActivity ${since} OR ${neverActive}))`;
	},
};

export const PAST_LIFETIME: Allowance = {
	index: "idx_lifetime",
	differing: differing("maxLifetimeHours", "idx_lifetime"),
	exceeds: (hours) =>
		`(workspace.maxLifetimeHours = ${hours} AND workspace.startedAt < NOW() - INTERVAL ${hours} HOUR)`,
};

/**
 * A condition on two columns of a row has no index; one for each of the few allowances that differ has, and reads none
 * of the workspaces that are within theirs.
 */
export async function findOverdue(at: Sender, { index, differing, exceeds }: Allowance): Promise<Workspace[]> {
	const allowances = await run(at, differing);
	if (!allowances.length) return [];
	const overdue = allowances.map(({ allowance }) => exceeds(allowance)).join(" OR ");
	return run(at, select(Workspace, { index, where: `workspace.status = 'running' AND (${overdue})` }));
}
