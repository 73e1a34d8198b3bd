import type { DataSource, DeepPartial, EntityTarget, ObjectLiteral } from "typeorm";
import { DashboardUser, PreviewEnvironment, Workspace, WorkspaceLog } from "../entities";

/** Properties that a test cares about; the rest is filled in. */
export type Given<Entity> = Partial<Omit<Entity, "user" | "workspace" | "accessor" | "previews" | "logs">>;

/**
 * Rows for a test: each is valid, and as new as a row that the dashboard has just made.
 *
 * @example
 * const db = fakeWorkspaces();
 * const { id: userId } = await db.make.user({ username: "ada" });
 * await db.make.workspace({ userId, status: "running", assignedPort: 10_000 });
 */
export interface Makers {
	/**
	 * A user, whose name no other has.
	 *
	 * @example
	 * const { id, username } = await testDb.make.user();   // user-1
	 */
	user(given?: Given<DashboardUser>): Promise<DashboardUser>;
	/**
	 * A stopped workspace, of a new user unless `userId` is given. It is inserted as it is: no limit is asked.
	 *
	 * @example
	 * const idle = await testDb.make.workspace({ status: "running", lastActivity: new Date("2020-01-01") });
	 */
	workspace(given?: Given<Workspace>): Promise<Workspace>;
	/**
	 * A preview that is being created and expires in a day, of a new workspace unless `workspaceId` is given.
	 *
	 * @example
	 * const expired = await testDb.make.preview({ status: "running", expiresAt: new Date("2020-01-01") });
	 */
	preview(given?: Given<PreviewEnvironment>): Promise<PreviewEnvironment>;
	/**
	 * A log entry of a new workspace unless `workspaceId` or `userId` is given.
	 *
	 * @example
	 * const { workspaceId } = await testDb.make.logEntry({ action: "stop", details: { reason: "idle" } });
	 */
	logEntry(given?: Given<WorkspaceLog>): Promise<WorkspaceLog>;
}

const DAY = 86_400_000;

/** The makers of one database; `connected` gives its DataSource. */
export function makersOf(connected: () => Promise<DataSource>): Makers {
	let made = 0;
	const insert = async <Entity extends ObjectLiteral & { id: number }>(
		entity: EntityTarget<Entity>,
		values: DeepPartial<Entity>,
	): Promise<Entity> => {
		const repository = (await connected()).getRepository(entity);
		const { id } = (await repository.insert(values as never)).identifiers[0] as { id: number };
		return repository.findOneByOrFail({ id } as never);
	};
	const makers: Makers = {
		async user(given = {}) {
			const name = `user-${++made}`;
			const { username = name, systemUsername = name, ...rest } = given;
			if (Object.keys(rest).length === 0) return insertUser(await connected(), username, systemUsername);
			return insertUser(await connected(), username, systemUsername, rest.id);
		},
		async workspace(given = {}) {
			const userId = given.userId ?? (await makers.user()).id;
			return insert(Workspace, { projectName: `project-${++made}`, status: "stopped", ...given, userId });
		},
		async preview(given = {}) {
			const dataSource = await connected();
			const workspace = given.workspaceId
				? await dataSource.getRepository(Workspace).findOneByOrFail({ id: given.workspaceId })
				: await makers.workspace(given.userId ? { userId: given.userId } : {});
			const { id: workspaceId, userId, projectName } = workspace;
			const defaults = { userId, projectName, previewHash: `hash-${++made}`, expiresAt: new Date(Date.now() + DAY) };
			return insert(PreviewEnvironment, { ...defaults, status: "creating", ...given, workspaceId });
		},
		async logEntry(given = {}) {
			const isGiven = given.userId !== undefined || given.workspaceId !== undefined;
			const workspace = isGiven ? undefined : await makers.workspace();
			const found = given.workspaceId
				? await (await connected()).getRepository(Workspace).findOneByOrFail({ id: given.workspaceId })
				: workspace;
			const { id: workspaceId = null, userId = given.userId, projectName = "project" } = found ?? {};
			return insert(WorkspaceLog, { workspaceId, userId, projectName, action: "start", ...given } as never);
		},
	};
	return makers;
}

/** In SQL, since the entity leaves out what the dashboard's table wants besides. */
async function insertUser(
	dataSource: DataSource,
	username: string,
	systemUsername: string,
	id?: number,
): Promise<DashboardUser> {
	const result = await dataSource.query<{ insertId: number }>(
		"INSERT INTO dashboard_users (id, username, system_username, password_hash) VALUES (?, ?, ?, 'x')",
		[id ?? null, username, systemUsername],
	);
	return dataSource.getRepository(DashboardUser).findOneByOrFail({ id: id ?? result.insertId });
}
