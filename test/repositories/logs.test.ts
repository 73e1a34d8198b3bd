import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type NewLogEntry, WORKSPACE_LOG_ACTIONS, WorkspaceLog } from "../../src";
import { addUnlimitedUser, type Context, openContext, secondsFromNow } from "./context";

let context: Context;
let user: number;
let workspace: number;

describe("the log", () => {
	before(async () => {
		context = await openContext();
		user = await addUnlimitedUser(context, "logger");
		workspace = await context.workspaces.createWithinLimit({ userId: user, projectName: "p" });
	});
	after(() => context.close());

	test("an entry comes back as it was appended", async () => {
		const { logs, database } = context;
		for (const [details, stored] of [
			[{ port: 1, list: [1, "🚀", null, { deep: true }], text: "'\"\\\n" }, undefined],
			["text", undefined],
			["123", undefined],
			[0, undefined],
			[false, undefined],
			[[], undefined],
			[null, null],
			[undefined, null],
		] as const) {
			const entry = { workspaceId: workspace, userId: user, projectName: "as it was", action: "start" } as const;
			const id = await logs.append({ ...entry, ...(details === undefined ? {} : { details: details as string }) });
			const { entries } = await logs.pageOfProject(user, "as it was", { limit: 1 });
			const [found] = entries;
			assert.ok(found instanceof WorkspaceLog);
			const { createdAt, ...rest } = found;
			assert.deepEqual(rest, { id, ...entry, details: stored === null ? null : details });
			assert.ok(Math.abs(await secondsFromNow(database, createdAt)) < 60);
		}
	});

	test("takes every action, without a workspace too", async () => {
		const { logs } = context;
		for (const action of WORKSPACE_LOG_ACTIONS) await logs.append({ userId: user, projectName: "actions", action });
		const { entries } = await logs.pageOfProject(user, "actions");
		assert.deepEqual(entries.map(({ action }) => action).reverse(), WORKSPACE_LOG_ACTIONS);
		assert.ok(entries.every(({ workspaceId }) => workspaceId === null));
	});

	test("stores no secret of the details, at any depth", async () => {
		const { logs, database } = context;
		const secret = "s3cr3t-value";
		await logs.append({
			userId: user,
			projectName: "redacted",
			action: "error",
			details: {
				api_key: secret,
				apiKey: secret,
				PASSWORD: { nested: secret },
				list: [[{ accessToken: secret }], { "client-secret": [secret] }],
				deep: { er: { credentials: secret, shown: "yes" } },
				key: null,
				port: 8080,
			},
		});
		const [row] = await database.rows<{ details: string }>(
			"SELECT CAST(details AS CHAR) AS details FROM workspace_logs WHERE project_name = 'redacted'",
		);
		assert.ok(row && !row.details.includes(secret));
		const hidden = "[REDACTED]";
		assert.deepEqual(JSON.parse(row.details), {
			api_key: hidden,
			apiKey: hidden,
			PASSWORD: hidden,
			list: [[{ accessToken: hidden }], { "client-secret": hidden }],
			deep: { er: { credentials: hidden, shown: "yes" } },
			key: hidden,
			port: 8080,
		});
	});

	test("refuses what is no entry, naming the property and not the value", async () => {
		const { logs } = context;
		const entry: NewLogEntry = { workspaceId: workspace, userId: user, projectName: "refused", action: "start" };
		const circular: Record<string, unknown> = {};
		circular["self"] = circular;
		for (const [changes, error] of [
			[{ projectName: "s3cr3t".repeat(20) }, { code: "VALUE_TOO_LONG", property: "projectName", maximum: 100 }],
			[{ projectName: undefined }, { code: "INVALID_VALUE", property: "projectName" }],
			[{ projectName: 0 }, { code: "INVALID_VALUE", property: "projectName" }],
			[{ userId: undefined }, { code: "INVALID_VALUE", property: "userId" }],
			[{ userId: "1" }, { code: "INVALID_VALUE", property: "userId" }],
			[{ workspaceId: [workspace] }, { code: "INVALID_VALUE", property: "workspaceId" }],
			[{ action: "s3cr3t" }, { code: "INVALID_VALUE", property: "action" }],
			[{ details: circular }, { code: "INVALID_VALUE", property: "details" }],
			[{ details: { n: 1n } }, { code: "INVALID_VALUE", property: "details" }],
			[{ details: "half a character: \ud83d" }, { code: "INVALID_VALUE", property: "details" }],
			[{ details: () => 1 }, { code: "INVALID_VALUE", property: "details" }],
			[{ workspaceId: 999_999 }, { code: "NOT_FOUND", entity: "Workspace" }],
			[{ userId: 999_999 }, { code: "NOT_FOUND", entity: "DashboardUser" }],
		] as const) {
			const refused = { ...entry, ...changes } as unknown as NewLogEntry;
			await assert.rejects(logs.append(refused), (thrown: Error) => {
				assert.ok(!thrown.message.includes("s3cr3t"), thrown.message);
				for (const [name, value] of Object.entries(error)) assert.equal(thrown[name as keyof Error], value);
				return true;
			});
		}
		assert.deepEqual((await logs.pageOfProject(user, "refused")).entries, []);
	});

	test("pages follow one another, latest first, without gap or repetition while entries are added", async () => {
		const { logs, ada } = context;
		const other = await context.workspaces.createWithinLimit({ userId: user, projectName: "pages" });
		const expected: number[] = [];
		for (let number = 0; number < 25; number++) {
			expected.unshift(await logs.append({ workspaceId: other, userId: user, projectName: "pages", action: "start" }));
			await logs.append({ workspaceId: workspace, userId: ada, projectName: "pages", action: "stop" });
		}
		for (const page of [
			(before: number | null) => logs.pageOfWorkspace(other, { limit: 10, before }),
			(before: number | null) => logs.pageOfProject(user, "pages", { limit: 10, before }),
		]) {
			const [found, sizes]: [number[], number[]] = [[], []];
			for (let before: number | null = null; ; ) {
				const { entries, next } = await page(before);
				found.push(...entries.map(({ id }) => id));
				sizes.push(entries.length);
				if (next === null) break;
				before = next;
				await logs.append({ workspaceId: other, userId: user, projectName: "pages", action: "timeout" });
			}
			assert.deepEqual(found.slice(-25), expected);
			assert.equal(new Set(found).size, found.length);
			assert.deepEqual(sizes.slice(0, 2), [10, 10]);
			await context.database.rows("DELETE FROM workspace_logs WHERE action = 'timeout'");
		}
		const all = await logs.pageOfEverybody({ limit: 1_000 });
		assert.ok(all.entries.some(({ userId }) => userId === ada));
		assert.deepEqual(
			all.entries.map(({ id }) => id),
			all.entries.map(({ id }) => id).sort((a, b) => b - a),
		);
		const exact = await logs.pageOfWorkspace(other, { limit: 25 });
		assert.deepEqual([exact.entries.length, exact.next], [25, null]);
		assert.equal((await logs.pageOfWorkspace(other)).entries.length, 25);
	});

	test("a page has 1 to 1,000 entries and a cursor that is one", async () => {
		const { logs } = context;
		for (const limit of [0, 1_001, 1.5, -1, Number.NaN, "10", null]) {
			await assert.rejects(logs.pageOfEverybody({ limit: limit as number }), {
				code: "INVALID_VALUE",
				property: "limit",
			});
		}
		for (const before of ["1", new Date(), [1], {}]) {
			const options = { before: before as number };
			await assert.rejects(logs.pageOfWorkspace(workspace, options), { code: "INVALID_VALUE", property: "before" });
		}
	});

	test("old entries are deleted in batches, the rest stays", async () => {
		const { logs, database } = context;
		await database.rows("DELETE FROM workspace_logs");
		const insert = (count: number, age: string) =>
			Promise.all(
				Array.from({ length: count }, () =>
					database.rows(
						`INSERT INTO workspace_logs (user_id, project_name, action, created_at)
							VALUES (?, 'old', 'start', ${age})`,
						[user],
					),
				),
			);
		await insert(25, "NOW() - INTERVAL 91 DAY");
		await insert(7, "NOW() - INTERVAL 89 DAY");
		await insert(2, "NULL");
		const olderThan = new Date(Date.now() - 90 * 86_400_000);
		assert.equal(await logs.deleteOlderThan(olderThan, { batchSize: 10 }), 25);
		assert.equal(await logs.deleteOlderThan(olderThan), 0);
		assert.equal((await logs.pageOfEverybody()).entries.length, 9);
		for (const batchSize of [0, 10_001, 1.5, "5"]) {
			const options = { batchSize: batchSize as number };
			await assert.rejects(logs.deleteOlderThan(olderThan, options), { code: "INVALID_VALUE", property: "batchSize" });
		}
		for (const none of [undefined, null, "2024-01-01", 5, new Date(Number.NaN)]) {
			await assert.rejects(logs.deleteOlderThan(none as Date), { code: "INVALID_VALUE", property: "olderThan" });
		}
		assert.equal((await logs.pageOfEverybody()).entries.length, 9);
	});

	test("an entry of an old dashboard whose details are no JSON is read as text, with the page around it", async () => {
		const { logs, database } = context;
		await database.rows("ALTER TABLE workspace_logs MODIFY details LONGTEXT");
		await logs.append({ userId: user, projectName: "old text", action: "start", details: { port: 1 } });
		await database.rows(
			"INSERT INTO workspace_logs (user_id, project_name, action, details) VALUES (?, 'old text', 'stop', 'port: 2')",
			[user],
		);
		const { entries } = await logs.pageOfProject(user, "old text");
		assert.deepEqual(
			entries.map(({ details }) => details),
			["port: 2", { port: 1 }],
		);
	});
});
