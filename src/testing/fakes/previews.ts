import { PreviewEnvironment, Workspace } from "../../entities";
import type { PreviewStatus } from "../../entities/enums";
import { AlreadyExistsError, InvalidTransitionError, InvalidValueError, LimitReachedError } from "../../errors";
import {
	type Extension,
	type NewPreview,
	type Observation,
	type OwnStart,
	PREVIEW_TRANSITIONS,
	type PreviewEnvironmentRepository,
	type StartedPreview,
} from "../../repositories";
import { observed } from "../../repositories/observation";
import { earliestFirst, highestIdFirst } from "../../repositories/order";
import { checkNames, LAST_INSTANT, refusal } from "../../repositories/sql";
import { runningWith } from "../../repositories/transitions";
import type { Operations } from "../../workspaces";
import { check, checkGiven, type FakeStore, required, seconds, selected } from "./store";

const { entityName } = PreviewEnvironment;
const HOUR = 3_600_000;
const statusOf = (row: PreviewEnvironment): PreviewStatus => row.status ?? "creating";
const isActive = (row: PreviewEnvironment) => row.status === "creating" || row.status === "running";
const holdsNothing = (row: PreviewEnvironment) => row.containerId === null && row.assignedPort === null;
const WITHOUT_CONTAINER = { containerId: null, assignedPort: null };

/** Preview environments in memory. */
export class FakePreviewRepository implements Operations<PreviewEnvironmentRepository> {
	constructor(private readonly store: FakeStore) {}

	async findById(id: number) {
		check(PreviewEnvironment, { id });
		const row = this.store.previews.get(id);
		return row ? selected(row) : null;
	}

	async findByIdAndUser(id: number, userId: number) {
		check(PreviewEnvironment, { id, userId });
		return this.list((row) => row.id === id && row.userId === userId)[0] ?? null;
	}

	async findByHash(previewHash: string) {
		check(PreviewEnvironment, { previewHash });
		return this.list((row) => row.previewHash === previewHash)[0] ?? null;
	}

	async findByHashWithPassword(previewHash: string) {
		const preview = await this.findByHash(previewHash);
		if (!preview) return null;
		return Object.assign(preview, { passwordHash: this.store.previews.get(preview.id)?.passwordHash ?? null });
	}

	async listByWorkspaceAndUser(workspaceId: number, userId: number) {
		check(PreviewEnvironment, { workspaceId, userId });
		return highestIdFirst(this.list((row) => row.workspaceId === workspaceId && row.userId === userId));
	}

	async listByWorkspaces(workspaceIds: readonly number[], ...user: [userId?: number]) {
		const found = new Map<number, PreviewEnvironment[]>(workspaceIds.map((id) => [id, []]));
		if (!found.size) return found;
		for (const row of highestIdFirst(this.ofWorkspaces(workspaceIds, user))) found.get(row.workspaceId)?.push(row);
		return found;
	}

	async countActive(workspaceId: number, ...user: [userId?: number]) {
		return (await this.countActiveByWorkspaces([workspaceId], ...user)).get(workspaceId) ?? 0;
	}

	async countActiveByWorkspaces(workspaceIds: readonly number[], ...user: [userId?: number]) {
		const counts = new Map<number, number>(workspaceIds.map((id) => [id, 0]));
		if (!counts.size) return counts;
		for (const { workspaceId } of this.ofWorkspaces(workspaceIds, user).filter(isActive)) {
			counts.set(workspaceId, (counts.get(workspaceId) ?? 0) + 1);
		}
		return counts;
	}

	async listActive() {
		const rows = this.list(isActive).map((row) => Object.assign(row, { user: this.store.user(row.userId) }));
		return earliestFirst(rows, (row) => row.expiresAt);
	}

	async listExpired() {
		return earliestFirst(
			this.list((row) => isActive(row) && this.isOver(row)),
			(row) => row.expiresAt,
		);
	}

	async listUnsettled() {
		return this.list((row) => !["stopped", "expired", "error"].includes(statusOf(row)) || !holdsNothing(row));
	}

	async createWithinLimit(preview: NewPreview) {
		checkNames(entityName, preview, ["workspaceId", "userId", "previewHash", "expiresAt", "passwordHash"]);
		const { workspaceId, userId, previewHash, expiresAt, passwordHash = null } = preview;
		const values = { workspaceId, userId, previewHash };
		check(PreviewEnvironment, { ...values, ...(expiresAt === undefined ? {} : { expiresAt }) });
		checkGiven(PreviewEnvironment, { passwordHash });
		const workspace = required(Workspace.entityName, this.store.workspaces.get(workspaceId));
		const limits = this.store.effectiveLimits(userId);
		if ((await this.countActive(workspaceId)) >= limits.maxPreviewsPerWorkspace) {
			throw new LimitReachedError(entityName, limits.maxPreviewsPerWorkspace);
		}
		if (await this.findByHash(previewHash)) throw new AlreadyExistsError(entityName, ["previewHash"]);
		this.store.user(userId);
		const lifetime = Math.max(0, limits.defaultPreviewLifetimeHours) * HOUR;
		const expiry = expiresAt ?? new Date(Math.min(LAST_INSTANT * 1000, this.store.now().getTime() + lifetime));
		const { projectName } = workspace;
		const row = this.store.newRow(PreviewEnvironment, {
			...values,
			projectName,
			passwordHash,
			expiresAt: seconds(expiry),
		});
		this.store.previews.set(row.id, row);
		return row.id;
	}

	async markRunning(id: number, started: StartedPreview, start: OwnStart = {}) {
		const names = ["containerId", "containerName", "previewUrl"] as const;
		checkNames(entityName, started, names);
		checkNames(entityName, start, ["port"]);
		check(PreviewEnvironment, { id, ...Object.fromEntries(names.map((name) => [name, started[name]])) });
		checkGiven(PreviewEnvironment, { port: start.port ?? null });
		const row = this.row(id);
		if (row.status === "running" && row.containerId === started.containerId) return false;
		this.allow(row, "running", start);
		return change(row, { ...started, errorMessage: null, status: "running" });
	}

	async markFailed(id: number, errorMessage: string, start: OwnStart = {}) {
		checkNames(entityName, start, ["port"]);
		check(PreviewEnvironment, { id, errorMessage });
		checkGiven(PreviewEnvironment, { port: start.port ?? null });
		const row = this.row(id);
		if (start.port !== undefined && row.assignedPort !== start.port) return false;
		const assignedPort = row.containerId === null ? null : row.assignedPort;
		return change(row, { errorMessage, assignedPort, status: "error" });
	}

	async markStopping(id: number) {
		const row = this.row(id);
		if (row.status === "stopping") return false;
		this.allow(row, "stopping");
		return change(row, { status: "stopping" });
	}

	async markStopped(id: number) {
		const row = this.row(id);
		if (row.status === "expired") throw new InvalidTransitionError(entityName, id, { from: "expired", to: "stopped" });
		return change(row, { ...WITHOUT_CONTAINER, status: "stopped" });
	}

	async beginExpiry(id: number) {
		check(PreviewEnvironment, { id });
		const row = this.store.previews.get(id);
		const isDue = row && ["creating", "running"].includes(statusOf(row)) && this.isOver(row);
		return isDue ? change(row, { status: "stopping" }) : false;
	}

	async markExpired(id: number) {
		const row = this.row(id);
		const from = statusOf(row);
		const isDue = from === "stopping" || (["creating", "running"].includes(from) && this.isOver(row));
		if (from !== "expired" && !isDue) {
			const reason = "only an active one whose time is over, or one that is being stopped, does";
			throw new InvalidTransitionError(entityName, id, { from, to: "expired", reason });
		}
		return change(row, { ...WITHOUT_CONTAINER, status: "expired" });
	}

	async extendExpiry(id: number, expiresAt: Date) {
		check(PreviewEnvironment, { id, expiresAt });
		const row = this.extensible(id);
		const isNew = row.expiresAt.getTime() !== seconds(expiresAt).getTime();
		return isNew && change(row, { expiresAt: seconds(expiresAt) });
	}

	async extendBy(id: number, extension: Extension) {
		checkNames("Extension", extension, ["hours"]);
		const { hours } = extension;
		if (!Number.isInteger(hours) || hours < 1) throw refusal("Extension", "hours", "an integer of at least 1", hours);
		const row = this.extensible(id);
		const expiresAt = new Date(row.expiresAt.getTime() + hours * HOUR);
		if (expiresAt.getTime() > LAST_INSTANT * 1000) {
			throw new InvalidValueError("Extension", "hours", "so few that the expiry is before 2038-01-19");
		}
		change(row, { expiresAt });
		return expiresAt;
	}

	async reconcile(id: number, observation: Observation) {
		const { running, containerId, containerName, port } = observed(entityName, observation);
		checkGiven(PreviewEnvironment, { id, containerId, containerName, port });
		const row = this.row(id);
		if (!running) {
			return change(row, { ...WITHOUT_CONTAINER, status: row.status === "expired" ? "expired" : "stopped" });
		}
		return change(row, {
			containerId: containerId ?? row.containerId,
			containerName: containerName ?? row.containerName,
			assignedPort: port ?? row.assignedPort,
			errorMessage: null,
			status: "running",
		});
	}

	async deleteById(id: number) {
		check(PreviewEnvironment, { id });
		return this.store.previews.delete(id);
	}

	private row(id: number): PreviewEnvironment {
		check(PreviewEnvironment, { id });
		return required(entityName, this.store.previews.get(id));
	}

	private list(matches: (row: PreviewEnvironment) => boolean): PreviewEnvironment[] {
		return [...this.store.previews.values()].filter(matches).map(selected);
	}

	private ofWorkspaces(workspaceIds: readonly number[], user: [userId?: number]): PreviewEnvironment[] {
		check(PreviewEnvironment, { workspaceIds, ...(user.length ? { userId: user[0] } : {}) });
		return this.list((row) => workspaceIds.includes(row.workspaceId) && (!user.length || row.userId === user[0]));
	}

	private isOver(row: PreviewEnvironment): boolean {
		return row.expiresAt <= this.store.now();
	}

	/** @throws NotFoundError, InvalidTransitionError */
	private extensible(id: number): PreviewEnvironment {
		const row = this.row(id);
		const from = statusOf(row);
		if (from === "creating" || from === "running") return row;
		throw new InvalidTransitionError(entityName, id, { from, to: "extended" });
	}

	/** @throws InvalidTransitionError */
	private allow(row: PreviewEnvironment, to: PreviewStatus, { port }: OwnStart = {}): void {
		const from = statusOf(row);
		const isOwn = port === undefined || port === row.assignedPort;
		if (isOwn && PREVIEW_TRANSITIONS[to].includes(from)) return;
		throw new InvalidTransitionError(entityName, row.id, { from, to, reason: runningWith(port ?? null).reason });
	}
}

/** Whether the values are new to the row. */
function change(row: PreviewEnvironment, values: Partial<PreviewEnvironment>): boolean {
	const isNew = Object.entries(values).some(([name, value]) => row[name as keyof PreviewEnvironment] !== value);
	Object.assign(row, values);
	return isNew;
}
