import { DashboardUser, PreviewEnvironment, Workspace, WorkspaceLog } from "../../entities";
import type { WorkspacesOrFake, WorkspacesRepositories } from "../../workspaces";
import type { Makers } from "../makers";
import { FakeApiKeyRepository, FakeLogRepository, FakePortRepository, FakeResourceLimitRepository } from "./others";
import { FakePreviewRepository } from "./previews";
import { FakeStore, selected } from "./store";
import { FakeWorkspaceRepository } from "./workspaces";

/** Options of `fakeWorkspaces`. */
export interface FakeOptions {
	/** The instant that counts as now; the system's clock if it is left out. */
	readonly clock?: (() => Date) | undefined;
}

/**
 * What `openWorkspaces` gives, in memory; of a transaction the work is done, and nothing is rolled back.
 *
 * @example
 * const db: FakeWorkspaces = fakeWorkspaces();
 * await db.limits.setGlobal({ maxWorkspaces: 0 });
 * await db.workspaces.createWithinLimit({ userId: 1, projectName: "shop" });   // rejects: there is no such user
 */
export interface FakeWorkspaces extends WorkspacesOrFake {
	/** Rows that fill in what a test does not care about. */
	readonly make: Makers;
	/**
	 * Does nothing.
	 *
	 * @example
	 * await fakeWorkspaces().connect();   // as the service does at its start
	 */
	connect(): Promise<void>;
	/**
	 * Does the work; what it changed stays, also when it rejects.
	 *
	 * @example
	 * const db = fakeWorkspaces();
	 * const { id } = await db.make.workspace();
	 * await db.transaction((tx) => tx.workspaces.deleteById(id));
	 */
	transaction<Result>(work: (transaction: WorkspacesRepositories) => Promise<Result>): Promise<Result>;
	/**
	 * Does nothing.
	 *
	 * @example
	 * await fakeWorkspaces().close();     // as the service does at its end
	 */
	close(): Promise<void>;
}

/**
 * Repositories in memory for unit tests, without a server: they answer as the real ones do, reject what those reject,
 * and with the same errors and codes. What only a server does is not there: waiting, rolling back, losing a connection.
 *
 * @example
 * const db = fakeWorkspaces();
 * const { id } = await db.make.workspace({ status: "stopped" });
 * await db.workspaces.setStatus(id, "running");   // rejects with INVALID_TRANSITION: it is not starting
 */
export function fakeWorkspaces({ clock = () => new Date() }: FakeOptions = {}): FakeWorkspaces {
	const store = new FakeStore(clock);
	const repositories: WorkspacesRepositories = {
		workspaces: new FakeWorkspaceRepository(store),
		previews: new FakePreviewRepository(store),
		ports: new FakePortRepository(store),
		limits: new FakeResourceLimitRepository(store),
		apiKeys: new FakeApiKeyRepository(store),
		logs: new FakeLogRepository(store),
	};
	return {
		...repositories,
		make: makersOf(store),
		connect: async () => undefined,
		transaction: (work) => work(repositories),
		close: async () => undefined,
	};
}

const DAY = 86_400_000;

function makersOf(store: FakeStore): Makers {
	let made = 0;
	const keep = <Row extends { id: number }>(rows: Map<number, Row>, row: Row): Row => {
		rows.set(row.id, row);
		return selected(row);
	};
	const makers: Makers = {
		async user(given = {}) {
			const name = `user-${++made}`;
			return keep(store.users, store.newRow(DashboardUser, { username: name, systemUsername: name, ...given }));
		},
		async workspace(given = {}) {
			const userId = given.userId ?? (await makers.user()).id;
			const projectName = `project-${++made}`;
			return keep(store.workspaces, store.newRow(Workspace, { projectName, status: "stopped", ...given, userId }));
		},
		async preview(given = {}) {
			const found = given.workspaceId === undefined ? undefined : store.workspaces.get(given.workspaceId);
			const owner = given.userId === undefined ? {} : { userId: given.userId };
			const { id: workspaceId, userId, projectName } = found ?? (await makers.workspace(owner));
			const defaults = { userId, projectName, previewHash: `hash-${++made}`, status: "creating" as const };
			const expiresAt = new Date(store.now().getTime() + DAY);
			const row = store.newRow(PreviewEnvironment, { ...defaults, expiresAt, ...given, workspaceId });
			return keep(store.previews, row);
		},
		async logEntry(given = {}) {
			const isGiven = given.userId !== undefined || given.workspaceId !== undefined;
			const workspace = isGiven ? store.workspaces.get(given.workspaceId ?? 0) : await makers.workspace();
			const { id: workspaceId = null, userId = given.userId ?? 0, projectName = "project" } = workspace ?? {};
			const values = { workspaceId, userId, projectName, action: "start" as const, ...given };
			return keep(store.logs, store.newRow(WorkspaceLog, values));
		},
	};
	return makers;
}
