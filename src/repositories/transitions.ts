import type { PreviewStatus, WorkspaceStatus } from "../entities/enums";
import { InvalidTransitionError, NotFoundError } from "../errors";
import { type ChangeResult, type Executor, executeWith, fragment, type Statement } from "./sql";

/**
 * For each status of a workspace, those that it may come from.
 *
 * @example
 * const workspace = await db.workspaces.findById(id);
 * const canStart = WORKSPACE_TRANSITIONS.starting.includes(workspace?.status ?? "stopped");
 */
export const WORKSPACE_TRANSITIONS: Readonly<Record<WorkspaceStatus, readonly WorkspaceStatus[]>> = {
	starting: ["stopped", "error"],
	running: ["starting"],
	stopping: ["starting", "running", "error"],
	stopped: ["starting", "running", "stopping", "error"],
	error: ["stopped", "starting", "running", "stopping"],
};

/**
 * For each status of a preview, those that it may come from: none returns to `creating`.
 *
 * @example
 * const preview = await db.previews.findById(previewId);
 * const canStop = PREVIEW_TRANSITIONS.stopping.includes(preview?.status ?? "creating");
 */
export const PREVIEW_TRANSITIONS: Readonly<Record<PreviewStatus, readonly PreviewStatus[]>> = {
	creating: [],
	running: ["creating"],
	stopping: ["creating", "running", "error"],
	stopped: ["creating", "running", "stopping", "error"],
	expired: ["creating", "running", "stopping"],
	error: ["creating", "running", "stopping", "stopped", "expired"],
};

/** What `transitionTo` is to do where a start ends; the port is that of the caller's own start, if it named one. */
export function runningWith(port: number | null): { to: "running"; reason?: string } {
	if (port === null) return { to: "running" };
	return { to: "running", reason: "this start was ended, or another one took its place" };
}

/** A start that names its port changes the row only while that holds the port. */
export const IS_OWN_START = "(:port? IS NULL OR COALESCE(assigned_port, 0) = :port?)";

/** A port is given back unless a container is known, which may still use it. */
export const PORT_OF_CONTAINER = "assigned_port = IF(container_id IS NULL, NULL, assigned_port)";

/** The status in errors where the column holds none of the contract: `''`, left by a server that was not strict. */
const UNKNOWN = "unknown";

/** Marks in what a statement reports that the row is so already. */
export const ALREADY = 8;
/** What else a statement reports is a multiple of this. */
export const REPORT_BASE = 16;

/**
 * The life cycle of a table's rows. Its statements decide and report in one: their condition gives `LAST_INSERT_ID()`
 * the status that it decides by, which the server's answer brings back. No second statement could read another status
 * than the one that refused.
 */
export class LifeCycle<Status extends string> {
	constructor(
		readonly entityName: string,
		private readonly statuses: readonly Status[],
		/** What a status that is NULL counts as: the column's default. */
		private readonly fallback: Status,
	) {}

	/** SQL for the status as a number from 1, for one that is not known. */
	code() {
		return fragment(`(1 + FIELD(COALESCE(status, '${this.fallback}'), ${list(this.statuses)}))`);
	}

	/**
	 * A condition that holds for every row, and reports the status; `already` is a condition for what needs no change. It
	 * reports no column that is compared with a constant: the servers replace such a column by the constant, and would
	 * report a row that is not there. A condition beside this one must not be answered by another index than the id's,
	 * since a row that is not read is not reported: write `COALESCE(column, …)`.
	 */
	reports<const Already extends string = "FALSE">(already: Already = "FALSE" as Already) {
		return `LAST_INSERT_ID(${this.code()} + IF(${already}, ${ALREADY}, 0)) > 0` as const;
	}

	/** A condition for some statuses. */
	isIn(statuses: readonly Status[]) {
		return fragment(`COALESCE(status, '${this.fallback}') IN (${list(statuses)})`);
	}

	/** The status in a report. */
	statusOf(report: number): Status | typeof UNKNOWN {
		return this.statuses[(report % ALREADY) - 2] ?? UNKNOWN;
	}

	/**
	 * Changes a row whose status allows it, and returns whether it did: false where it is so already.
	 *
	 * @param reason why not, where the status alone does not say it
	 * @throws NotFoundError, InvalidTransitionError
	 */
	async transitionTo<Parameters extends { readonly id: number }>(
		executor: Executor,
		statement: Statement<ChangeResult, Parameters>,
		values: Parameters,
		{ to, reason }: { to: Status | "extended" | "claimed"; reason?: string },
	): Promise<boolean> {
		const { affected, reported } = await executeWith(executor, statement, values);
		if (!reported) throw new NotFoundError(this.entityName);
		if (affected) return true;
		if (reported % REPORT_BASE >= ALREADY) return false;
		throw new InvalidTransitionError(this.entityName, values.id, { from: this.statusOf(reported), to, reason });
	}

	/**
	 * Changes a row that has to be there, whatever its status is, and returns whether the condition held.
	 *
	 * @throws NotFoundError
	 */
	async changeExisting<Parameters extends object>(
		executor: Executor,
		statement: Statement<ChangeResult, Parameters>,
		values: Parameters,
	): Promise<boolean> {
		const { affected, reported } = await executeWith(executor, statement, values);
		if (!reported) throw new NotFoundError(this.entityName);
		return affected > 0;
	}
}

function list(statuses: readonly string[]): string {
	return statuses.map((status) => `'${status}'`).join(", ");
}
