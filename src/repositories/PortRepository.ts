import { type DataSource, Repository } from "typeorm";
import { PreviewEnvironment, Workspace } from "../entities";
import { InvalidValueError, NoFreePortError } from "../errors";
import { lockGlobalRow } from "./effectiveLimits";
import { managerOf, type RepositorySource } from "./source";
import { type Change, type EntityClass, inTransaction, rows, run, type Sender, type Statement, update } from "./sql";
import { type Stateful, stateful, statusIn, transition, WORKSPACE_TRANSITIONS } from "./transitions";

/** Both ends included. */
export interface PortRange {
	from: number;
	to: number;
}

export const DEFAULT_PORT_RANGE: Readonly<PortRange> = { from: 10_000, to: 10_100 };

/** A SELECT of a column from the rows that hold a port, as `holder`. */
function holders(dataSource: DataSource, entity: EntityClass<Workspace | PreviewEnvironment>, column: string) {
	return dataSource.createQueryBuilder<Workspace | PreviewEnvironment>(entity, "holder").select(column);
}

const ASSIGNED = rows<{ port: number }>(Workspace, (dataSource) =>
	[Workspace, PreviewEnvironment]
		.map((entity) => holders(dataSource, entity, "holder.assignedPort AS port"))
		.map((query) => query.where("holder.assignedPort IS NOT NULL").getQuery())
		.join(" UNION ALL "),
);
const IS_ASSIGNED = rows<{ port: number }>(Workspace, (dataSource) =>
	[Workspace, PreviewEnvironment]
		.map((entity) => holders(dataSource, entity, "holder.assignedPort AS port"))
		.map((query) => `(${query.where("holder.assignedPort = :port").limit(1).getQuery()})`)
		.join(" UNION ALL "),
);
const COUNT = rows<{ count: string | number }>(Workspace, (dataSource) =>
	[Workspace, PreviewEnvironment]
		.map((entity) => holders(dataSource, entity, "COUNT(*) AS count"))
		.map((query) => query.where("holder.assignedPort IS NOT NULL").getQuery())
		.join(" UNION ALL "),
);
/** Locking, so that it sees what is committed even where the caller's transaction has an older snapshot. */
const ASSIGNED_IN_RANGE = rows<{ port: number; workspaceId: number | null; previewId: number | null }>(
	Workspace,
	(dataSource) =>
		[
			holders(dataSource, Workspace, "holder.assignedPort AS port, holder.id AS workspaceId, NULL AS previewId"),
			holders(dataSource, PreviewEnvironment, "holder.assignedPort, NULL, holder.id"),
		]
			.map((query) => query.where("holder.assignedPort BETWEEN :from AND :to").getQuery())
			.map((sql) => `(${sql} LOCK IN SHARE MODE)`)
			.join(" UNION ALL "),
);

/** A starting one without a port is one whose status was set without claiming. */
const TO_WORKSPACE = update(
	Workspace,
	{ status: "'starting'", assignedPort: ":assignedPort", errorMessage: "NULL" },
	`id = :id AND (${statusIn(WORKSPACE_TRANSITIONS.starting, "stopped")} OR (status = 'starting' AND assignedPort IS NULL))`,
);
const TO_PREVIEW = update(
	PreviewEnvironment,
	{ assignedPort: ":assignedPort" },
	`id = :id AND ${statusIn(["creating"], "creating")}`,
);

const WORKSPACES = stateful(Workspace, "stopped");
const PREVIEWS = stateful(PreviewEnvironment, "creating");

type Holder = "workspaceId" | "previewId";

/**
 * The host's ports that workspaces and previews hold, from one range. A port is claimed together with what it is for,
 * and free again once that is stopped, expired or deleted.
 */
export class PortRepository extends Repository<Workspace> {
	/** On a DataSource, or in a transaction by its manager. */
	static from(source: RepositorySource): PortRepository {
		return new PortRepository(Workspace, managerOf(source));
	}

	/** Every port that is held, lowest first. 1 statement. */
	async listAssigned(): Promise<number[]> {
		const found = await run(this, ASSIGNED);
		return [...new Set(found.map(({ port }) => port))].sort((a, b) => a - b);
	}

	/** Whether a workspace or a preview holds the port. 1 statement. */
	async isAssigned(port: number): Promise<boolean> {
		const found = await run(this, IS_ASSIGNED, { port });
		return found.length > 0;
	}

	/** How many workspaces and previews hold a port. 1 statement. */
	async countAssigned(): Promise<number> {
		const counts = await run(this, COUNT);
		return counts.reduce((sum, { count }) => sum + Number(count), 0);
	}

	/**
	 * Makes a stopped or failed workspace starting with the lowest free port, and returns the port; one that it holds
	 * within the range it keeps. Of several callers for one workspace, one succeeds. 5 statements, one transaction; 3 in
	 * the caller's transaction, which should be short: other claims and creations wait for its end.
	 *
	 * @throws NoFreePortError; InvalidTransitionError if it is neither stopped nor failed; NotFoundError,
	 * InvalidValueError
	 */
	claimForWorkspace(workspaceId: number, range: PortRange = DEFAULT_PORT_RANGE): Promise<number> {
		return inTransaction(this, (at) =>
			claim(at, "workspaceId", workspaceId, range, WORKSPACES, TO_WORKSPACE, "starting with a port"),
		);
	}

	/**
	 * Gives a creating preview the lowest free port, and returns it; one that it holds within the range it keeps.
	 * Statements as for a workspace.
	 *
	 * @throws NoFreePortError; InvalidTransitionError if it is not creating; NotFoundError, InvalidValueError
	 */
	claimForPreview(previewId: number, range: PortRange = DEFAULT_PORT_RANGE): Promise<number> {
		return inTransaction(this, (at) =>
			claim(at, "previewId", previewId, range, PREVIEWS, TO_PREVIEW, "the holder of a port"),
		);
	}
}

async function claim(
	at: Sender,
	holder: Holder,
	id: number,
	range: PortRange,
	entity: Stateful,
	statement: Statement<Change>,
	to: string,
): Promise<number> {
	checkRange(range);
	const { from, to: last } = range;
	await lockGlobalRow(at);
	const assigned = await run(at, ASSIGNED_IN_RANGE, { from, to: last });
	const held = assigned.find((row) => row[holder] === id)?.port;
	const port = held ?? lowestFree(range, new Set(assigned.map((row) => row.port)));
	await transition(at, entity, statement, { id, assignedPort: port }, to);
	return port;
}

function lowestFree({ from, to }: PortRange, assigned: ReadonlySet<number>): number {
	for (let port = from; port <= to; port++) if (!assigned.has(port)) return port;
	throw new NoFreePortError(from, to);
}

function checkRange({ from, to }: PortRange): void {
	const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535;
	if (isPort(from) && isPort(to) && from <= to) return;
	throw new InvalidValueError("PortRange", "from", "a port not above `to`, both from 1 to 65535");
}
