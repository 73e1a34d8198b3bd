import { PreviewEnvironment, ResourceLimit, UserApiKey, Workspace, WorkspaceLog } from "../../entities";
import { type EffectiveLimits, LIMIT_DEFAULTS } from "../../entities/limitDefaults";
import { InvalidTransitionError, NoFreePortError, UnknownProviderError } from "../../errors";
import {
	API_KEY_PROVIDERS,
	type ApiKeyProvider,
	EncryptedSecret,
	type LimitChanges,
	type LogPage,
	type LogPageOptions,
	type NewLogEntry,
	type PortChoice,
	type PortRepository,
	type ResourceLimitRepository,
	type UserApiKeyRepository,
	type WorkspaceLogRepository,
} from "../../repositories";
import { detailsToJson } from "../../repositories/details";
import { portRangeOf } from "../../repositories/PortRepository";
import { givenLimits } from "../../repositories/ResourceLimitRepository";
import { checkNames, LAST_INSTANT } from "../../repositories/sql";
import { checkBatch, pageRangeOf } from "../../repositories/WorkspaceLogRepository";
import type { Operations } from "../../workspaces";
import { check, checkGiven, type FakeStore, required, selected } from "./store";

/** Ports of the workspaces and previews in memory. */
export class FakePortRepository implements Operations<PortRepository> {
	constructor(private readonly store: FakeStore) {}

	async listAssigned() {
		const ports = this.store.holders().map((row) => row.assignedPort ?? 0);
		return [...new Set(ports)].sort((a, b) => a - b);
	}

	async isAssigned(port: number) {
		check(Workspace, { port });
		return (await this.listAssigned()).includes(port);
	}

	async countAssigned() {
		return (await this.listAssigned()).length;
	}

	async claimForWorkspace(workspaceId: number, choice: PortChoice = {}) {
		const range = portRangeOf(choice);
		check(Workspace, { id: workspaceId });
		const row = required(Workspace.entityName, this.store.workspaces.get(workspaceId));
		const from = row.status ?? "stopped";
		const lacksPort = from === "starting" && row.assignedPort === null;
		if (!["stopped", "error"].includes(from) && !lacksPort) {
			throw new InvalidTransitionError(Workspace.entityName, row.id, { from, to: "starting" });
		}
		const assignedPort = this.freePort(row, range);
		Object.assign(row, { assignedPort, errorMessage: null, status: "starting", updatedAt: this.store.now() });
		return assignedPort;
	}

	async claimForPreview(previewId: number, choice: PortChoice = {}) {
		const range = portRangeOf(choice);
		check(PreviewEnvironment, { id: previewId });
		const row = required(PreviewEnvironment.entityName, this.store.previews.get(previewId));
		const from = row.status ?? "creating";
		if (from !== "creating")
			throw new InvalidTransitionError(PreviewEnvironment.entityName, row.id, { from, to: "claimed" });
		row.assignedPort = this.freePort(row, range);
		return row.assignedPort;
	}

	/** @throws NoFreePortError */
	private freePort(
		row: Workspace | PreviewEnvironment,
		{ from, to, exceptJson }: ReturnType<typeof portRangeOf>,
	): number {
		const others = this.store.holders().filter((holder) => holder !== row);
		const taken = new Set([...others.map((holder) => holder.assignedPort), ...(JSON.parse(exceptJson) as number[])]);
		const own = row.assignedPort;
		if (own !== null && own >= from && own <= to && !taken.has(own)) return own;
		for (let port = from; port <= to; port++) if (!taken.has(port)) return port;
		throw new NoFreePortError(from, to);
	}
}

/** Resource limits in memory. */
export class FakeResourceLimitRepository implements Operations<ResourceLimitRepository> {
	constructor(private readonly store: FakeStore) {}

	async findEffective(userId: number): Promise<EffectiveLimits> {
		check(ResourceLimit, { userId });
		return this.store.effectiveLimits(userId);
	}

	async findGlobal() {
		return selected(required(ResourceLimit.entityName, this.store.limits.get(null)));
	}

	async setGlobal(changes: LimitChanges) {
		this.change(null, changes);
	}

	async findOwn(userId: number) {
		check(ResourceLimit, { userId });
		const row = this.store.limits.get(userId);
		return row ? selected(row) : null;
	}

	async setOwn(userId: number, changes: LimitChanges) {
		check(ResourceLimit, { userId });
		this.change(userId, changes);
	}

	async removeOwn(userId: number) {
		check(ResourceLimit, { userId });
		return this.store.limits.delete(userId);
	}

	private change(userId: number | null, changes: LimitChanges): void {
		const given = Object.fromEntries(givenLimits(changes).map((limit) => [limit, changes[limit]]));
		checkGiven(ResourceLimit, given);
		if (userId !== null) this.store.user(userId);
		const unset = Object.fromEntries(Object.keys(LIMIT_DEFAULTS).map((limit) => [limit, null]));
		const row = this.store.limits.get(userId) ?? this.store.newRow(ResourceLimit, { userId, ...unset });
		this.store.limits.set(userId, Object.assign(row, given, { updatedAt: this.store.now() }));
	}
}

/** API keys in memory. */
export class FakeApiKeyRepository implements Operations<UserApiKeyRepository> {
	constructor(private readonly store: FakeStore) {}

	async setKey(userId: number, provider: ApiKeyProvider, encrypted: Buffer, iv: Buffer) {
		const names = namesOf(provider);
		check(UserApiKey, { userId, [names.encrypted]: encrypted, [names.iv]: iv });
		this.store.user(userId);
		const row = this.store.apiKeys.get(userId) ?? this.store.newRow(UserApiKey, { userId });
		const key = { [names.encrypted]: encrypted, [names.iv]: iv };
		this.store.apiKeys.set(userId, Object.assign(row, key, { updatedAt: this.store.now() }));
	}

	async findKey(userId: number, provider: ApiKeyProvider) {
		const names = namesOf(provider);
		check(UserApiKey, { userId });
		const row = this.store.apiKeys.get(userId);
		return EncryptedSecret.of(row?.[names.encrypted], row?.[names.iv]);
	}

	async hasKey(userId: number, provider: ApiKeyProvider) {
		return (await this.findKey(userId, provider)) !== null;
	}

	async clearKey(userId: number, provider: ApiKeyProvider) {
		const had = await this.hasKey(userId, provider);
		const row = this.store.apiKeys.get(userId);
		const names = namesOf(provider);
		if (row) Object.assign(row, { [names.encrypted]: null, [names.iv]: null });
		return had;
	}
}

function namesOf(provider: ApiKeyProvider) {
	if (!API_KEY_PROVIDERS.includes(provider)) throw new UnknownProviderError(API_KEY_PROVIDERS);
	return { encrypted: `${provider}KeyEncrypted`, iv: `${provider}KeyIv` } as const;
}

/** The log in memory. */
export class FakeLogRepository implements Operations<WorkspaceLogRepository> {
	constructor(private readonly store: FakeStore) {}

	async append(entry: NewLogEntry) {
		checkNames(WorkspaceLog.entityName, entry, ["workspaceId", "userId", "projectName", "action", "details"]);
		const { workspaceId = null, userId, projectName, action } = entry;
		const json = detailsToJson(entry.details);
		check(WorkspaceLog, { userId, projectName, action });
		checkGiven(WorkspaceLog, { workspaceId });
		this.store.user(userId);
		if (workspaceId !== null) required(Workspace.entityName, this.store.workspaces.get(workspaceId));
		const details = json === null ? null : (JSON.parse(json) as WorkspaceLog["details"]);
		const row = this.store.newRow(WorkspaceLog, { workspaceId, userId, projectName, action, details });
		this.store.logs.set(row.id, row);
		return row.id;
	}

	async pageOfWorkspace(workspaceId: number, options: LogPageOptions = {}) {
		check(WorkspaceLog, { workspaceId });
		return this.page((entry) => entry.workspaceId === workspaceId, options);
	}

	async pageOfProject(userId: number, projectName: string, options: LogPageOptions = {}) {
		check(WorkspaceLog, { userId, projectName });
		return this.page((entry) => entry.userId === userId && entry.projectName === projectName, options);
	}

	async pageOfEverybody(options: LogPageOptions = {}) {
		return this.page(() => true, options);
	}

	async deleteOlderThan(olderThan: Date, options: { batchSize?: number | undefined } = {}) {
		checkBatch(options);
		check(WorkspaceLog, { olderThan });
		const old = [...this.store.logs.values()].filter(
			(entry) => entry.createdAt !== null && entry.createdAt < olderThan,
		);
		for (const entry of old) this.store.logs.delete(entry.id);
		return old.length;
	}

	private page(matches: (entry: WorkspaceLog) => boolean, options: LogPageOptions): LogPage {
		const { before = LAST_INSTANT, limit } = pageRangeOf(options);
		check(WorkspaceLog, { before });
		const found = [...this.store.logs.values()].filter((entry) => entry.id < before && matches(entry)).reverse();
		const entries = found.slice(0, limit - 1).map(selected);
		return { entries, next: found.length < limit ? null : (entries.at(-1)?.id ?? null) };
	}
}
