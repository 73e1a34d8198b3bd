export { openTestDatabase, type TestDatabase, type TestDatabaseOptions } from "./database";
export { type FakeOptions, type FakeWorkspaces, fakeWorkspaces } from "./fakes";
export type { Given, Makers } from "./makers";
export { startTestServer, type TestServer } from "./server/testServer";
