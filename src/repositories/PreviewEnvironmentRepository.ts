import { Repository } from "typeorm";
import { PreviewEnvironment, Workspace } from "../entities";
import { LimitReachedError, NotFoundError } from "../errors";
import { insertWithinLimit } from "./effectiveLimits";
import { earliestFirst } from "./order";
import * as statements from "./previewStatements";
import { ResourceLimitRepository } from "./ResourceLimitRepository";
import { managerOf, type RepositorySource } from "./source";
import { run } from "./sql";
import { transition } from "./transitions";

/** What a new preview is made of. */
export interface NewPreview {
	workspaceId: number;
	/** Whose limits count. */
	userId: number;
	previewHash: string;
	/** Left out: as many hours from now as the user's effective limits say. */
	expiresAt?: Date;
	/** The hash of the password that visitors give; left out: none. */
	passwordHash?: string | null;
}

/** What a preview's container that has started is known by. */
export interface StartedPreview {
	containerId: string;
	containerName: string;
	previewUrl: string;
}

/** Preview environments, and all that the dashboard does with them. */
export class PreviewEnvironmentRepository extends Repository<PreviewEnvironment> {
	/** On a DataSource, or in a transaction by its manager. */
	static from(source: RepositorySource): PreviewEnvironmentRepository {
		return new PreviewEnvironmentRepository(PreviewEnvironment, managerOf(source));
	}

	/** The preview, or null. 1 statement. */
	async findById(id: number): Promise<PreviewEnvironment | null> {
		const [preview] = await run(this, statements.BY_ID, { id });
		return preview ?? null;
	}

	/** The preview if it is that user's, or null. 1 statement. */
	async findByIdAndUser(id: number, userId: number): Promise<PreviewEnvironment | null> {
		const [preview] = await run(this, statements.BY_ID_AND_USER, { id, userId });
		return preview ?? null;
	}

	/** The preview behind a public URL, or null. 1 statement. */
	async findByHash(previewHash: string): Promise<PreviewEnvironment | null> {
		const [preview] = await run(this, statements.BY_HASH, { previewHash });
		return preview ?? null;
	}

	/** The same with `passwordHash`, which a visitor's password has to be checked against. 1 statement. */
	async findByHashWithPassword(previewHash: string): Promise<PreviewEnvironment | null> {
		const [preview] = await run(this, statements.BY_HASH_WITH_PASSWORD, { previewHash });
		return preview ?? null;
	}

	/** A user's previews of a workspace, newest first, history included. 1 statement. */
	listByWorkspaceAndUser(workspaceId: number, userId: number): Promise<PreviewEnvironment[]> {
		return run(this, statements.OF_WORKSPACE_AND_USER, { workspaceId, userId });
	}

	/** The previews of each of the workspaces, newest first, history included. 1 statement; none for no workspace. */
	async listByWorkspaces(workspaceIds: readonly number[]): Promise<Map<number, PreviewEnvironment[]>> {
		const found = new Map<number, PreviewEnvironment[]>(workspaceIds.map((id) => [id, []]));
		if (!found.size) return found;
		for (const preview of await run(this, statements.OF_WORKSPACES, { workspaceIds }))
			found.get(preview.workspaceId)?.push(preview);
		return found;
	}

	/** How many previews of a workspace are creating or running. 1 statement. */
	async countActive(workspaceId: number): Promise<number> {
		const counts = await this.countActiveByWorkspaces([workspaceId]);
		return counts.get(workspaceId) ?? 0;
	}

	/** The same for each of the workspaces. 1 statement; none for no workspace. */
	async countActiveByWorkspaces(workspaceIds: readonly number[]): Promise<Map<number, number>> {
		const counts = new Map<number, number>(workspaceIds.map((id) => [id, 0]));
		if (!counts.size) return counts;
		for (const row of await run(this, statements.COUNT_ACTIVE, { workspaceIds }))
			counts.set(row.workspaceId, Number(row.count));
		return counts;
	}

	/** All creating or running, with the owner's names in `user`, soonest expiry first. 1 statement. */
	async listActive(): Promise<PreviewEnvironment[]> {
		return earliestFirst(await run(this, statements.ACTIVE), (preview) => preview.expiresAt);
	}

	/** Those past their expiry that are still creating or running, oldest expiry first. 1 statement. */
	async listExpired(): Promise<PreviewEnvironment[]> {
		return earliestFirst(await run(this, statements.EXPIRED), (preview) => preview.expiresAt);
	}

	/**
	 * Makes a creating preview unless the workspace has as many active ones as the user's limits allow, however many calls
	 * come at once, and returns its id. The project is the workspace's. As for workspaces, a caller's own transaction
	 * should be short. 1 statement.
	 *
	 * @throws LimitReachedError, AlreadyExistsError (the hash), NotFoundError (of the workspace or the user),
	 * ValueTooLongError, InvalidValueError
	 */
	createWithinLimit(preview: NewPreview): Promise<number> {
		const { workspaceId, userId, previewHash, expiresAt, passwordHash = null } = preview;
		const values = { workspaceId, userId, previewHash, expiresAt, passwordHash };
		const statement = expiresAt === undefined ? statements.CREATE_FOR_DEFAULT_LIFETIME : statements.CREATE;
		return insertWithinLimit(
			this,
			() => run(this, statement, values),
			() => this.#refusal(workspaceId, userId),
		);
	}

	async #refusal(workspaceId: number, userId: number): Promise<Error> {
		const workspace = await this.manager.existsBy(Workspace, { id: workspaceId });
		if (!workspace) return new NotFoundError(Workspace.name);
		const limits = await ResourceLimitRepository.from(this.manager).findEffective(userId);
		return new LimitReachedError(PreviewEnvironment.name, limits.maxPreviewsPerWorkspace);
	}

	/**
	 * Makes a creating preview running, in its container and with the port that it holds. 1 statement.
	 *
	 * @throws InvalidTransitionError if it is not creating; NotFoundError, ValueTooLongError, InvalidValueError
	 */
	async markRunning(id: number, { containerId, containerName, previewUrl }: StartedPreview): Promise<void> {
		await transition(
			this,
			statements.STATEFUL,
			statements.RUN,
			{ id, containerId, containerName, previewUrl },
			"running",
		);
	}

	/**
	 * Records that creating, running or stopping failed; container and port stay until it is stopped. 1 statement.
	 *
	 * @param errorMessage at most 65,535 bytes
	 * @throws InvalidTransitionError if it has ended or failed before; NotFoundError, ValueTooLongError
	 */
	async markFailed(id: number, errorMessage: string): Promise<void> {
		await transition(this, statements.STATEFUL, statements.FAIL, { id, errorMessage }, "error");
	}

	/**
	 * Makes a creating, running or failed preview stopping. 1 statement.
	 *
	 * @throws InvalidTransitionError if it is stopping or has ended; NotFoundError
	 */
	async markStopping(id: number): Promise<void> {
		await transition(this, statements.STATEFUL, statements.BEGIN_STOP, { id }, "stopping");
	}

	/**
	 * Makes a preview stopped: without container id and port, which is free from then on. 1 statement.
	 *
	 * @throws InvalidTransitionError if it has ended; NotFoundError
	 */
	async markStopped(id: number): Promise<void> {
		await transition(this, statements.STATEFUL, statements.STOP, { id }, "stopped");
	}

	/**
	 * Sets when a creating or running preview expires. 1 statement.
	 *
	 * @throws InvalidTransitionError if it is neither; NotFoundError, InvalidValueError
	 */
	async extendExpiry(id: number, expiresAt: Date): Promise<void> {
		await transition(this, statements.STATEFUL, statements.EXTEND, { id, expiresAt }, "extended");
	}

	/**
	 * Makes a preview expired whose time is over: without container id and port; the row stays as history. One whose
	 * expiry was extended since it was listed stays as it is. 1 statement.
	 *
	 * @throws InvalidTransitionError if it is not active or its time is not over; NotFoundError
	 */
	async markExpired(id: number): Promise<void> {
		await transition(
			this,
			statements.STATEFUL,
			statements.EXPIRE,
			{ id },
			"expired",
			"only an active preview whose time is over can",
		);
	}

	/** Deletes the preview and returns whether it was there. 1 statement. */
	async deleteById(id: number): Promise<boolean> {
		const { affected } = await run(this, statements.DELETE, { id });
		return affected > 0;
	}
}
