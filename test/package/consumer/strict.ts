import { createDataSource, Workspace, type WorkspaceStatus } from "dployr-workspaces-db";

/** Compiles only where nullability and the union of statuses came through. */
function describe(workspace: Workspace): string {
	const status: WorkspaceStatus | null = workspace.status;
	const port: number | null = workspace.assignedPort;
	// @ts-expect-error It may be null.
	const wrong: number = workspace.assignedPort;
	return `${workspace.projectName} is ${status ?? "unknown"} on ${port ?? wrong ?? "no port"}`;
}

async function main(): Promise<void> {
	const dataSource = await createDataSource().initialize();
	try {
		console.log(describe(await dataSource.getRepository(Workspace).findOneByOrFail({ projectName: "from-esm" })));
	} finally {
		await dataSource.destroy();
	}
}

void main();
