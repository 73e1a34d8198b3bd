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

/** The columns that routing a request to a container needs. */
export type WorkspaceRoute = Pick<Workspace, "id" | "userId" | "containerId" | "status">;

/** Which start failed. */
export interface FailedStart {
	/** The port that the caller claimed for it; left out: whichever start, stop or run it was. */
	port?: number | undefined;
}

const CREATE_NAMES = ["userId", "projectName", "cpuLimit", "ramLimit", "diskLimit", "idleTimeoutMinutes"];
const START_NAMES = ["containerId", "containerName", "codeServerPasswordEncrypted", "codeServerPasswordIv"];
const RESOURCE_NAMES = ["cpuLimit", "ramLimit", "idleTimeoutMinutes"];
const { entityName } = Workspace;

/** Workspaces, and all that the dashboard does with them. */
export class WorkspaceRepository extends Repository<Workspace> {
	/** On a DataSource, or in a transaction by its manager. */
	static from<Result extends WorkspaceRepository>(
		this: RepositoryClass<typeof Workspace, Result>,
		source: RepositorySource,
	): Result {
		return new this(Workspace, managerOf(source));
	}

	/** The workspace, or null. 1 statement. */
	async findById(id: number): Promise<Workspace | null> {
		const [workspace] = await execute(this, statements.BY_ID, { id });
		return workspace ?? null;
	}

	/** The user's workspace for the project, or null. 1 statement. */
	async findByUserAndProject(userId: number, projectName: string): Promise<Workspace | null> {
		const [workspace] = await execute(this, statements.BY_USER_AND_PROJECT, { userId, projectName });
		return workspace ?? null;
	}

	/**
	 * What routing needs of every workspace for a project of that name: different users may have one each. The other
	 * properties are not loaded. 1 statement.
	 */
	listRoutesByProject(projectName: string): Promise<WorkspaceRoute[]> {
		return execute(this, statements.BY_PROJECT, { projectName });
	}

	/** All of a user's workspaces, newest first. 1 statement. */
	async listByUser(userId: number): Promise<Workspace[]> {
		return latestFirst(await execute(this, statements.OF_USER, { userId }), (workspace) => workspace.createdAt);
	}

	/** How many workspaces a user has. 1 statement. */
	async countByUser(userId: number): Promise<number> {
		const [row] = await execute(this, statements.COUNT_OF_USER, { userId });
		return Number(row?.count);
	}

	/** All running, with the owner's `username` and `systemUsername` in `user`, latest start first. 1 statement. */
	async listRunning(): Promise<WithOwner<Workspace>[]> {
		return latestFirst(
			(await execute(this, statements.RUNNING)) as WithOwner<Workspace>[],
			(workspace) => workspace.startedAt,
		);
	}

	/** All running, starting or stopping, with the owner's names in `user`, latest start first. 1 statement. */
	async listActive(): Promise<WithOwner<Workspace>[]> {
		return latestFirst(
			(await execute(this, statements.ACTIVE)) as WithOwner<Workspace>[],
			(workspace) => workspace.startedAt,
		);
	}

	/** All running or starting: those that should have a container. 1 statement. */
	listWithContainer(): Promise<Workspace[]> {
		return execute(this, statements.WITH_CONTAINER);
	}

	/**
	 * All that a restart has to compare with Docker, each then to be reconciled: every workspace that is neither stopped
	 * nor failed, or that holds a container or a port. 1 statement.
	 */
	listUnsettled(): Promise<Workspace[]> {
		return execute(this, statements.UNSETTLED);
	}

	/**
	 * Makes a stopped workspace unless the user has as many as `max_workspaces` allows, however many calls come at once,
	 * and returns its id. In a caller's transaction, which should be short, other creations and claims of ports wait for
	 * its end. 1 statement, which commits itself.
	 *
	 * @throws LimitReachedError, AlreadyExistsError, NotFoundError (of the user), ValueTooLongError, InvalidValueError,
	 * BusyError, IdsExhaustedError
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
	 */
	async setStatus(id: number, status: WorkspaceStatus): Promise<boolean> {
		if (!WORKSPACE_STATUSES.includes(status)) {
			throw new InvalidValueError(entityName, "status", `one of ${WORKSPACE_STATUSES.join(", ")}`);
		}
		return statements.LIFE_CYCLE.transitionTo(this, statements.SET_STATUS[status], { id }, { to: status });
	}

	/**
	 * Makes a starting workspace running, in its container and with the port that it holds; start and last activity are
	 * now. Returns whether it changed: false where it runs in that container already. 1 statement.
	 *
	 * @throws InvalidTransitionError if it is not starting; NotFoundError, ValueTooLongError, InvalidValueError
	 */
	async markRunning(id: number, started: StartedWorkspace): Promise<boolean> {
		checkNames(entityName, started, START_NAMES);
		const { containerId, containerName, codeServerPasswordEncrypted, codeServerPasswordIv } = started;
		const values = { id, containerId, containerName, codeServerPasswordEncrypted, codeServerPasswordIv };
		return statements.LIFE_CYCLE.transitionTo(this, statements.RUN, values, { to: "running" });
	}

	/**
	 * Makes a workspace stopped, whatever its status is: without container id, start and port, which is free from then
	 * on. Returns whether it changed. 1 statement.
	 *
	 * @throws NotFoundError
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
	 */
	async markFailed(id: number, errorMessage: string, start: FailedStart = {}): Promise<boolean> {
		checkNames(entityName, start, ["port"]);
		const { port = null } = start;
		return statements.LIFE_CYCLE.changeExisting(this, statements.FAIL, { id, errorMessage, port });
	}

	/**
	 * Makes all running and starting ones stopping, when the dashboard shuts down, and returns how many. Those that are
	 * not stopped before it ends are in `listUnsettled` at the next start. 1 statement.
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
	 */
	async reconcile(id: number, observation: Observation): Promise<boolean> {
		const { running, ...container } = observed(entityName, observation);
		if (!running) return statements.LIFE_CYCLE.changeExisting(this, statements.RECONCILE_STOPPED, { id });
		return statements.LIFE_CYCLE.changeExisting(this, statements.RECONCILE_RUNNING, { id, ...container });
	}

	/**
	 * Makes a running workspace stopping if it is still idle, and returns whether it did: false also where it was used,
	 * stopped or deleted since it was listed. 1 statement.
	 */
	async beginIdleStop(id: number): Promise<boolean> {
		const { affected } = await execute(this, statements.BEGIN_IDLE_STOP, { id });
		return affected > 0;
	}

	/**
	 * Changes what is given and leaves the rest. 1 statement.
	 *
	 * @throws NotFoundError, ValueTooLongError, InvalidValueError
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
	 */
	async heartbeat(id: number, ...user: [userId?: number]): Promise<void> {
		const { LIFE_CYCLE, HEARTBEAT, HEARTBEAT_OF_NOBODY } = statements;
		if (user.length === 0) await LIFE_CYCLE.changeExisting(this, HEARTBEAT_OF_NOBODY, { id });
		else await LIFE_CYCLE.changeExisting(this, HEARTBEAT, { id, lastAccessedBy: user[0] as number });
	}

	/**
	 * Running ones without activity for longer than their own `idleTimeoutMinutes`, of which null and 0 mean 30; without
	 * any since their start. `beginIdleStop` stops one of them. 1 statement.
	 */
	listIdle(): Promise<Workspace[]> {
		return execute(this, statements.IDLE);
	}

	/** Running ones that started longer ago than their own `maxLifetimeHours`, of which null and 0 mean 24. 1 statement. */
	listPastLifetime(): Promise<Workspace[]> {
		return execute(this, statements.PAST_LIFETIME);
	}

	/** The password of the workspace's code-server; null if there is none, or no such workspace. 1 statement. */
	async findCodeServerPassword(id: number): Promise<EncryptedSecret | null> {
		const [workspace] = await execute(this, statements.CODE_SERVER_PASSWORD, { id });
		return EncryptedSecret.of(workspace?.codeServerPasswordEncrypted, workspace?.codeServerPasswordIv);
	}

	/** Deletes the workspace and its previews; its log stays. Returns whether it was there. 1 statement. */
	async deleteById(id: number): Promise<boolean> {
		const { affected } = await execute(this, statements.DELETE, { id });
		return affected > 0;
	}
}
