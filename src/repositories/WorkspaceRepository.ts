import { Repository } from "typeorm";
import { Workspace } from "../entities";
import { WORKSPACE_STATUSES, type WorkspaceStatus } from "../entities/enums";
import { AlreadyExistsError, InvalidValueError, LimitReachedError } from "../errors";
import { EncryptedSecret } from "./EncryptedSecret";
import { insertWithinLimit } from "./effectiveLimits";
import { latestFirst } from "./order";
import { ResourceLimitRepository } from "./ResourceLimitRepository";
import { managerOf, type RepositorySource } from "./source";
import { run } from "./sql";
import { changeExisting, transition } from "./transitions";
import * as statements from "./workspaceStatements";

/** What a new workspace is made of; what is left out is the user's effective limit. */
export interface NewWorkspace {
	userId: number;
	projectName: string;
	cpuLimit?: string;
	ramLimit?: string;
	diskLimit?: string;
	idleTimeoutMinutes?: number;
}

/** What a container that has started is known by. */
export interface StartedWorkspace {
	containerId: string;
	containerName: string;
	/** The password of code-server, as the dashboard encrypted it. */
	codeServerPasswordEncrypted: Buffer;
	codeServerPasswordIv: Buffer;
}

/** What an owner may change; what is left out stays as it is. */
export interface WorkspaceResources {
	cpuLimit?: string;
	ramLimit?: string;
	idleTimeoutMinutes?: number;
}

/** The columns that routing a request to a container needs. */
export type WorkspaceRoute = Pick<Workspace, "id" | "userId" | "containerId" | "status">;

/** Workspaces, and all that the dashboard does with them. */
export class WorkspaceRepository extends Repository<Workspace> {
	/** On a DataSource, or in a transaction by its manager. */
	static from(source: RepositorySource): WorkspaceRepository {
		return new WorkspaceRepository(Workspace, managerOf(source));
	}

	/** The workspace, or null. 1 statement. */
	async findById(id: number): Promise<Workspace | null> {
		const [workspace] = await run(this, statements.BY_ID, { id });
		return workspace ?? null;
	}

	/** The user's workspace for the project, or null. 1 statement. */
	async findByUserAndProject(userId: number, projectName: string): Promise<Workspace | null> {
		const [workspace] = await run(this, statements.BY_USER_AND_PROJECT, { userId, projectName });
		return workspace ?? null;
	}

	/**
	 * What routing needs of every workspace for a project of that name: different users may have one each. The other
	 * properties are not loaded. 1 statement.
	 */
	listRoutesByProject(projectName: string): Promise<WorkspaceRoute[]> {
		return run(this, statements.BY_PROJECT, { projectName });
	}

	/** All of a user's workspaces, newest first. 1 statement. */
	async listByUser(userId: number): Promise<Workspace[]> {
		return latestFirst(await run(this, statements.OF_USER, { userId }), (workspace) => workspace.createdAt);
	}

	/** How many workspaces a user has. 1 statement. */
	async countByUser(userId: number): Promise<number> {
		const [row] = await run(this, statements.COUNT_OF_USER, { userId });
		return Number(row?.count);
	}

	/** All running, with the owner's `username` and `systemUsername` in `user`, latest start first. 1 statement. */
	async listRunning(): Promise<Workspace[]> {
		return latestFirst(await run(this, statements.RUNNING), (workspace) => workspace.startedAt);
	}

	/** All running, starting or stopping, with the owner's names in `user`, latest start first. 1 statement. */
	async listActive(): Promise<Workspace[]> {
		return latestFirst(await run(this, statements.ACTIVE), (workspace) => workspace.startedAt);
	}

	/** All running or starting: those that should have a container. 1 statement. */
	listWithContainer(): Promise<Workspace[]> {
		return run(this, statements.WITH_CONTAINER);
	}

	/**
	 * Makes a stopped workspace unless the user has as many as `max_workspaces` allows, however many calls come at once,
	 * and returns its id. Between the check and the end of the transaction other creations and claims of ports wait, so
	 * that a caller's own transaction should be short. 1 statement.
	 *
	 * @throws LimitReachedError, AlreadyExistsError, NotFoundError (of the user), ValueTooLongError, InvalidValueError
	 */
	createWithinLimit(workspace: NewWorkspace): Promise<number> {
		const { userId, projectName, cpuLimit = null, ramLimit = null, diskLimit = null } = workspace;
		const { idleTimeoutMinutes = null } = workspace;
		const values = { userId, projectName, cpuLimit, ramLimit, diskLimit, idleTimeoutMinutes };
		return insertWithinLimit(
			this,
			() => run(this, statements.CREATE, values),
			() => this.#refusal(userId, projectName),
		);
	}

	async #refusal(userId: number, projectName: string): Promise<Error> {
		const existing = await this.findByUserAndProject(userId, projectName);
		if (existing) return new AlreadyExistsError(Workspace.name, ["userId", "projectName"]);
		const { maxWorkspaces } = await ResourceLimitRepository.from(this.manager).findEffective(userId);
		return new LimitReachedError(Workspace.name, maxWorkspaces);
	}

	/**
	 * Sets the status, and what goes with it: `starting` clears the message of a failure, `running` sets the start and
	 * the last activity to now, `stopped` clears container id, port and start. `PortRepository.claimForWorkspace` starts
	 * with a port. 1 statement.
	 *
	 * @throws InvalidTransitionError if the status is none of `WORKSPACE_TRANSITIONS[status]`; NotFoundError,
	 * InvalidValueError
	 */
	async setStatus(id: number, status: WorkspaceStatus): Promise<void> {
		if (!WORKSPACE_STATUSES.includes(status)) {
			throw new InvalidValueError(Workspace.name, "status", `one of ${WORKSPACE_STATUSES.join(", ")}`);
		}
		await transition(this, statements.STATEFUL, statements.SET_STATUS[status], { id }, status);
	}

	/**
	 * Makes a starting workspace running, in its container and with the port that it holds; start and last activity are
	 * now. 1 statement.
	 *
	 * @throws InvalidTransitionError if it is not starting; NotFoundError, ValueTooLongError, InvalidValueError
	 */
	async markRunning(id: number, started: StartedWorkspace): Promise<void> {
		const { containerId, containerName, codeServerPasswordEncrypted, codeServerPasswordIv } = started;
		const values = { id, containerId, containerName, codeServerPasswordEncrypted, codeServerPasswordIv };
		await transition(this, statements.STATEFUL, statements.RUN, values, "running");
	}

	/**
	 * Makes a workspace stopped: without container id, start and port, which is free from then on. 1 statement.
	 *
	 * @throws InvalidTransitionError if it is stopped already; NotFoundError
	 */
	markStopped(id: number): Promise<void> {
		return this.setStatus(id, "stopped");
	}

	/**
	 * Records that starting, running or stopping failed. Container and port stay, since the container may still be
	 * there: stopping it frees them. 1 statement.
	 *
	 * @param errorMessage at most 65,535 bytes
	 * @throws InvalidTransitionError if it is stopped or failed before; NotFoundError, ValueTooLongError
	 */
	async markFailed(id: number, errorMessage: string): Promise<void> {
		await transition(this, statements.STATEFUL, statements.FAIL, { id, errorMessage }, "error");
	}

	/** Makes all running and starting ones stopping, when the dashboard shuts down, and returns how many. 1 statement. */
	async markAllStopping(): Promise<number> {
		const { affected } = await run(this, statements.STOP_ALL);
		return affected;
	}

	/**
	 * Changes what is given and leaves the rest. 1 statement.
	 *
	 * @throws NotFoundError, ValueTooLongError, InvalidValueError
	 */
	async changeResources(id: number, resources: WorkspaceResources): Promise<void> {
		const { cpuLimit = null, ramLimit = null, idleTimeoutMinutes = null } = resources;
		await changeExisting(this, statements.STATEFUL, statements.CHANGE_RESOURCES, {
			id,
			cpuLimit,
			ramLimit,
			idleTimeoutMinutes,
		});
	}

	/**
	 * Records that the user is active in the workspace now. 1 statement.
	 *
	 * @throws NotFoundError of the workspace or the user
	 */
	async heartbeat(id: number, userId: number): Promise<void> {
		await changeExisting(this, statements.STATEFUL, statements.HEARTBEAT, { id, lastAccessedBy: userId });
	}

	/**
	 * Running ones without activity for longer than their own `idleTimeoutMinutes`; without any since their start. One
	 * without a timeout is never idle. 1 statement.
	 */
	listIdle(): Promise<Workspace[]> {
		return run(this, statements.IDLE);
	}

	/** Running ones that started longer ago than their own `maxLifetimeHours`. 1 statement. */
	listPastLifetime(): Promise<Workspace[]> {
		return run(this, statements.PAST_LIFETIME);
	}

	/** The password of the workspace's code-server; null if there is none, or no such workspace. 1 statement. */
	async findCodeServerPassword(id: number): Promise<EncryptedSecret | null> {
		const [workspace] = await run(this, statements.CODE_SERVER_PASSWORD, { id });
		return EncryptedSecret.of(workspace?.codeServerPasswordEncrypted, workspace?.codeServerPasswordIv);
	}

	/** Deletes the workspace and its previews; its log stays. Returns whether it was there. 1 statement. */
	async deleteById(id: number): Promise<boolean> {
		const { affected } = await run(this, statements.DELETE, { id });
		return affected > 0;
	}
}
