import { type EntityManager, Repository } from "typeorm";
import { Workspace } from "../entities";
import { InvalidTransitionError, InvalidValueError, NoFreePortError, NotFoundError } from "../errors";
import { executeLocked } from "./globalRow";
import * as statements from "./portStatements";
import * as previews from "./previewStatements";
import { managerOf, type RepositorySource } from "./source";
import { type ChangeResult, checkNames, execute, refusal } from "./sql";
import type { LifeCycle } from "./transitions";
import * as workspaces from "./workspaceStatements";

/** Both ends included. */
export interface PortRange {
	from: number;
	to: number;
}

/** Which port to claim. */
export interface PortChoice {
	/** The lowest port; 10,000 if left out. */
	from?: number | undefined;
	/** The highest port; 10,100 if left out. */
	to?: number | undefined;
	/** Ports that the dashboard uses elsewhere: none of them is claimed. */
	except?: readonly number[] | undefined;
}

/**
 * The ports that workspaces and previews share unless a call says another range.
 *
 * @example
 * const { from, to } = DEFAULT_PORT_RANGE;
 * const free = to - from + 1 - (await db.ports.countAssigned());
 */
export const DEFAULT_PORT_RANGE: Readonly<PortRange> = { from: 10_000, to: 10_100 };

/**
 * The server's ports that workspaces and previews hold, from one range. A port is claimed together with what it is for,
 * and free again once that is stopped, expired or deleted, or failed without a container.
 *
 * @example
 * const ports = PortRepository.from(dataSource);
 * const port = await ports.claimForWorkspace(id);   // 10000, 10001, …
 */
export class PortRepository extends Repository<Workspace> {
	/**
	 * On a DataSource, or in a transaction by its manager.
	 *
	 * @example
	 * const held = await PortRepository.from(dataSource).listAssigned();
	 */
	static from<Result extends PortRepository>(
		this: new (
			entity: typeof Workspace,
			manager: EntityManager,
		) => Result,
		source: RepositorySource,
	): Result {
		return new this(Workspace, managerOf(source));
	}

	/**
	 * Every port that is held, lowest first. 1 statement.
	 *
	 * @example
	 * const held = await db.ports.listAssigned();   // [10000, 10001, 10004]
	 */
	async listAssigned(): Promise<number[]> {
		const found = await execute(this, statements.ASSIGNED);
		return [...new Set(found.map(({ port }) => port))].sort((a, b) => a - b);
	}

	/**
	 * Whether a workspace or a preview holds the port. 1 statement.
	 *
	 * @example
	 * if (await db.ports.isAssigned(8081)) throw new Error("A workspace is on port 8081: choose another one");
	 */
	async isAssigned(port: number): Promise<boolean> {
		const found = await execute(this, statements.IS_ASSIGNED, { port });
		return found.length > 0;
	}

	/**
	 * How many ports are held; one that two rows hold counts once. 1 statement.
	 *
	 * @example
	 * res.render("admin/ports", { used: await db.ports.countAssigned() });
	 */
	async countAssigned(): Promise<number> {
		const ports = await this.listAssigned();
		return ports.length;
	}

	/**
	 * Makes a stopped or failed workspace starting with the lowest free port, and returns the port. One that it holds in
	 * the range it keeps, unless another row holds it too. Of several callers for one workspace, one succeeds. 1
	 * statement, which commits itself; in a caller's transaction, which should be short, other claims and creations wait
	 * for its end.
	 *
	 * @throws NoFreePortError; InvalidTransitionError if it is neither stopped nor failed; NotFoundError,
	 * InvalidValueError, BusyError
	 *
	 * @example
	 * const projects = await dataSource.query<{ port: number }[]>("SELECT port FROM project_ports");
	 * const except = projects.map((project) => project.port);
	 * const port = await db.ports.claimForWorkspace(id, { from: 10_000, to: 10_100, except });
	 */
	async claimForWorkspace(workspaceId: number, choice: PortChoice = {}): Promise<number> {
		const range = portRangeOf(choice);
		const { from, to, exceptJson } = range;
		const values = { id: workspaceId, from, to, exceptJson };
		const change = await executeLocked(this, statements.CLAIM_FOR_WORKSPACE, values, lacksPort);
		return claimed(change, range, { id: workspaceId, lifeCycle: workspaces.LIFE_CYCLE, to: "starting" });
	}

	/**
	 * Gives a creating preview the lowest free port, and returns it; the rest as for a workspace. Called again it returns
	 * the same one. 1 statement.
	 *
	 * @throws NoFreePortError; InvalidTransitionError if it is not creating; NotFoundError, InvalidValueError, BusyError
	 *
	 * @example
	 * const previewId = await db.previews.createWithinLimit({ workspaceId, userId, previewHash });
	 * const port = await db.ports.claimForPreview(previewId);
	 */
	async claimForPreview(previewId: number, choice: PortChoice = {}): Promise<number> {
		const range = portRangeOf(choice);
		const { from, to, exceptJson } = range;
		const values = { id: previewId, from, to, exceptJson };
		const change = await executeLocked(this, statements.CLAIM_FOR_PREVIEW, values, lacksPort);
		return claimed(change, range, { id: previewId, lifeCycle: previews.LIFE_CYCLE, to: "claimed" });
	}
}

export interface Range extends PortRange {
	readonly exceptJson: string;
}

const lacksPort = ({ reported }: ChangeResult) => statements.lacksPort(reported);

/** @throws NoFreePortError, NotFoundError, InvalidTransitionError */
function claimed(
	{ reported }: ChangeResult,
	{ from, to: last }: Range,
	{ id, lifeCycle, to }: { id: number; lifeCycle: Pick<LifeCycle<string>, "entityName" | "statusOf">; to: string },
): number {
	const port = statements.portIn(reported);
	if (port) return port;
	if (!reported) throw new NotFoundError(lifeCycle.entityName);
	if (statements.lacksPort(reported)) throw new NoFreePortError(from, last);
	throw new InvalidTransitionError(lifeCycle.entityName, id, { from: lifeCycle.statusOf(reported), to });
}

const isPort = (port: unknown) => Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535;

export function portRangeOf(choice: PortChoice): Range {
	checkNames("PortRange", choice, ["from", "to", "except"]);
	const { from = DEFAULT_PORT_RANGE.from, to = DEFAULT_PORT_RANGE.to, except = [] } = choice;
	if (!isPort(from)) throw refusal("PortRange", "from", "an integer from 1 to 65535", from);
	if (!isPort(to)) throw refusal("PortRange", "to", "an integer from 1 to 65535", to);
	if (from > to) throw new InvalidValueError("PortRange", "from", "a port not above `to`");
	if (!Array.isArray(except)) throw new InvalidValueError("PortRange", "except", "a list of integers");
	for (const port of except) {
		if (!Number.isInteger(port)) throw refusal("PortRange", "except", "a list of integers", port);
	}
	const excepted = except.filter((port) => port >= from && port <= to);
	return { from, to, exceptJson: JSON.stringify(excepted) };
}
