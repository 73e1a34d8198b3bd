import { DataSource } from "typeorm";
import {
	type DataSourceSettings,
	entities,
	migrate,
	PortRepository,
	PreviewEnvironmentRepository,
	ResourceLimitRepository,
	UserApiKeyRepository,
	WorkspaceLogRepository,
	WorkspaceRepository,
} from "../../src";
import type { RepositorySource } from "../../src/repositories";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { openDataSource } from "../../testing/dataSource";

/** Each repository on the same source. */
export function repositoriesOf(source: RepositorySource) {
	return {
		workspaces: WorkspaceRepository.from(source),
		keys: UserApiKeyRepository.from(source),
		previews: PreviewEnvironmentRepository.from(source),
		limits: ResourceLimitRepository.from(source),
		logs: WorkspaceLogRepository.from(source),
		ports: PortRepository.from(source),
	};
}

export interface Context extends ReturnType<typeof repositoriesOf> {
	readonly database: TestDatabase;
	readonly dataSource: DataSource;
	/** Users who exist. */
	readonly ada: number;
	readonly bob: number;
	close(): Promise<void>;
}

/** A migrated database of its own with two users, and the repositories on it. */
export async function openContext(settings: DataSourceSettings = {}): Promise<Context> {
	const database = await createTestDatabase();
	try {
		const [ada = 0, bob = 0] = await addUsers(database, "ada", "bob");
		const dataSource = await openDataSource(database, settings);
		await migrate(dataSource);
		return {
			database,
			dataSource,
			ada,
			bob,
			...repositoriesOf(dataSource),
			async close() {
				await dataSource.destroy();
				await database.drop();
			},
		};
	} catch (error) {
		await database.drop();
		throw error;
	}
}

/** A user without limits to meet. */
export async function addUnlimitedUser(context: Context, name: string): Promise<number> {
	const [user = 0] = await addUsers(context.database, name);
	await context.limits.setOwn(user, { maxWorkspaces: 1_000, maxPreviewsPerWorkspace: 1_000 });
	return user;
}

export const STARTED = {
	containerId: "c".repeat(64),
	containerName: "dployr-ada",
	codeServerPasswordEncrypted: Buffer.from([0, 255, 39, 92]),
	codeServerPasswordIv: Buffer.alloc(16, 7),
};

/** A workspace of the user's that runs with a port. */
export async function addRunning({ workspaces, ports }: Context, userId: number, projectName: string): Promise<number> {
	const id = await workspaces.createWithinLimit({ userId, projectName });
	await ports.claimForWorkspace(id);
	await workspaces.markRunning(id, STARTED);
	return id;
}

/** How far a date is from the server's clock, in seconds. */
export async function secondsFromNow(database: TestDatabase, date: Date | null | undefined): Promise<number> {
	const [row] = await database.rows<{ now: number | string }>("SELECT UNIX_TIMESTAMP() AS now");
	return (date?.getTime() ?? Number.NaN) / 1000 - Number(row?.now);
}

/** Works on a DataSource as an application may have it: none of the module's settings. */
export async function onHost<Result>(
	{ database, dataSource }: Context,
	options: object,
	work: (host: DataSource) => Promise<Result>,
): Promise<Result> {
	const type = dataSource.options.type as "mysql";
	const host = new DataSource({ type, url: database.url, entities, ...options });
	await host.initialize();
	try {
		return await work(host);
	} finally {
		await host.destroy();
	}
}
