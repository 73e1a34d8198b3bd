import type { EntityManager, ObjectLiteral, Repository } from "typeorm";
import { createDataSource, migrate, type WorkspacesDataSource } from "./dataSource";
import type { DeployOptions, DeployResult } from "./deploy";
import { ConnectionError } from "./errors";
import {
	PortRepository,
	PreviewEnvironmentRepository,
	type RepositorySource,
	ResourceLimitRepository,
	UserApiKeyRepository,
	WorkspaceLogRepository,
	WorkspaceRepository,
} from "./repositories";
import type { DataSourceSettings } from "./settings/settings";

/**
 * What a repository adds to TypeORM's: the operations of the dashboard, as a type that a fake can have.
 *
 * @example
 * const workspaces: Pick<Operations<WorkspaceRepository>, "findById"> = { findById: async () => null };
 */
export type Operations<Repo> = {
	readonly [Name in Exclude<keyof Repo, keyof Repository<ObjectLiteral>>]: Repo[Name];
};

/**
 * The repositories that `openWorkspaces` gives, by what a service calls them.
 *
 * @example
 * const listNames = async ({ workspaces }: WorkspacesRepositories, userId: number) =>
 *   (await workspaces.listByUser(userId)).map((workspace) => workspace.projectName);
 * await listNames(db, userId);                // and in a test: listNames(fakeWorkspaces(), 1)
 */
export interface WorkspacesRepositories {
	readonly workspaces: Operations<WorkspaceRepository>;
	readonly previews: Operations<PreviewEnvironmentRepository>;
	readonly ports: Operations<PortRepository>;
	readonly limits: Operations<ResourceLimitRepository>;
	readonly apiKeys: Operations<UserApiKeyRepository>;
	readonly logs: Operations<WorkspaceLogRepository>;
}

/**
 * What the work of a transaction gets: repositories whose statements are part of it.
 *
 * @example
 * await db.transaction(async ({ workspaces, manager }) => {
 *   await workspaces.deleteById(id);
 *   await manager.query("DELETE FROM project_domains WHERE project_name = ?", ["shop"]);
 * });
 */
export interface WorkspacesTransaction extends WorkspacesRepositories {
	/** TypeORM's, for what the repositories do not do. */
	readonly manager: EntityManager;
}

/**
 * One connection pool and everything that uses it. Made by `openWorkspaces`.
 *
 * @example
 * const db: Workspaces = openWorkspaces({ poolSize: 3 });
 * const [running, previews] = await Promise.all([db.workspaces.listRunning(), db.previews.listActive()]);
 */
export interface Workspaces extends WorkspacesRepositories {
	/** Everything that TypeORM offers. It is connected once a call was answered, or after `connect`. */
	readonly dataSource: WorkspacesDataSource;
	/**
	 * Connects, which every call does that needs to; calls at once connect once.
	 *
	 * @throws SettingsError, ConnectionError; a later call tries again
	 *
	 * @example
	 * await db.connect();
	 * console.log(await check(db.dataSource));   // wants a DataSource that is connected
	 */
	connect(): Promise<void>;
	/**
	 * Waits up to `DB_CONNECT_TIMEOUT` for the server, and runs the pending migrations; see `migrate`.
	 *
	 * @example
	 * const { migrations } = await db.migrate({ onEvent: (event) => console.log(describeEvent(event) ?? event.kind) });
	 */
	migrate(options?: DeployOptions): Promise<DeployResult>;
	/**
	 * Gives the work repositories of one transaction, commits when it resolves, and rolls back when it rejects. Keep it
	 * short: others wait for the rows that it locks. 2 statements, and those of the work.
	 *
	 * @example
	 * const port = await db.transaction(async (tx) => {
	 *   await tx.logs.append({ workspaceId: id, userId, projectName: "shop", action: "start" });
	 *   return tx.ports.claimForWorkspace(id);
	 * });
	 */
	transaction<Result>(work: (transaction: WorkspacesTransaction) => Promise<Result>): Promise<Result>;
	/**
	 * Waits for the calls of repositories that run, and closes every connection; a transaction whose work goes on is
	 * rolled back. Later calls reject with CONNECTION_FAILED.
	 *
	 * @example
	 * process.once("SIGTERM", () => server.close(() => db.close()));
	 */
	close(): Promise<void>;
}

/**
 * What a service takes: what `openWorkspaces` gives, or in a test `fakeWorkspaces`, whose transactions have no `manager`.
 *
 * @example
 * class WorkspaceService {
 *   constructor(private readonly db: WorkspacesOrFake) {}
 *   delete = (workspaceId: number) => this.db.transaction((tx) => tx.workspaces.deleteById(workspaceId));
 * }
 * const [real, tested] = [new WorkspaceService(db), new WorkspaceService(fakeWorkspaces())];
 */
export interface WorkspacesOrFake extends WorkspacesRepositories, Pick<Workspaces, "connect" | "close"> {
	/**
	 * As `Workspaces.transaction`, with repositories alone.
	 *
	 * @example
	 * await db.transaction((tx) => tx.workspaces.deleteById(id));
	 */
	transaction<Result>(work: (transaction: WorkspacesRepositories) => Promise<Result>): Promise<Result>;
}

/**
 * One object for an application whose services are made before there is a database: the repositories are usable at
 * once, and the first call connects. Nothing is read and nothing is connected before that. A call without a database
 * rejects after one attempt, with a ConnectionError (`CONNECTION_FAILED`), and the next one tries again.
 *
 * @param settings as of `createDataSource`: what is left out comes from the environment
 *
 * @example
 * const db = openWorkspaces();
 * await db.migrate();
 * const workspace = await db.workspaces.findById(7);
 * await db.close();
 */
export function openWorkspaces(settings: DataSourceSettings = {}): Workspaces {
	const dataSource = createDataSource(settings);
	const { connect, callConnected, close } = connecting(dataSource);
	const once = () => connect(ONE_ATTEMPT);
	return {
		...lazily(repositoriesOf(dataSource), callConnected),
		dataSource,
		connect: once,
		async migrate(options = {}) {
			// A call that came before may be trying once; migrating waits for a server to come up.
			await once().catch(() => connect());
			return migrate(dataSource, options);
		},
		async transaction(work) {
			await once();
			return dataSource.transaction((manager) => work({ ...repositoriesOf(manager), manager }));
		},
		close,
	};
}

const ONE_ATTEMPT = { connectTimeout: 0 };

function repositoriesOf(source: RepositorySource) {
	return {
		workspaces: WorkspaceRepository.from(source),
		previews: PreviewEnvironmentRepository.from(source),
		ports: PortRepository.from(source),
		limits: ResourceLimitRepository.from(source),
		apiKeys: UserApiKeyRepository.from(source),
		logs: WorkspaceLogRepository.from(source),
	};
}

/** Connecting and closing of a DataSource, whatever comes at once. */
function connecting(dataSource: WorkspacesDataSource) {
	let pending: Promise<unknown> | undefined;
	let closed: Promise<void> | undefined;
	const calls = new Set<Promise<unknown>>();
	async function connect(changes: Parameters<WorkspacesDataSource["initialize"]>[0] = {}): Promise<void> {
		if (closed) throw new ConnectionError("These workspaces were closed: open them anew with openWorkspaces()");
		if (dataSource.isInitialized) return;
		pending ??= dataSource.initialize(changes).finally(() => {
			pending = undefined;
		});
		await pending;
	}
	return {
		connect,
		/** Connects for a call where that is needed; closing waits for its answer. */
		callConnected(call: Call): Promise<unknown> {
			const answer = dataSource.isInitialized && !closed ? call() : connect(ONE_ATTEMPT).then(call);
			const forget = () => calls.delete(answer);
			calls.add(answer);
			answer.then(forget, forget);
			return answer;
		},
		close(): Promise<void> {
			closed ??= (async () => {
				await pending?.catch(() => undefined);
				await Promise.allSettled(calls);
				if (dataSource.isInitialized) await dataSource.destroy();
			})();
			return closed;
		},
	};
}

type Call = () => Promise<unknown>;
type Method = (...values: unknown[]) => Promise<unknown>;

/** The repositories with every method of theirs going through `through`. */
function lazily(repositories: object, through: (call: Call) => Promise<unknown>): WorkspacesRepositories {
	const entries = Object.entries(repositories).map(([name, repository]) => {
		const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(repository)).filter(
			(key) => key !== "constructor",
		);
		const wrapped = methods.map((key): [string, Method] => [
			key,
			async (...values) => through(() => (repository as Record<string, Method>)[key]?.(...values) as Promise<unknown>),
		]);
		return [name, Object.fromEntries(wrapped)];
	});
	return Object.fromEntries(entries) as WorkspacesRepositories;
}
