import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { toRow, type Workspace } from "../../src";
import { addRunning, type Context, openContext } from "./context";

let context: Context;

describe("a row for a view", () => {
	before(async () => {
		context = await openContext();
	});
	after(() => context.close());

	test("is the table's, without secrets", async () => {
		const { workspaces, previews, limits, logs, database, ada } = context;
		const id = await addRunning(context, ada, "rows");
		const preview = await previews.createWithinLimit({
			workspaceId: id,
			userId: ada,
			previewHash: "h",
			passwordHash: "x",
		});
		await logs.append({ workspaceId: id, userId: ada, projectName: "rows", action: "start", details: { a: [1] } });
		for (const [table, entity, secrets] of [
			["workspaces", await workspaces.findById(id), ["code_server_password_encrypted", "code_server_password_iv"]],
			[
				"workspaces",
				await workspaces.findOneByOrFail({ id }),
				["code_server_password_encrypted", "code_server_password_iv"],
			],
			["preview_environments", await previews.findByHashWithPassword("h"), ["password_hash"]],
			["preview_environments", await previews.findById(preview), ["password_hash"]],
			["resource_limits", await limits.findGlobal(), ["global_row"]],
			["workspace_logs", (await logs.pageOfWorkspace(id)).entries[0], []],
		] as const) {
			assert.ok(entity);
			const [stored] = await database.rows(`SELECT * FROM ${table} ORDER BY id DESC LIMIT 1`);
			const expected = { ...stored, ...(table === "workspace_logs" && { details: { a: [1] } }) } as Record<
				string,
				unknown
			>;
			for (const secret of secrets) delete expected[secret];
			assert.deepEqual(toRow(entity as Workspace), expected);
		}
	});

	test("has the owner's names where they were loaded, and only what was", async () => {
		const { workspaces } = context;
		const [active] = (await workspaces.listActive()).map(toRow);
		assert.deepEqual([active?.username, active?.system_username, active?.project_name], ["ada", "sys_ada", "rows"]);
		assert.ok(active && !("user" in active));
		const [route] = (await workspaces.listRoutesByProject("rows")) as Workspace[];
		assert.ok(route);
		assert.deepEqual(Object.keys(toRow(route)).sort(), ["container_id", "id", "status", "user_id"]);
	});
});
