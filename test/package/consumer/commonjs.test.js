const {
	createDataSource,
	LimitReachedError,
	ResourceLimit,
	Workspace,
	WorkspaceRepository,
} = require("dployr-workspaces-db");
const { fakeWorkspaces, openTestDatabase } = require("dployr-workspaces-db/testing");

let dataSource;

beforeAll(async () => {
	dataSource = await createDataSource().initialize();
});

afterAll(() => dataSource.destroy());

test("a repository creates and finds, up to the limit", async () => {
	const { insertId: userId } = await dataSource.query(
		"INSERT INTO dashboard_users (username, password_hash, system_username) VALUES ('jest', 'x', 'jest')",
	);
	const workspaces = WorkspaceRepository.from(dataSource);
	const id = await workspaces.createWithinLimit({ userId, projectName: "one" });
	const workspace = await workspaces.findById(id);
	expect(workspace).toBeInstanceOf(Workspace);
	expect(workspace).toMatchObject({ projectName: "one", status: "stopped", createdAt: expect.any(Date) });
	await workspaces.createWithinLimit({ userId, projectName: "two" });
	const third = workspaces.createWithinLimit({ userId, projectName: "three" });
	await expect(third).rejects.toThrow(LimitReachedError);
});

test("the global limits are seeded", async () => {
	expect(await dataSource.getRepository(ResourceLimit).count()).toBe(1);
});

test("a fake rejects with the classes that the package exports", async () => {
	const db = fakeWorkspaces();
	const { id: userId } = await db.make.user();
	await db.limits.setOwn(userId, { maxWorkspaces: 0 });
	const creation = db.workspaces.createWithinLimit({ userId, projectName: "one" });
	await expect(creation).rejects.toThrow(LimitReachedError);
});

test("a throwaway database is had in one line", async () => {
	const db = await openTestDatabase();
	const { id } = await db.make.workspace({ status: "running" });
	expect(await db.workspaces.markStopped(id)).toBe(true);
	await db.drop();
});
