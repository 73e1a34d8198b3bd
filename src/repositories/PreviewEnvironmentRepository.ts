import { Repository } from "typeorm";
import { PreviewEnvironment, Workspace } from "../entities";
import { InvalidTransitionError, InvalidValueError, LimitReachedError, NotFoundError } from "../errors";
import { executeLocked } from "./globalRow";
import { type Observation, observed } from "./observation";
import { earliestFirst, highestIdFirst } from "./order";
import * as statements from "./previewStatements";
import { ResourceLimitRepository } from "./ResourceLimitRepository";
import { managerOf, type RepositoryClass, type RepositorySource, type WithOwner } from "./source";
import { checkNames, execute, refusal } from "./sql";
import { runningWith } from "./transitions";
import type { OwnStart } from "./WorkspaceRepository";

/** What a new preview is made of; `userId` is whose limits count. */
export interface NewPreview extends Pick<PreviewEnvironment, "workspaceId" | "userId" | "previewHash"> {
	/** Left out: as many hours from now as the user's effective limits say. */
	expiresAt?: PreviewEnvironment["expiresAt"] | undefined;
	/** The hash of the password that visitors give; left out: none. */
	passwordHash?: PreviewEnvironment["passwordHash"] | undefined;
}

/** What a preview's container that has started is known by. */
export type StartedPreview = {
	[Key in "containerId" | "containerName" | "previewUrl"]: NonNullable<PreviewEnvironment[Key]>;
};

/** By how much an expiry is put off. */
export interface Extension {
	/** A whole number, at least 1. */
	hours: number;
}

const CREATE_NAMES = ["workspaceId", "userId", "previewHash", "expiresAt", "passwordHash"];
const START_NAMES = ["containerId", "containerName", "previewUrl"];
const { entityName } = PreviewEnvironment;

/**
 * Preview environments, and all that the dashboard does with them.
 *
 * @example
 * const previews = PreviewEnvironmentRepository.from(dataSource);
 * const preview = await previews.findByHash("3f2a9c");
 */
export class PreviewEnvironmentRepository extends Repository<PreviewEnvironment> {
	/**
	 * On a DataSource, or in a transaction by its manager.
	 *
	 * @example
	 * await dataSource.transaction(async (manager) => {
	 *   await PreviewEnvironmentRepository.from(manager).deleteById(previewId);
	 *   await WorkspaceLogRepository.from(manager).append({ userId, projectName: "shop", action: "preview_delete" });
	 * });
	 */
	static from<Result extends PreviewEnvironmentRepository>(
		this: RepositoryClass<typeof PreviewEnvironment, Result>,
		source: RepositorySource,
	): Result {
		return new this(PreviewEnvironment, managerOf(source));
	}

	/**
	 * The preview, or null. 1 statement.
	 *
	 * @example
	 * const preview = await db.previews.findById(previewId);
	 * res.json({ url: preview?.previewUrl, expires: preview?.expiresAt });
	 */
	async findById(id: number): Promise<PreviewEnvironment | null> {
		const [preview] = await execute(this, statements.BY_ID, { id });
		return preview ?? null;
	}

	/**
	 * The preview if it is that user's, or null. 1 statement.
	 *
	 * @example
	 * const preview = await db.previews.findByIdAndUser(Number(req.params.preview), req.user.id);
	 * if (!preview) return res.status(404).end();   // also where it is somebody else's
	 */
	async findByIdAndUser(id: number, userId: number): Promise<PreviewEnvironment | null> {
		const [preview] = await execute(this, statements.BY_ID_AND_USER, { id, userId });
		return preview ?? null;
	}

	/**
	 * The preview behind a public URL, or null. 1 statement.
	 *
	 * @example
	 * const preview = await db.previews.findByHash(req.params.hash ?? "");
	 * if (preview?.status !== "running") return res.status(404).end();
	 */
	async findByHash(previewHash: string): Promise<PreviewEnvironment | null> {
		const [preview] = await execute(this, statements.BY_HASH, { previewHash });
		return preview ?? null;
	}

	/**
	 * The same with `passwordHash`, which a visitor's password has to be checked against. 1 statement.
	 *
	 * @example
	 * const preview = await db.previews.findByHashWithPassword(req.params.hash ?? "");
	 * const { passwordHash } = preview ?? {};
	 * if (passwordHash && !(await compare(req.body.password, passwordHash))) return res.status(401).end();
	 */
	async findByHashWithPassword(previewHash: string): Promise<PreviewEnvironment | null> {
		const [preview] = await execute(this, statements.BY_HASH_WITH_PASSWORD, { previewHash });
		return preview ?? null;
	}

	/**
	 * A user's previews of a workspace, newest first, history included. 1 statement.
	 *
	 * @example
	 * const previews = await db.previews.listByWorkspaceAndUser(workspaceId, req.user.id);
	 * const ended = previews.filter(({ status }) => status === "stopped" || status === "expired");
	 */
	async listByWorkspaceAndUser(workspaceId: number, userId: number): Promise<PreviewEnvironment[]> {
		return highestIdFirst(await execute(this, statements.OF_WORKSPACE_AND_USER, { workspaceId, userId }));
	}

	/**
	 * The previews of each of the workspaces, only those of a user if `userId` is given, newest first, history included.
	 * An undefined `userId` is refused, so that no mistake shows somebody else's. 1 statement; none for no workspace.
	 *
	 * @example
	 * const workspaces = await db.workspaces.listByUser(userId);
	 * const previews = await db.previews.listByWorkspaces(workspaces.map((workspace) => workspace.id), userId);
	 * for (const { id, projectName } of workspaces) console.log(projectName, previews.get(id)?.length);
	 */
	async listByWorkspaces(
		workspaceIds: readonly number[],
		...user: [userId?: number]
	): Promise<Map<number, PreviewEnvironment[]>> {
		const found = new Map<number, PreviewEnvironment[]>(workspaceIds.map((id) => [id, []]));
		if (!found.size) return found;
		const previews =
			user.length === 0
				? await execute(this, statements.OF_WORKSPACES, { workspaceIds })
				: await execute(this, statements.OF_WORKSPACES_AND_USER, { workspaceIds, userId: user[0] as number });
		for (const preview of highestIdFirst(previews)) found.get(preview.workspaceId)?.push(preview);
		return found;
	}

	/**
	 * How many previews of a workspace are creating or running, only those of a user if `userId` is given. 1 statement.
	 *
	 * @example
	 * const count = await db.previews.countActive(workspaceId);
	 * res.render("workspace", { previews: `${count} active` });
	 */
	async countActive(workspaceId: number, ...user: [userId?: number]): Promise<number> {
		const counts = await this.countActiveByWorkspaces([workspaceId], ...user);
		return counts.get(workspaceId) ?? 0;
	}

	/**
	 * The same for each of the workspaces. 1 statement; none for no workspace.
	 *
	 * @example
	 * const counts = await db.previews.countActiveByWorkspaces([7, 8]);
	 * console.log(counts.get(7), counts.get(8));   // 2 0
	 */
	async countActiveByWorkspaces(
		workspaceIds: readonly number[],
		...user: [userId?: number]
	): Promise<Map<number, number>> {
		const counts = new Map<number, number>(workspaceIds.map((id) => [id, 0]));
		if (!counts.size) return counts;
		const rows =
			user.length === 0
				? await execute(this, statements.COUNT_ACTIVE, { workspaceIds })
				: await execute(this, statements.COUNT_ACTIVE_OF_USER, { workspaceIds, userId: user[0] as number });
		for (const row of rows) counts.set(row.workspaceId, Number(row.count));
		return counts;
	}

	/**
	 * All creating or running, with the owner's names in `user`, soonest expiry first. 1 statement.
	 *
	 * @example
	 * for (const { previewUrl, user, expiresAt } of await db.previews.listActive()) {
	 *   console.log(`${previewUrl} of ${user.username} until ${expiresAt.toISOString()}`);
	 * }
	 */
	async listActive(): Promise<WithOwner<PreviewEnvironment>[]> {
		return earliestFirst(
			(await execute(this, statements.ACTIVE)) as WithOwner<PreviewEnvironment>[],
			(preview) => preview.expiresAt,
		);
	}

	/**
	 * Those past their expiry that are still creating or running, oldest expiry first. `beginExpiry` takes one of them. 1
	 * statement.
	 *
	 * @example
	 * for (const { id, containerId } of await db.previews.listExpired()) {
	 *   if (!(await db.previews.beginExpiry(id))) continue;   // extended since it was listed
	 *   if (containerId) await docker.remove(containerId);
	 *   await db.previews.markExpired(id);
	 * }
	 */
	async listExpired(): Promise<PreviewEnvironment[]> {
		return earliestFirst(await execute(this, statements.EXPIRED), (preview) => preview.expiresAt);
	}

	/**
	 * All that a restart has to compare with Docker, each then to be reconciled: every preview that has neither ended nor
	 * failed, or that holds a container or a port. 1 statement.
	 *
	 * @example
	 * const ids = new Set((await docker.list()).map((container) => container.id));
	 * for (const { id, containerId } of await db.previews.listUnsettled()) {
	 *   await db.previews.reconcile(id, { running: ids.has(containerId ?? "") });
	 * }
	 */
	listUnsettled(): Promise<PreviewEnvironment[]> {
		return execute(this, statements.UNSETTLED);
	}

	/**
	 * Makes a creating preview unless the workspace has as many active ones as the user's limits allow, however many calls
	 * come at once, and returns its id. The project is the workspace's. A caller's own transaction should be short, as for
	 * workspaces. 1 statement, which commits itself.
	 *
	 * @param preview `previewHash`: at most 32 characters; `passwordHash`: at most 255; `expiresAt`: before 2038-01-19
	 * @throws LimitReachedError, AlreadyExistsError (the hash), NotFoundError (of the workspace or the user),
	 * ValueTooLongError, InvalidValueError, BusyError, IdsExhaustedError
	 *
	 * @example
	 * const previewHash = randomBytes(16).toString("hex");
	 * const expiresAt = new Date(Date.now() + 2 * 3_600_000);   // left out: what the limits say
	 * const id = await db.previews.createWithinLimit({ workspaceId, userId, previewHash, expiresAt });
	 */
	async createWithinLimit(preview: NewPreview): Promise<number> {
		checkNames(entityName, preview, CREATE_NAMES);
		const { workspaceId, userId, previewHash, expiresAt, passwordHash = null } = preview;
		const values = { workspaceId, userId, previewHash, passwordHash };
		const { affected, reported } =
			expiresAt === undefined
				? await executeLocked(this, statements.CREATE_FOR_DEFAULT_LIFETIME, values)
				: await executeLocked(this, statements.CREATE, { ...values, expiresAt });
		if (affected) return reported;
		const workspace = await this.manager.existsBy(Workspace, { id: workspaceId });
		if (!workspace) throw new NotFoundError(Workspace.entityName);
		const limits = await ResourceLimitRepository.from(this.manager).findEffective(userId);
		throw new LimitReachedError(entityName, limits.maxPreviewsPerWorkspace);
	}

	/**
	 * Makes a creating preview running, in its container and with the port that it holds. With the `port` of the caller's
	 * own start only while the preview still holds that port. Returns whether it changed: false where it runs in that
	 * container already. 1 statement.
	 *
	 * @param started `containerId`: at most 64 characters; `containerName`: at most 100; `previewUrl`: at most 255
	 * @throws InvalidTransitionError if it is not creating, or holds another port; NotFoundError, ValueTooLongError,
	 * InvalidValueError
	 *
	 * @example
	 * const previewUrl = `https://${previewHash}.preview.example.com`;
	 * await db.previews.markRunning(previewId, { containerId: container.id, containerName: container.name, previewUrl });
	 */
	async markRunning(id: number, started: StartedPreview, start: OwnStart = {}): Promise<boolean> {
		checkNames(entityName, started, START_NAMES);
		checkNames(entityName, start, ["port"]);
		const { containerId, containerName, previewUrl } = started;
		const { port = null } = start;
		const values = { id, containerId, containerName, previewUrl, port };
		return statements.LIFE_CYCLE.transitionTo(this, statements.RUN, values, runningWith(port));
	}

	/**
	 * Records that something failed, whatever the status is. The port is given back unless a container is known, which
	 * may still use it: stopping the preview frees both. With the `port` of the caller's own start nothing happens unless
	 * the preview still holds that port. Returns whether it changed. 1 statement.
	 *
	 * @param errorMessage at most 65,535 bytes
	 * @throws NotFoundError, ValueTooLongError, InvalidValueError
	 *
	 * @example
	 * try {
	 *   await docker.run({ name: container.name, port });
	 * } catch (error) {
	 *   await docker.remove(container.name);
	 *   await db.previews.markFailed(previewId, `Could not start: ${error}`, { port });
	 * }
	 */
	async markFailed(id: number, errorMessage: string, start: OwnStart = {}): Promise<boolean> {
		checkNames(entityName, start, ["port"]);
		const { port = null } = start;
		return statements.LIFE_CYCLE.changeExisting(this, statements.FAIL, { id, errorMessage, port });
	}

	/**
	 * Makes a creating, running or failed preview stopping; container and port stay. Returns whether it changed: false
	 * where it is stopping already. 1 statement.
	 *
	 * @throws InvalidTransitionError if it has ended; NotFoundError
	 *
	 * @example
	 * await db.previews.markStopping(previewId);
	 * await docker.remove(container.name);
	 * await db.previews.markStopped(previewId);
	 */
	markStopping(id: number): Promise<boolean> {
		return statements.LIFE_CYCLE.transitionTo(this, statements.BEGIN_STOP, { id }, { to: "stopping" });
	}

	/**
	 * Makes a preview stopped: without container id and port, which is free from then on. Returns whether it changed:
	 * false where it is stopped already and holds nothing. 1 statement.
	 *
	 * @throws InvalidTransitionError if it has expired; NotFoundError
	 *
	 * @example
	 * if (await db.previews.markStopped(previewId)) console.log("Its port is free again");
	 */
	markStopped(id: number): Promise<boolean> {
		return statements.LIFE_CYCLE.transitionTo(this, statements.END, { id }, { to: "stopped" });
	}

	/**
	 * Takes a creating or running preview whose time is over to stopping, and returns whether it did: false also where its
	 * expiry was extended, or it was stopped or deleted, since it was listed. From then on it cannot be extended; it holds
	 * its container and port until `markExpired`. 1 statement.
	 *
	 * @example
	 * if (await db.previews.beginExpiry(previewId)) {
	 *   await docker.remove(container.name);
	 *   await db.previews.markExpired(previewId);
	 * }
	 */
	async beginExpiry(id: number): Promise<boolean> {
		const { affected } = await execute(this, statements.BEGIN_EXPIRY, { id });
		return affected > 0;
	}

	/**
	 * Makes a preview expired, once its container is gone: without container id and port; the row stays as history. It is
	 * stopping (see `beginExpiry`), or active with its time over. Returns whether it changed: false where it is expired
	 * already and holds nothing. 1 statement.
	 *
	 * @throws InvalidTransitionError if it is none of these; NotFoundError
	 *
	 * @example
	 * await docker.remove(container.name);
	 * await db.previews.markExpired(previewId);   // the row stays: `listByWorkspaceAndUser` shows it as history
	 */
	markExpired(id: number): Promise<boolean> {
		return statements.LIFE_CYCLE.transitionTo(
			this,
			statements.EXPIRE,
			{ id },
			{ to: "expired", reason: "only an active one whose time is over, or one that is being stopped, does" },
		);
	}

	/**
	 * Sets when a creating or running preview expires, and returns whether that is a change. 1 statement.
	 *
	 * @throws InvalidTransitionError if it is neither, for example because `beginExpiry` came first; NotFoundError,
	 * InvalidValueError
	 *
	 * @example
	 * const midnight = new Date(new Date().setUTCHours(24, 0, 0, 0));
	 * await db.previews.extendExpiry(previewId, midnight);
	 */
	extendExpiry(id: number, expiresAt: Date): Promise<boolean> {
		return statements.LIFE_CYCLE.transitionTo(this, statements.EXTEND, { id, expiresAt }, { to: "extended" });
	}

	/**
	 * Puts off the expiry of a creating or running preview by some hours, and returns the new one. Of calls at once each
	 * counts. 1 statement.
	 *
	 * @throws InvalidTransitionError if it is neither, for example because `beginExpiry` came first; NotFoundError;
	 * InvalidValueError also where the expiry would be after 2038-01-19, which no TIMESTAMP holds
	 *
	 * @example
	 * const expiresAt = await db.previews.extendBy(previewId, { hours: 24 });
	 * res.json({ expiresAt });
	 */
	async extendBy(id: number, extension: Extension): Promise<Date> {
		checkNames("Extension", extension, ["hours"]);
		const { hours } = extension;
		if (!Number.isInteger(hours) || hours < 1) throw refusal("Extension", "hours", "an integer of at least 1", hours);
		const { affected, reported } = await execute(this, statements.EXTEND_BY, { id, hours });
		if (affected) return new Date(reported * 1000);
		if (!reported) throw new NotFoundError(entityName);
		const from = statements.LIFE_CYCLE.statusOf(reported);
		if (from !== "creating" && from !== "running")
			throw new InvalidTransitionError(entityName, id, { from, to: "extended" });
		throw new InvalidValueError("Extension", "hours", "so few that the expiry is before 2038-01-19");
	}

	/**
	 * Makes a preview what Docker says, whatever its status is. With `running` it is running, in the container and with
	 * the port that are given, else with those that it has. Else it is stopped, or still expired: without container id and
	 * port. Returns whether it changed. 1 statement.
	 *
	 * @throws NotFoundError, ValueTooLongError, InvalidValueError
	 *
	 * @example
	 * const found = (await docker.list()).find(({ label }) => label === `preview-${previewId}`);
	 * await db.previews.reconcile(previewId, found ? { running: true, port: found.port } : { running: false });
	 */
	async reconcile(id: number, observation: Observation): Promise<boolean> {
		const { running, ...container } = observed(entityName, observation);
		if (!running) return statements.LIFE_CYCLE.changeExisting(this, statements.RECONCILE_STOPPED, { id });
		return statements.LIFE_CYCLE.changeExisting(this, statements.RECONCILE_RUNNING, { id, ...container });
	}

	/**
	 * Deletes the preview and returns whether it was there. 1 statement.
	 *
	 * @example
	 * const wasThere = await db.previews.deleteById(previewId);
	 * res.status(wasThere ? 204 : 404).end();
	 */
	async deleteById(id: number): Promise<boolean> {
		const { affected } = await execute(this, statements.DELETE, { id });
		return affected > 0;
	}
}
