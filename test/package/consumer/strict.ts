import {
	createDataSource,
	LimitReachedError,
	type NewWorkspace,
	type Operations,
	openWorkspaces,
	Workspace,
	WorkspaceRepository,
	type WorkspaceStatus,
	WorkspacesError,
	type WorkspacesErrorCode,
	type WorkspacesOrFake,
	type WorkspacesRepositories,
} from "dployr-workspaces-db";
import { fakeWorkspaces } from "dployr-workspaces-db/testing";

/** What a service takes, which a fake is as well; a fake of one's own has the methods that the service needs. */
const db: WorkspacesOrFake = fakeWorkspaces();
const real: WorkspacesOrFake = openWorkspaces();
const repositories: WorkspacesRepositories = db;
void [real, repositories];
const own: Pick<Operations<WorkspaceRepository>, "findById" | "deleteById"> = {
	findById: async () => null,
	deleteById: async (id) => id > 0,
};
// @ts-expect-error It answers with something else than a repository.
const wrong: Pick<Operations<WorkspaceRepository>, "findById"> = { findById: async () => undefined };
/** What is left out may be undefined. */
const given: NewWorkspace = { userId: 1, projectName: "p", cpuLimit: undefined, idleTimeoutMinutes: null };
void [db, own, wrong, given];

/** A repository with a method of the application's own. */
class OwnRepository extends WorkspaceRepository {
	countFailed(): Promise<number> {
		return this.countBy({ status: "error" });
	}
}

/** The classes tell errors apart, and the codes too. */
function codeOf(error: unknown): WorkspacesErrorCode | number | undefined {
	if (error instanceof LimitReachedError) return error.limit;
	return error instanceof WorkspacesError ? error.code : undefined;
}

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
	const dataSource = createDataSource();
	// A repository may be made before the connection.
	const repository = OwnRepository.from(dataSource);
	try {
		await dataSource.initialize();
		const failed: number = await repository.countFailed();
		const { userId } = await dataSource.getRepository(Workspace).findOneByOrFail({ projectName: "from-esm" });
		const workspace = await dataSource.transaction((manager) =>
			WorkspaceRepository.from(manager).findByUserAndProject(userId, "from-esm"),
		);
		console.log(workspace && failed === 0 ? describe(workspace) : "there is none");
	} catch (error) {
		console.error(codeOf(error) ?? error);
		process.exitCode = 1;
	} finally {
		await dataSource.destroy();
	}
}

void main();
