const { createDataSource, ResourceLimit, Workspace, WORKSPACE_STATUSES } = require("dployr-workspaces-db");

let dataSource;

beforeAll(async () => {
	dataSource = await createDataSource().initialize();
});

afterAll(() => dataSource.destroy());

test("the entities write and read", async () => {
	const { insertId } = await dataSource.query(
		"INSERT INTO dashboard_users (username, password_hash, system_username) VALUES ('jest', 'x', 'jest')",
	);
	const workspaces = dataSource.getRepository(Workspace);
	const { id } = await workspaces.save({ userId: insertId, projectName: "from-jest" });
	const workspace = await workspaces.findOneByOrFail({ id });
	expect(workspace).toBeInstanceOf(Workspace);
	expect(WORKSPACE_STATUSES).toContain(workspace.status);
	expect(workspace.createdAt).toEqual(expect.any(Date));
});

test("the global limits are seeded", async () => {
	expect(await dataSource.getRepository(ResourceLimit).count()).toBe(1);
});
