import { Workspace } from "../../entities";
import { WORKSPACE_STATUSES, type WorkspaceStatus } from "../../entities/enums";
import { WORKSPACE_DEFAULTS } from "../../entities/limitDefaults";
import { AlreadyExistsError, InvalidTransitionError, InvalidValueError, LimitReachedError } from "../../errors";
import {
	EncryptedSecret,
	type NewWorkspace,
	type Observation,
	type OwnStart,
	type StartedWorkspace,
	type WithOwner,
	WORKSPACE_TRANSITIONS,
	type WorkspaceRepository,
	type WorkspaceResources,
	type WorkspaceRoute,
} from "../../repositories";
import { observed } from "../../repositories/observation";
import { latestFirst } from "../../repositories/order";
import { checkNames } from "../../repositories/sql";
import { runningWith } from "../../repositories/transitions";
import type { Operations } from "../../workspaces";
import { check, checkGiven, type FakeStore, required, selected } from "./store";

const { entityName } = Workspace;
const MINUTE = 60_000;
const statusOf = (row: Workspace): WorkspaceStatus => row.status ?? "stopped";

/** Workspaces in memory. */
export class FakeWorkspaceRepository implements Operations<WorkspaceRepository> {
	constructor(private readonly store: FakeStore) {}

	async findById(id: number) {
		check(Workspace, { id });
		const row = this.store.workspaces.get(id);
		return row ? selected(row) : null;
	}

	async findByUserAndProject(userId: number, projectName: string) {
		check(Workspace, { userId, projectName });
		return this.list((row) => row.userId === userId && row.projectName === projectName)[0] ?? null;
	}

	async listRoutesByProject(projectName: string): Promise<WorkspaceRoute[]> {
		check(Workspace, { projectName });
		const rows = this.list((row) => row.projectName === projectName);
		return rows.map(({ id, userId, containerId, status }) =>
			Object.assign(new Workspace(), { id, userId, containerId, status }),
		);
	}

	async listByUser(userId: number) {
		check(Workspace, { userId });
		return latestFirst(
			this.list((row) => row.userId === userId),
			(row) => row.createdAt,
		);
	}

	async countByUser(userId: number) {
		return (await this.listByUser(userId)).length;
	}

	async listRunning() {
		return this.withOwner((row) => row.status === "running");
	}

	async listActive() {
		return this.withOwner((row) => ["running", "starting", "stopping"].includes(statusOf(row)));
	}

	async listWithContainer() {
		return this.list((row) => ["running", "starting"].includes(statusOf(row)));
	}

	async listUnsettled() {
		const isAtRest = (row: Workspace) => ["stopped", "error"].includes(statusOf(row));
		return this.list((row) => !isAtRest(row) || row.containerId !== null || row.assignedPort !== null);
	}

	async listIdle() {
		return this.list((row) => this.isIdle(row));
	}

	async listPastLifetime() {
		return this.list((row) => {
			const hours = row.maxLifetimeHours || WORKSPACE_DEFAULTS.maxLifetimeHours;
			return row.status === "running" && isPast(row.startedAt, hours * 60, this.store.now());
		});
	}

	async findCodeServerPassword(id: number) {
		check(Workspace, { id });
		const row = this.store.workspaces.get(id);
		return EncryptedSecret.of(row?.codeServerPasswordEncrypted, row?.codeServerPasswordIv);
	}

	async createWithinLimit(workspace: NewWorkspace) {
		const optional = ["cpuLimit", "ramLimit", "diskLimit", "idleTimeoutMinutes"] as const;
		checkNames(entityName, workspace, ["userId", "projectName", ...optional]);
		const { userId, projectName } = workspace;
		check(Workspace, { userId, projectName });
		checkGiven(Workspace, Object.fromEntries(optional.map((name) => [name, workspace[name] ?? null])));
		const limits = this.store.effectiveLimits(userId);
		const own = await this.listByUser(userId);
		if (own.some((row) => row.projectName === projectName)) {
			throw new AlreadyExistsError(entityName, ["userId", "projectName"]);
		}
		if (own.length >= limits.maxWorkspaces) throw new LimitReachedError(entityName, limits.maxWorkspaces);
		this.store.user(userId);
		const row = this.store.newRow(Workspace, {
			userId,
			projectName,
			cpuLimit: workspace.cpuLimit ?? limits.defaultCpu,
			ramLimit: workspace.ramLimit ?? limits.defaultRam,
			diskLimit: workspace.diskLimit ?? limits.defaultDisk,
			idleTimeoutMinutes: workspace.idleTimeoutMinutes ?? limits.defaultIdleTimeout,
		});
		this.store.workspaces.set(row.id, row);
		return row.id;
	}

	async setStatus(id: number, status: WorkspaceStatus) {
		if (!WORKSPACE_STATUSES.includes(status)) {
			throw new InvalidValueError(entityName, "status", `one of ${WORKSPACE_STATUSES.join(", ")}`);
		}
		const row = this.row(id);
		if (status === "stopped") return this.stop(row);
		if (row.status === status) return false;
		this.allow(row, status);
		if (status === "starting") row.errorMessage = null;
		if (status === "running") Object.assign(row, { startedAt: this.store.now(), lastActivity: this.store.now() });
		if (status === "error" && row.containerId === null) row.assignedPort = null;
		return this.change(row, { status });
	}

	async markRunning(id: number, started: StartedWorkspace, start: OwnStart = {}) {
		const names = ["containerId", "containerName", "codeServerPasswordEncrypted", "codeServerPasswordIv"] as const;
		checkNames(entityName, started, names);
		checkNames(entityName, start, ["port"]);
		check(Workspace, { id, ...Object.fromEntries(names.map((name) => [name, started[name]])) });
		checkGiven(Workspace, { port: start.port ?? null });
		const row = this.row(id);
		if (row.status === "running" && row.containerId === started.containerId) return false;
		this.allow(row, "running", start);
		const now = this.store.now();
		return this.change(row, { ...started, status: "running", startedAt: now, lastActivity: now });
	}

	async markStopped(id: number) {
		return this.setStatus(id, "stopped");
	}

	async markFailed(id: number, errorMessage: string, start: OwnStart = {}) {
		checkNames(entityName, start, ["port"]);
		check(Workspace, { id, errorMessage });
		checkGiven(Workspace, { port: start.port ?? null });
		const row = this.row(id);
		if (start.port !== undefined && row.assignedPort !== start.port) return false;
		const assignedPort = row.containerId === null ? null : row.assignedPort;
		return this.changeIfNew(row, { errorMessage, assignedPort, status: "error" });
	}

	async markAllStopping() {
		const rows = [...this.store.workspaces.values()].filter((row) => ["running", "starting"].includes(statusOf(row)));
		for (const row of rows.filter(({ status }) => status !== null)) this.change(row, { status: "stopping" });
		return rows.length;
	}

	async reconcile(id: number, observation: Observation) {
		const { running, containerId, containerName, port } = observed(entityName, observation);
		checkGiven(Workspace, { id, containerId, containerName, port });
		const row = this.row(id);
		if (!running) return this.stop(row);
		return this.changeIfNew(row, {
			containerId: containerId ?? row.containerId,
			containerName: containerName ?? row.containerName,
			assignedPort: port ?? row.assignedPort,
			startedAt: row.startedAt ?? this.store.now(),
			lastActivity: row.lastActivity ?? this.store.now(),
			errorMessage: null,
			status: "running",
		});
	}

	async beginIdleStop(id: number) {
		check(Workspace, { id });
		const row = this.store.workspaces.get(id);
		return row !== undefined && this.isIdle(row) && this.change(row, { status: "stopping" });
	}

	async changeResources(id: number, resources: WorkspaceResources) {
		const names = ["cpuLimit", "ramLimit", "idleTimeoutMinutes"] as const;
		checkNames(entityName, resources, names);
		const given = Object.fromEntries(names.map((name) => [name, resources[name] ?? null]));
		checkGiven(Workspace, { id, ...given });
		const row = this.row(id);
		this.change(row, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)));
	}

	async heartbeat(id: number, ...user: [userId?: number]) {
		const [lastAccessedBy] = user;
		check(Workspace, { id, ...(user.length ? { lastAccessedBy } : {}) });
		const row = this.row(id);
		if (lastAccessedBy !== undefined) this.store.user(lastAccessedBy);
		this.change(row, { lastActivity: this.store.now(), ...(lastAccessedBy === undefined ? {} : { lastAccessedBy }) });
	}

	async deleteById(id: number) {
		check(Workspace, { id });
		for (const preview of this.store.previews.values()) {
			if (preview.workspaceId === id) this.store.previews.delete(preview.id);
		}
		for (const entry of this.store.logs.values()) if (entry.workspaceId === id) entry.workspaceId = null;
		return this.store.workspaces.delete(id);
	}

	private row(id: number): Workspace {
		check(Workspace, { id });
		return required(entityName, this.store.workspaces.get(id));
	}

	private list(matches: (row: Workspace) => boolean): Workspace[] {
		return [...this.store.workspaces.values()].filter(matches).map(selected);
	}

	private withOwner(matches: (row: Workspace) => boolean): WithOwner<Workspace>[] {
		const rows = this.list(matches).map((row) => Object.assign(row, { user: this.store.user(row.userId) }));
		return latestFirst(rows, (row) => row.startedAt);
	}

	private isIdle(row: Workspace): boolean {
		const minutes = row.idleTimeoutMinutes || WORKSPACE_DEFAULTS.idleTimeoutMinutes;
		return row.status === "running" && isPast(row.lastActivity ?? row.startedAt, minutes, this.store.now());
	}

	/** @throws InvalidTransitionError */
	private allow(row: Workspace, to: WorkspaceStatus, { port }: OwnStart = {}): void {
		const from = statusOf(row);
		const isOwn = port === undefined || port === row.assignedPort;
		if (isOwn && WORKSPACE_TRANSITIONS[to].includes(from)) return;
		throw new InvalidTransitionError(entityName, row.id, { from, to, reason: runningWith(port ?? null).reason });
	}

	private stop(row: Workspace): boolean {
		if (statusOf(row) === "stopped" && row.containerId === null && row.assignedPort === null) return false;
		return this.change(row, { containerId: null, assignedPort: null, startedAt: null, status: "stopped" });
	}

	private change(row: Workspace, values: Partial<Workspace>): boolean {
		Object.assign(row, values, { updatedAt: this.store.now() });
		return true;
	}

	private changeIfNew(row: Workspace, values: Partial<Workspace>): boolean {
		const isNew = Object.entries(values).some(([name, value]) => row[name as keyof Workspace] !== value);
		return isNew && this.change(row, values);
	}
}

function isPast(start: Date | null, minutes: number, now: Date): boolean {
	return start !== null && now.getTime() > start.getTime() + minutes * MINUTE;
}
