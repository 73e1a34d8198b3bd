import { Repository } from "typeorm";
import { Workspace } from "../entities";
import { WORKSPACE_STATUSES, type WorkspaceStatus } from "../entities/enums";
import { AlreadyExistsError, InvalidValueError, LimitReachedError } from "../errors";
import { EncryptedSecret } from "./EncryptedSecret";
import { executeLocked } from "./globalRow";
import { type Observation, observed } from "./observation";
import { latestFirst } from "./order";
import { ResourceLimitRepository } from "./ResourceLimitRepository";
import { managerOf, type RepositoryClass, type RepositorySource, type WithOwner } from "./source";
import { checkNames, execute } from "./sql";
import { runningWith } from "./transitions";
import * as statements from "./workspaceStatements";

type Optional<Entity, Property extends keyof Entity> = {
	[Key in Property]?: NonNullable<Entity[Key]> | null | undefined;
};

/** What a new workspace is made of; what is left out is the user's effective limit. */
export interface NewWorkspace
	extends Pick<Workspace, "userId" | "projectName">,
		Optional<Workspace, "cpuLimit" | "ramLimit" | "diskLimit" | "idleTimeoutMinutes"> {}

/** What a container that has started is known by, and the password of its code-server as the dashboard encrypted it. */
export type StartedWorkspace = {
	[Key in "containerId" | "containerName" | "codeServerPasswordEncrypted" | "codeServerPasswordIv"]: NonNullable<
		Workspace[Key]
	>;
};

/** What an owner may change; what is left out stays as it is. */
export interface WorkspaceResources extends Optional<Workspace, "cpuLimit" | "ramLimit" | "idleTimeoutMinutes"> {}

/**
 * The columns that routing a request to a container needs.
 *
 * @example
 * const [route] = await db.workspaces.listRoutesByProject("shop");
 * if (route?.containerId) console.log(`${route.containerId} is ${route.status}`);
 */
export type WorkspaceRoute = Pick<Workspace, "id" | "userId" | "containerId" | "status">;

/** Which start a call is about. */
export interface OwnStart {
	/** The port that the caller claimed for it; left out: whichever start, stop or run it is. */
	port?: number | undefined;
}

const CREATE_NAMES = ["userId", "projectName", "cpuLimit", "ramLimit", "diskLimit", "idleTimeoutMinutes"];
const START_NAMES = ["containerId", "containerName", "codeServerPasswordEncrypted", "codeServerPasswordIv"];
const RESOURCE_NAMES = ["cpuLimit", "ramLimit", "idleTimeoutMinutes"];
const { entityName } = Workspace;

/**
 * Workspaces, and all that the dashboard does with them.
 *
 * @example
 * const workspaces = WorkspaceRepository.from(dataSource);
 * const shop = await workspaces.findByUserAndProject(userId, "shop");
 * const failed = await workspaces.countBy({ status: "error" });   // TypeORM's own methods are there too
 */
export class WorkspaceRepository extends Repository<Workspace> {
	/**
	 * On a DataSource, or in a transaction by its manager.
	 *
	 * @example
	 * await dataSource.transaction(async (manager) => {
	 *   await WorkspaceRepository.from(manager).deleteById(id);
	 *   await manager.query("DELETE FROM project_domains WHERE project_name = ?", ["shop"]);
	 * });
	 */
	static from<Result extends WorkspaceRepository>(
		this: RepositoryClass<typeof Workspace, Result>,
		source: RepositorySource,
	): Result {
		return new this(Workspace, managerOf(source));
	}

	/**
	 * The workspace, or null. 1 statement.
	 *
	 * @example
	 * const workspace = await db.workspaces.findById(Number(req.params.id));
	 * if (workspace?.userId !== req.user.id) return res.status(404).end();
	 */
	async findById(id: number): Promise<Workspace | null> {
		const [workspace] = await execute(this, statements.BY_ID, { id });
		return workspace ?? null;
	}

	/**
	 * The user's workspace for the project, or null. 1 statement.
	 *
	 * @example
	 * const workspace = await db.workspaces.findByUserAndProject(req.user.id, "shop");
	 * res.render("project", { workspace: workspace && toRow(workspace) });
	 */
	async findByUserAndProject(userId: number, projectName: string): Promise<Workspace | null> {
		const [workspace] = await execute(this, statements.BY_USER_AND_PROJECT, { userId, projectName });
		return workspace ?? null;
	}

	/**
	 * What routing needs of every workspace for a project of that name: different users may have one each. The other
	 * properties are not loaded. 1 statement.
	 *
	 * @example
	 * const routes = await db.workspaces.listRoutesByProject("shop");
	 * const route = routes.find((candidate) => candidate.userId === req.user.id);
	 * if (route?.status !== "running") return res.status(503).end();
	 */
	listRoutesByProject(projectName: string): Promise<WorkspaceRoute[]> {
		return execute(this, statements.BY_PROJECT, { projectName });
	}

	/**
	 * All of a user's workspaces, newest first. 1 statement.
	 *
	 * @example
	 * const workspaces = await db.workspaces.listByUser(req.user.id);
	 * res.render("workspaces", { rows: workspaces.map((workspace) => toRow(workspace)) });
	 */
	async listByUser(userId: number): Promise<Workspace[]> {
		return latestFirst(await execute(this, statements.OF_USER, { userId }), (workspace) => workspace.createdAt);
	}

	/**
	 * How many workspaces a user has. 1 statement.
	 *
	 * @example
	 * const { maxWorkspaces } = await db.limits.findEffective(userId);
	 * const canCreate = (await db.workspaces.countByUser(userId)) < maxWorkspaces;   // creating checks it anew
	 */
	async countByUser(userId: number): Promise<number> {
		const [row] = await execute(this, statements.COUNT_OF_USER, { userId });
		return Number(row?.count);
	}

	/**
	 * All running, with the owner's `username` and `systemUsername` in `user`, latest start first. 1 statement.
	 *
	 * @example
	 * for (const { containerName, user } of await db.workspaces.listRunning()) {
	 *   console.log(`${containerName} works on the files of ${user.systemUsername}`);
	 * }
	 */
	async listRunning(): Promise<WithOwner<Workspace>[]> {
		return latestFirst(
			(await execute(this, statements.RUNNING)) as WithOwner<Workspace>[],
			(workspace) => workspace.startedAt,
		);
	}

	/**
	 * All running, starting or stopping, with the owner's names in `user`, latest start first. 1 statement.
	 *
	 * @example
	 * const active = await db.workspaces.listActive();
	 * res.render("admin/workspaces", { rows: active.map((workspace) => toRow(workspace)) });   // with `username`
	 */
	async listActive(): Promise<WithOwner<Workspace>[]> {
		return latestFirst(
			(await execute(this, statements.ACTIVE)) as WithOwner<Workspace>[],
			(workspace) => workspace.startedAt,
		);
	}

	/**
	 * All running or starting: those that should have a container. 1 statement.
	 *
	 * @example
	 * const ids = new Set((await docker.list()).map((container) => container.id));
	 * const lost = (await db.workspaces.listWithContainer()).filter(({ containerId }) => !ids.has(containerId ?? ""));
	 */
	listWithContainer(): Promise<Workspace[]> {
		return execute(this, statements.WITH_CONTAINER);
	}

	/**
	 * All that a restart has to compare with Docker, each then to be reconciled: every workspace that is neither stopped
	 * nor failed, or that holds a container or a port. 1 statement.
	 *
	 * @example
	 * const running = new Map((await docker.list()).map((container) => [container.id, container]));
	 * for (const { id, containerId } of await db.workspaces.listUnsettled()) {
	 *   await db.workspaces.reconcile(id, { running: running.has(containerId ?? "") });
	 * }
	 */
	listUnsettled(): Promise<Workspace[]> {
		return execute(this, statements.UNSETTLED);
	}

	/**
	 * Makes a stopped workspace unless the user has as many as `max_workspaces` allows, however many calls come at once,
	 * and returns its id. In a caller's transaction, which should be short, other creations and claims of ports wait for
	 * its end. 1 statement, which commits itself.
	 *
	 * @param workspace `projectName`: at most 100 characters; `cpuLimit`, `ramLimit`, `diskLimit`: at most 20, as Docker
	 * reads them; `idleTimeoutMinutes`: 0 means 30
	 * @throws LimitReachedError, AlreadyExistsError, NotFoundError (of the user), ValueTooLongError, InvalidValueError,
	 * BusyError, IdsExhaustedError
	 *
	 * @example
	 * try {
	 *   const id = await db.workspaces.createWithinLimit({ userId: req.user.id, projectName: "shop", ramLimit: "4g" });
	 *   res.status(201).json({ id });
	 * } catch (error) {
	 *   if (!(error instanceof LimitReachedError)) throw error;
	 *   res.status(409).json({ error: error.message, limit: error.limit });
	 * }
	 */
	async createWithinLimit(workspace: NewWorkspace): Promise<number> {
		checkNames(entityName, workspace, CREATE_NAMES);
		const { userId, projectName, cpuLimit = null, ramLimit = null, diskLimit = null } = workspace;
		const { idleTimeoutMinutes = null } = workspace;
		const values = { userId, projectName, cpuLimit, ramLimit, diskLimit, idleTimeoutMinutes };
		const { affected, reported } = await executeLocked(this, statements.CREATE, values);
		if (affected) return reported;
		if (await this.findByUserAndProject(userId, projectName)) {
			throw new AlreadyExistsError(entityName, ["userId", "projectName"]);
		}
		const { maxWorkspaces } = await ResourceLimitRepository.from(this.manager).findEffective(userId);
		throw new LimitReachedError(entityName, maxWorkspaces);
	}

	/**
	 * Sets the status, and what goes with it: `starting` clears the message of a failure, `running` sets the start and
	 * the last activity to now, `stopped` clears container id, port and start, `error` gives the port back unless a
	 * container is known. `PortRepository.claimForWorkspace` starts with a port. Returns whether it changed: false where
	 * the status is that already. 1 statement.
	 *
	 * @throws InvalidTransitionError if the status is none of `WORKSPACE_TRANSITIONS[status]`; NotFoundError,
	 * InvalidValueError
	 *
	 * @example
	 * await db.workspaces.setStatus(id, "stopping");
	 * await docker.remove(container.name);
	 * await db.workspaces.setStatus(id, "stopped");
	 */
	async setStatus(id: number, status: WorkspaceStatus): Promise<boolean> {
		if (!WORKSPACE_STATUSES.includes(status)) {
			throw new InvalidValueError(entityName, "status", `one of ${WORKSPACE_STATUSES.join(", ")}`);
		}
		return statements.LIFE_CYCLE.transitionTo(this, statements.SET_STATUS[status], { id }, { to: status });
	}

	/**
	 * Makes a starting workspace running, in its container and with the port that it holds; start and last activity are
	 * now. With the `port` of the caller's own start only while the workspace still holds that port. Returns whether it
	 * changed: false where it runs in that container already. 1 statement.
	 *
	 * @param started `containerId`: at most 64 characters; `containerName`: at most 100; the password: at most 512 bytes, its
	 * IV at most 16
	 * @throws InvalidTransitionError if it is not starting, or holds another port; NotFoundError, ValueTooLongError,
	 * InvalidValueError
	 *
	 * @example
	 * const { encrypted, iv } = encrypt("the password of this start");
	 * const started = {
	 *   containerId: container.id,
	 *   containerName: container.name,
	 *   codeServerPasswordEncrypted: encrypted,
	 *   codeServerPasswordIv: iv,
	 * };
	 * await db.workspaces.markRunning(id, started, { port });
	 */
	async markRunning(id: number, started: StartedWorkspace, start: OwnStart = {}): Promise<boolean> {
		checkNames(entityName, started, START_NAMES);
		checkNames(entityName, start, ["port"]);
		const { containerId, containerName, codeServerPasswordEncrypted, codeServerPasswordIv } = started;
		const { port = null } = start;
		const values = { id, containerId, containerName, codeServerPasswordEncrypted, codeServerPasswordIv, port };
		return statements.LIFE_CYCLE.transitionTo(this, statements.RUN, values, runningWith(port));
	}

	/**
	 * Makes a workspace stopped, whatever its status is: without container id, start and port, which is free from then
	 * on. Returns whether it changed. 1 statement.
	 *
	 * @throws NotFoundError
	 *
	 * @example
	 * await docker.remove(container.name);
	 * await db.workspaces.markStopped(id);   // whoever claims a port may now get this one
	 */
	markStopped(id: number): Promise<boolean> {
		return this.setStatus(id, "stopped");
	}

	/**
	 * Records that something failed, whatever the status is. The port is given back unless a container is known, which
	 * may still use it: stopping the workspace frees both. With the `port` of the caller's own start nothing happens
	 * unless the workspace still holds that port. Returns whether it changed. 1 statement.
	 *
	 * @param errorMessage at most 65,535 bytes
	 * @throws NotFoundError, ValueTooLongError, InvalidValueError
	 *
	 * @example
	 * const port = await db.ports.claimForWorkspace(id);
	 * await docker.run({ name: container.name, port }).catch(async (error) => {
	 *   await docker.remove(container.name);
	 *   await db.workspaces.markFailed(id, error.message, { port });
	 * });
	 */
	async markFailed(id: number, errorMessage: string, start: OwnStart = {}): Promise<boolean> {
		checkNames(entityName, start, ["port"]);
		const { port = null } = start;
		return statements.LIFE_CYCLE.changeExisting(this, statements.FAIL, { id, errorMessage, port });
	}

	/**
	 * Makes all running and starting ones stopping, when the dashboard shuts down, and returns how many. Those that are
	 * not stopped before it ends are in `listUnsettled` at the next start. 1 statement.
	 *
	 * @example
	 * const count = await db.workspaces.markAllStopping();
	 * if (count > 0) console.log(`Stopping ${count} workspaces`);
	 */
	async markAllStopping(): Promise<number> {
		const { affected } = await execute(this, statements.STOP_ALL);
		return affected;
	}

	/**
	 * Makes a workspace what Docker says, whatever its status is. With `running` it is running, in the container and with
	 * the port that are given, else with those that it has; start and last activity are now where they were unknown. Else
	 * it is stopped: without container id, start and port. Returns whether it changed. 1 statement.
	 *
	 * @throws NotFoundError, ValueTooLongError, InvalidValueError
	 *
	 * @example
	 * await db.workspaces.reconcile(id, { running: true, containerId: container.id, port: 10_007 });
	 * await db.workspaces.reconcile(id, { running: false });   // where Docker does not know the container
	 */
	async reconcile(id: number, observation: Observation): Promise<boolean> {
		const { running, ...container } = observed(entityName, observation);
		if (!running) return statements.LIFE_CYCLE.changeExisting(this, statements.RECONCILE_STOPPED, { id });
		return statements.LIFE_CYCLE.changeExisting(this, statements.RECONCILE_RUNNING, { id, ...container });
	}

	/**
	 * Makes a running workspace stopping if it is still idle, and returns whether it did: false also where it was used,
	 * stopped or deleted since it was listed. 1 statement.
	 *
	 * @example
	 * for (const { id, containerId } of await db.workspaces.listIdle()) {
	 *   if (!containerId || !(await db.workspaces.beginIdleStop(id))) continue;
	 *   await docker.remove(containerId);
	 *   await db.workspaces.markStopped(id);
	 * }
	 */
	async beginIdleStop(id: number): Promise<boolean> {
		const { affected } = await execute(this, statements.BEGIN_IDLE_STOP, { id });
		return affected > 0;
	}

	/**
	 * Changes what is given and leaves the rest. 1 statement.
	 *
	 * @param resources `cpuLimit`, `ramLimit`: at most 20 characters, as Docker reads them; `idleTimeoutMinutes`: 0 means 30
	 * @throws NotFoundError, ValueTooLongError, InvalidValueError
	 *
	 * @example
	 * const { cpu: cpuLimit, minutes } = req.body;
	 * await db.workspaces.changeResources(id, { cpuLimit, idleTimeoutMinutes: minutes ? Number(minutes) : undefined });
	 */
	async changeResources(id: number, resources: WorkspaceResources): Promise<void> {
		checkNames(entityName, resources, RESOURCE_NAMES);
		const { cpuLimit = null, ramLimit = null, idleTimeoutMinutes = null } = resources;
		const values = { id, cpuLimit, ramLimit, idleTimeoutMinutes };
		await statements.LIFE_CYCLE.changeExisting(this, statements.CHANGE_RESOURCES, values);
	}

	/**
	 * Records that the workspace is used now, and by whom if `userId` is given. 1 statement.
	 *
	 * @throws NotFoundError of the workspace or the user
	 *
	 * @example
	 * await db.workspaces.heartbeat(id, req.user.id);   // a browser tab
	 * await db.workspaces.heartbeat(id);                // a job, of nobody
	 */
	async heartbeat(id: number, ...user: [userId?: number]): Promise<void> {
		const { LIFE_CYCLE, HEARTBEAT, HEARTBEAT_OF_NOBODY } = statements;
		if (user.length === 0) await LIFE_CYCLE.changeExisting(this, HEARTBEAT_OF_NOBODY, { id });
		else await LIFE_CYCLE.changeExisting(this, HEARTBEAT, { id, lastAccessedBy: user[0] as number });
	}

	/**
	 * Running ones without activity for longer than their own `idleTimeoutMinutes`, of which null and 0 mean 30; without
	 * any since their start. `beginIdleStop` stops one of them. 1 statement.
	 *
	 * @example
	 * const names = (await db.workspaces.listIdle()).map((workspace) => workspace.projectName);
	 * console.log(`Idle: ${names.join(", ")}`);
	 */
	listIdle(): Promise<Workspace[]> {
		return execute(this, statements.IDLE);
	}

	/**
	 * Running ones that started longer ago than their own `maxLifetimeHours`, of which null and 0 mean 24. 1 statement.
	 *
	 * @example
	 * for (const { id, projectName } of await db.workspaces.listPastLifetime()) {
	 *   if (await db.workspaces.setStatus(id, "stopping")) console.log(`${projectName} has run for long enough`);
	 * }
	 */
	listPastLifetime(): Promise<Workspace[]> {
		return execute(this, statements.PAST_LIFETIME);
	}

	/**
	 * The password of the workspace's code-server; null if there is none, or no such workspace. 1 statement.
	 *
	 * @example
	 * const secret = await db.workspaces.findCodeServerPassword(id);
	 * const password = secret && decrypt(secret.encrypted, secret.iv);
	 */
	async findCodeServerPassword(id: number): Promise<EncryptedSecret | null> {
		const [workspace] = await execute(this, statements.CODE_SERVER_PASSWORD, { id });
		return EncryptedSecret.of(workspace?.codeServerPasswordEncrypted, workspace?.codeServerPasswordIv);
	}

	/**
	 * Deletes the workspace and its previews; its log stays. Returns whether it was there. 1 statement.
	 *
	 * @example
	 * await docker.remove(container.name);
	 * if (!(await db.workspaces.deleteById(id))) return res.status(404).end();
	 */
	async deleteById(id: number): Promise<boolean> {
		const { affected } = await execute(this, statements.DELETE, { id });
		return affected > 0;
	}
}
