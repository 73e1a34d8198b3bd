import {
	createDataSource,
	LimitReachedError,
	type Operations,
	Workspace,
	WorkspaceRepository,
	type WorkspaceStatus,
	type WorkspacesRepositories,
} from "dployr-workspaces-db";
import { fakeWorkspaces } from "dployr-workspaces-db/testing";

/** What a service takes, which a fake is as well. */
const db: WorkspacesRepositories = fakeWorkspaces();
const route: Pick<Operations<WorkspaceRepository>, "findById"> = { findById: async () => null };
void [db, route];

/** Compiles only where nullability and the union of statuses came through. */
function describe(workspace: Workspace): string {
	const status: WorkspaceStatus | null = workspace.status;
	const port: number | null = workspace.assignedPort;
	// @ts-expect-error It may be null.
	const wrong: number = workspace.assignedPort;
	// @ts-expect-error It may not have been loaded.
	void (() => workspace.user.username);
	return `${workspace.projectName} is ${status ?? "unknown"} on ${port ?? wrong ?? "no port"}`;
}

async function main(): Promise<void> {
	const dataSource = await createDataSource().initialize();
	try {
		const { userId } = await dataSource.getRepository(Workspace).findOneByOrFail({ projectName: "from-esm" });
		const workspace = await dataSource.transaction((manager) =>
			WorkspaceRepository.from(manager).findByUserAndProject(userId, "from-esm"),
		);
		console.log(workspace ? describe(workspace) : "there is none");
	} catch (error) {
		const limit: number | undefined = error instanceof LimitReachedError ? error.limit : undefined;
		console.error(limit ?? error);
		process.exitCode = 1;
	} finally {
		await dataSource.destroy();
	}
}

void main();
