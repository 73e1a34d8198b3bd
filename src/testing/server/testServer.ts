import { createHash } from "node:crypto";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/**
 * A server for tests.
 *
 * @example
 * const server = await startTestServer();
 * process.env.TEST_DATABASE_URL = server.url;   // for every test file of the run
 */
export interface TestServer {
	/** `mysql://user:password@host:port` of an administrator. */
	readonly url: string;
	/**
	 * Stops it, if it is one that was started here; a later test starts it again.
	 *
	 * @example
	 * const server = await startTestServer();
	 * const teardown = () => server.stop();         // what Vitest's globalSetup returns
	 */
	stop(): Promise<void>;
}

/**
 * The server of `TEST_DATABASE_URL`, else one that is started on loopback from the machine's own mariadbd or mysqld, in
 * a folder below the system's temporary one. It keeps running, so that the next run of the tests finds it: where it
 * should not, stop it when all tests are done (`globalTeardown` of Jest and Vitest).
 *
 * @throws Error where `TEST_DATABASE_URL` is not set and the machine has no server
 *
 * @example
 * const { url, stop } = await startTestServer();
 * const db = await openTestDatabase({ url });
 */
export async function startTestServer(): Promise<TestServer> {
	const { TEST_DATABASE_URL: url } = process.env;
	if (url) return { url, stop: async () => undefined };
	const { HOST, startServer, stopServer } = await import("./private-server.mjs");
	const { findServer } = await import("./server-binary.mjs");
	const binary = findServer();
	if (!binary) {
		throw new Error("There is neither mariadbd nor mysqld: install one, or set TEST_DATABASE_URL (mysql://…)");
	}
	const owner = createHash("sha256").update(`${userInfo().username} ${binary}`).digest("hex").slice(0, 8);
	const folder = join(tmpdir(), `dployr-workspaces-db-testing-${owner}`);
	const { port, password } = await startServer(folder, { throwaway: true });
	return {
		url: `mysql://root:${encodeURIComponent(password)}@${HOST}:${port}`,
		stop: async () => {
			await stopServer(folder);
		},
	};
}
