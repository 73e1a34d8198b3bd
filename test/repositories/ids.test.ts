import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { addUsers } from "../../testing/database";
import { addUnlimitedUser, type Context, openContext } from "./context";

let context: Context;
let user: number;

const LAST_ID = 2 ** 31 - 1;
const useUp = (table: string) => context.database.rows(`ALTER TABLE ${table} AUTO_INCREMENT = ${LAST_ID}`);
const exhausted = (entity: string) => ({ code: "IDS_EXHAUSTED", entity });

describe("ids that are used up", () => {
	before(async () => {
		context = await openContext();
		user = await addUnlimitedUser(context, "last");
	});
	after(() => context.close());

	test("are said to be, where a row is created", async () => {
		const { workspaces, previews, logs } = context;
		const create = (projectName: string) => workspaces.createWithinLimit({ userId: user, projectName });
		await useUp("workspaces");
		const workspaceId = await create("last");
		assert.equal(workspaceId, LAST_ID);
		await assert.rejects(create("one more"), exhausted("Workspace"));
		await assert.rejects(create("last"), { code: /^(ALREADY_EXISTS|IDS_EXHAUSTED)$/ });
		await useUp("preview_environments");
		const preview = (previewHash: string) => previews.createWithinLimit({ workspaceId, userId: user, previewHash });
		await preview("last");
		await assert.rejects(preview("one more"), exhausted("PreviewEnvironment"));
		await useUp("workspace_logs");
		const entry = { userId: user, projectName: "p", action: "start" } as const;
		await logs.append(entry);
		await assert.rejects(logs.append(entry), exhausted("WorkspaceLog"));
	});

	test("never make one user's row another's", async () => {
		const { keys, limits, database } = context;
		const [last = 0, next = 0] = await addUsers(database, "owner of the last", "next");
		const iv = Buffer.alloc(16);
		await useUp("user_api_keys");
		await keys.setKey(last, "openai", Buffer.from("first"), iv);
		await assert.rejects(keys.setKey(next, "openai", Buffer.from("next"), iv), exhausted("UserApiKey"));
		assert.equal((await keys.findKey(last, "openai"))?.encrypted.toString(), "first");
		await useUp("resource_limits");
		await limits.setOwn(last, { maxWorkspaces: 5 });
		await assert.rejects(limits.setOwn(next, { maxWorkspaces: 9 }), exhausted("ResourceLimit"));
		assert.equal((await limits.findOwn(last))?.maxWorkspaces, 5);
	});

	test("do not keep a row that is there from being changed", async () => {
		const { keys, limits, database } = context;
		const [last] = await database.rows<{ user_id: number }>("SELECT user_id FROM user_api_keys");
		const [iv, owner] = [Buffer.alloc(16), last?.user_id ?? 0];
		await keys.setKey(owner, "openai", Buffer.from("second"), iv);
		assert.equal((await keys.findKey(owner, "openai"))?.encrypted.toString(), "second");
		await limits.setOwn(owner, { maxWorkspaces: 6 });
		await limits.setOwn(owner, { maxWorkspaces: 6 });
		assert.equal((await limits.findOwn(owner))?.maxWorkspaces, 6);
		await limits.setGlobal({ maxWorkspaces: 3 });
	});
});
