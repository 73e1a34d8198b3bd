import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { addUnlimitedUser, type Context, openContext } from "./context";

let context: Context;
let user: number;

describe("a value that a repository is given", () => {
	before(async () => {
		context = await openContext();
		user = await addUnlimitedUser(context, "giver");
	});
	after(() => context.close());

	test("is refused where it is undefined, a list or an object, in every condition", async () => {
		const { workspaces, previews, keys, limits, logs, ports } = context;
		const id = await workspaces.createWithinLimit({ userId: user, projectName: "values" });
		const calls: Record<string, (value: never) => Promise<unknown>> = {
			findById: (value) => workspaces.findById(value),
			"findByUserAndProject 1": (value) => workspaces.findByUserAndProject(value, "p"),
			listByUser: (value) => workspaces.listByUser(value),
			countByUser: (value) => workspaces.countByUser(value),
			markStopped: (value) => workspaces.markStopped(value),
			heartbeat: (value) => workspaces.heartbeat(value, user),
			deleteById: (value) => workspaces.deleteById(value),
			"preview findById": (value) => previews.findById(value),
			"findByIdAndUser 1": (value) => previews.findByIdAndUser(value, user),
			"findByIdAndUser 2": (value) => previews.findByIdAndUser(1, value),
			"listByWorkspaceAndUser 1": (value) => previews.listByWorkspaceAndUser(value, user),
			"listByWorkspaceAndUser 2": (value) => previews.listByWorkspaceAndUser(id, value),
			listByWorkspaces: (value) => previews.listByWorkspaces([value]),
			countActive: (value) => previews.countActive(value),
			"preview deleteById": (value) => previews.deleteById(value),
			hasKey: (value) => keys.hasKey(value, "openai"),
			clearKey: (value) => keys.clearKey(value, "openai"),
			findEffective: (value) => limits.findEffective(value),
			findOwn: (value) => limits.findOwn(value),
			setOwn: (value) => limits.setOwn(value, { maxWorkspaces: 99 }),
			removeOwn: (value) => limits.removeOwn(value),
			"heartbeat 2": (value) => workspaces.heartbeat(id, value),
			pageOfWorkspace: (value) => logs.pageOfWorkspace(value),
			isAssigned: (value) => ports.isAssigned(value),
			claimForWorkspace: (value) => ports.claimForWorkspace(value),
		};
		for (const [name, call] of Object.entries(calls)) {
			for (const value of [undefined, null, [1, 2], { id: 1 }, "1", "1 OR 1=1", 1.5, Number.NaN, 2 ** 40, true]) {
				await assert.rejects(
					() => call(value as never),
					{ code: "INVALID_VALUE" },
					`${name}(${JSON.stringify(value)})`,
				);
			}
		}
		const names: Record<string, (value: never) => Promise<unknown>> = {
			"findByUserAndProject 2": (value) => workspaces.findByUserAndProject(user, value),
			listRoutesByProject: (value) => workspaces.listRoutesByProject(value),
			findByHash: (value) => previews.findByHash(value),
			pageOfProject: (value) => logs.pageOfProject(user, value),
		};
		for (const [name, call] of Object.entries(names)) {
			// MySQL takes the number 0 for equal to every name that does not begin with a digit.
			for (const value of [undefined, null, 0, ["p"], { toString: () => "p" }, true]) {
				await assert.rejects(
					() => call(value as never),
					{ code: "INVALID_VALUE" },
					`${name}(${JSON.stringify(value)})`,
				);
			}
		}
		await assert.rejects(workspaces.findOneBy({ id: undefined as never }), /undefined/i);
		assert.ok(await workspaces.findById(id));
	});

	test("is no more than a text where it is one", async () => {
		const { workspaces } = context;
		const projectName = "'; DROP TABLE workspaces; -- \\ :id ?";
		const id = await workspaces.createWithinLimit({ userId: user, projectName });
		assert.equal((await workspaces.findByUserAndProject(user, projectName))?.id, id);
		const widest = "🧨".repeat(100);
		const wide = await workspaces.createWithinLimit({ userId: user, projectName: widest });
		assert.equal((await workspaces.findById(wide))?.projectName, widest);
		await assert.rejects(workspaces.createWithinLimit({ userId: user, projectName: `${widest}x` }), {
			code: "VALUE_TOO_LONG",
			entity: "Workspace",
			property: "projectName",
			maximum: 100,
			unit: "characters",
		});
		await workspaces.setStatus(id, "starting");
		await workspaces.markFailed(id, "x".repeat(65_535));
		await workspaces.markStopped(id);
		await workspaces.setStatus(id, "starting");
		await assert.rejects(workspaces.markFailed(id, "🧨".repeat(16_384)), { code: "VALUE_TOO_LONG", unit: "bytes" });
	});
});
