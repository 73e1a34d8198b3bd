import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ERROR, hasNumber } from "../../src/mysql/errorNumbers";
import { retry } from "../../src/mysql/retry";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import type { temporaryFolder } from "../support/processes";
import { type AroundDocker, type Dashboard, installExample, request, startDashboard, startDocker } from "./application";
import { assertExact, assertTrue } from "./invariants";

/**
 * Two applications on one database, Docker failing at random, 50 callers, users deleted meanwhile.
 * STORM_SECONDS says for how long.
 */

const SECONDS = Number(process.env["STORM_SECONDS"] ?? 20);
const CALLERS = 50;
const USERS = Array.from({ length: 12 }, (_, index) => `user-${index}`);
/** Fewer ports than there could be workspaces and previews. */
const RANGE = { WORKSPACE_PORT_RANGE_START: "10000", WORKSPACE_PORT_RANGE_END: "10019" };
/** What a caller may be answered: done, not logged in, not there, refused, Docker's failure, no free port. */
const EXPECTED = [200, 201, 204, 401, 404, 409, 502, 503];

let folder: ReturnType<typeof temporaryFolder>;
let database: TestDatabase;
let docker: Awaited<ReturnType<typeof startDocker>>;
let dashboards: readonly [Dashboard, Dashboard];
let dockerFails = false;

const chance = (share: number) => Math.random() < share;
const oneOf = <Item>(items: readonly Item[]) => items[Math.floor(Math.random() * items.length)];

const failing: AroundDocker = async (_call, perform) => {
	if (dockerFails && chance(0.08)) throw new Error("on purpose, before it was done");
	const answer = await perform();
	if (dockerFails && chance(0.08)) throw new Error("on purpose, after it was done");
	return answer;
};

before(async () => {
	folder = await installExample();
	database = await createTestDatabase();
	docker = await startDocker(join(folder.path, "docker.sock"), failing);
	await addUsers(database, "root", ...USERS);
	await database.connection.query("UPDATE dashboard_users SET is_admin = username = 'root'");
	const place = { folder: folder.path, database, socket: docker.socket, env: RANGE };
	dashboards = await Promise.all([startDashboard(place), startDashboard(place)]);
	for (const dashboard of dashboards) await dashboard.printed(/^Workspaces are ready$/m);
	await database.connection.query("UPDATE resource_limits SET max_workspaces = 2, max_previews_per_workspace = 1");
});

after(async () => {
	for (const dashboard of dashboards ?? []) await dashboard.kill();
	docker?.close();
	folder?.remove();
	await database?.drop();
});

interface Body {
	readonly id: number;
}

/** What was answered, by status. */
const answers = new Map<number, number>();

async function call<Result>(
	user: string,
	what: Parameters<typeof request>[2],
	body?: object,
): Promise<Result | undefined> {
	const dashboard = oneOf(dashboards) ?? dashboards[0];
	const answer = await request<Result>(dashboard, user, what, body);
	answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1);
	assert.ok(EXPECTED.includes(answer.status), `${what}: ${answer.status} ${answer.text}`);
	return answer.status < 300 ? answer.body : undefined;
}

/** One thing that somebody does. */
async function actOnce(): Promise<void> {
	const user = oneOf(USERS) ?? "";
	if (chance(0.03)) await call("root", `POST /admin/jobs/${oneOf(["idle", "expire", "finish"])}`);
	if (chance(0.3)) await call(user, "POST /workspaces", { projectName: `project-${oneOf([1, 2, 3])}` });
	const workspace = oneOf((await call<Body[]>(user, "GET /workspaces")) ?? []);
	if (!workspace) return;
	const at = `/workspaces/${workspace.id}` as const;
	const preview = oneOf((await call<Body[]>(user, `GET ${at}/previews`)) ?? []);
	const does = Math.random();
	if (does < 0.35) await call(user, `POST ${at}/start`);
	else if (does < 0.5) await call(user, `POST ${at}/stop`);
	else if (does < 0.6) await call(user, `DELETE ${at}`);
	else if (does < 0.8 || !preview) await call(user, `POST ${at}/previews`);
	else if (does < 0.9) await call(user, `POST /previews/${preview.id}/extend`, { hours: 1 });
	else await call(user, `DELETE /previews/${preview.id}`);
}

/** What happens to users, previews and workspaces while they are used. */
async function disturb(): Promise<void> {
	const user = oneOf(USERS) ?? "";
	// A cascade over all that the user has meets the applications' statements: a dashboard sends it again.
	await retry(() => database.connection.query("DELETE FROM dashboard_users WHERE username = ?", [user]), {
		isTransient: isConflict,
		attempts: 20,
	});
	await addUsers(database, user);
	await database.connection
		.query(
			`UPDATE preview_environments SET expires_at = NOW() - INTERVAL 1 HOUR WHERE RAND() < 0.2;
		UPDATE workspaces SET last_activity = NOW() - INTERVAL 3 HOUR WHERE RAND() < 0.1`,
		)
		// Applications may be in the way of statements over whole tables.
		.catch((error) => assert.ok(isConflict(error), String(error)));
}

function isConflict(error: unknown): boolean {
	return hasNumber(error, ERROR.LOCK_DEADLOCK, ERROR.LOCK_WAIT_TIMEOUT, ERROR.CHECKREAD);
}

/** Lets the callers act for some seconds, and looks at the rows meanwhile; then nothing is going on any more. */
async function rage(seconds: number): Promise<number> {
	const end = Date.now() + seconds * 1000;
	let looks = 0;
	const callers = Array.from({ length: CALLERS }, async () => {
		while (Date.now() < end) await actOnce();
	});
	const observer = (async () => {
		for (; Date.now() < end; looks++) {
			await assertExact(database);
			await disturb();
			await sleep(200);
		}
	})();
	await Promise.all([...callers, observer]);
	return looks;
}

test("rows and Docker agree, ports and limits are exact, and everything can be used", async (context) => {
	const rounds = 4;
	let looks = 0;
	for (let round = 0; round < rounds; round++) {
		dockerFails = true;
		looks += await rage(SECONDS / rounds);
		dockerFails = false;
		await assertExact(database);
		await call("root", "POST /admin/jobs/compare");
		await assertTrue(database, docker.containers);
	}
	for (const user of USERS) {
		for (const { id } of (await call<Body[]>(user, "GET /workspaces")) ?? []) {
			await call(user, `DELETE /workspaces/${id}`);
		}
		assert.deepEqual(await call(user, "GET /workspaces"), []);
	}
	await assertTrue(database, docker.containers);
	assert.equal(docker.containers.size, 0);
	for (const status of EXPECTED) if (status !== 401) assert.ok(answers.has(status), `nobody was answered ${status}`);
	const counts = [...answers].sort().map(([status, count]) => `${status}: ${count}`);
	context.diagnostic(`${looks} looks; ${counts.join(", ")}`);
});
