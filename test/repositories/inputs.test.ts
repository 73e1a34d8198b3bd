import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { addUnlimitedUser, type Context, openContext, STARTED } from "./context";

let context: Context;
let user: number;

describe("what a caller gives", () => {
	before(async () => {
		context = await openContext();
		user = await addUnlimitedUser(context, "inputs");
	});
	after(() => context.close());

	test("under an unknown name is refused, with the nearest one, and changes nothing", async () => {
		const { workspaces, previews, limits, logs, ports } = context;
		const id = await workspaces.createWithinLimit({ userId: user, projectName: "names" });
		const started = { ...STARTED, container_id: "x" };
		for (const [call, property, message] of [
			[() => limits.setGlobal({ max_workspaces: 1 } as never), "max_workspaces", "did you mean maxWorkspaces?"],
			[() => limits.setOwn(user, { maxWorkspace: 1 } as never), "maxWorkspace", "did you mean maxWorkspaces?"],
			[() => workspaces.changeResources(id, { cpu_limit: "4" } as never), "cpu_limit", "did you mean cpuLimit?"],
			[
				() => workspaces.createWithinLimit({ userId: user, project_name: "x" } as never),
				"project_name",
				"did you mean projectName?",
			],
			[() => workspaces.markRunning(id, started), "container_id", "did you mean containerId?"],
			[() => workspaces.markFailed(id, "x", { prot: 1 } as never), "prot", "did you mean port?"],
			[() => workspaces.reconcile(id, { runing: true } as never), "runing", "did you mean running?"],
			[
				() => previews.createWithinLimit({ workspaceId: id, userId: user, hash: "x" } as never),
				"hash",
				"unknown, use workspaceId, userId, previewHash, expiresAt, passwordHash",
			],
			[() => previews.extendBy(id, { hour: 1 } as never), "hour", "did you mean hours?"],
			[() => logs.append({ user_id: user } as never), "user_id", "did you mean userId?"],
			[() => logs.pageOfEverybody({ page: 2 } as never), "page", "unknown, use limit, before"],
			[() => logs.deleteOlderThan(new Date(), { batch_size: 2 } as never), "batch_size", "did you mean batchSize?"],
			[() => ports.claimForWorkspace(id, { form: 1 } as never), "form", "did you mean from?"],
		] as const) {
			await assert.rejects(async () => call(), {
				name: "UnknownPropertyError",
				code: "INVALID_VALUE",
				property,
				message: `${property}: ${message}`,
			});
		}
		assert.equal((await limits.findEffective(user)).maxWorkspaces, 1_000);
		assert.equal((await workspaces.findById(id))?.status, "stopped");
		await assert.rejects(async () => limits.setGlobal(undefined as never), { code: "INVALID_VALUE" });
		await assert.rejects(async () => workspaces.createWithinLimit(null as never), { code: "INVALID_VALUE" });
	});

	test("as a string where a number belongs is refused with the way out, and without the value", async () => {
		const { workspaces, previews, limits, ports } = context;
		for (const call of [
			() => workspaces.findById("s3cr3t" as never),
			() => workspaces.heartbeat("s3cr3t" as never, user),
			() => previews.listByWorkspaces(["s3cr3t"] as never),
			() => limits.setGlobal({ maxWorkspaces: "s3cr3t" } as never),
			() => limits.setGlobal({ defaultPreviewLifetimeHours: "s3cr3t" } as never),
			() => ports.claimForWorkspace(1, { from: "s3cr3t" } as never),
			() => ports.isAssigned("s3cr3t" as never),
		]) {
			await assert.rejects(
				async () => call(),
				(error: Error) => {
					assert.match(error.message, /: got a string; use Number\(\)$/);
					assert.ok(!error.message.includes("s3cr3t"));
					return true;
				},
			);
		}
		const text = previews.extendExpiry(1, "2031-01-01" as never);
		await assert.rejects(text, { message: /got a string; use new Date\(\)$/ });
	});

	test("undefined is as good as left out where a property is optional, and refused as a condition", async () => {
		const { workspaces, previews, logs, ports } = context;
		const id = await workspaces.createWithinLimit({ userId: user, projectName: "undefined", cpuLimit: undefined });
		await workspaces.changeResources(id, { cpuLimit: "3", ramLimit: undefined });
		await ports.claimForWorkspace(id, { from: undefined, except: undefined });
		await logs.append({ userId: user, projectName: "p", action: "start", details: undefined, workspaceId: undefined });
		const { cpuLimit, ramLimit } = (await workspaces.findById(id)) ?? {};
		assert.deepEqual([cpuLimit, ramLimit], ["3", "2g"]);
		const nobody = undefined as never;
		await assert.rejects(previews.listByWorkspaces([id], nobody), { code: "INVALID_VALUE", property: "userId" });
		await assert.rejects(previews.countActiveByWorkspaces([id], nobody), { code: "INVALID_VALUE" });
	});

	test("selects the previews of many workspaces of one user", async () => {
		const { workspaces, previews, bob } = context;
		const id = await workspaces.createWithinLimit({ userId: user, projectName: "shared" });
		const own = await previews.createWithinLimit({ workspaceId: id, userId: user, previewHash: "own" });
		const other = await previews.createWithinLimit({ workspaceId: id, userId: bob, previewHash: "bob's" });
		const idsOf = async (...userId: [number?]) =>
			((await previews.listByWorkspaces([id], ...userId)).get(id) ?? []).map((preview) => preview.id);
		assert.deepEqual(await idsOf(), [other, own]);
		assert.deepEqual(await idsOf(user), [own]);
		assert.deepEqual(await idsOf(bob), [other]);
		assert.equal(await previews.countActive(id), 2);
		assert.equal(await previews.countActive(id, bob), 1);
		assert.deepEqual(
			[...(await previews.countActiveByWorkspaces([id, 999], user))],
			[
				[id, 1],
				[999, 0],
			],
		);
	});

	test("is a lifetime of previews only as long as an expiry can be stored", async () => {
		const { workspaces, previews, limits, database } = context;
		const most = Math.floor((2 ** 31 - 1 - Date.now() / 1000) / 3600);
		const refused = { code: "INVALID_VALUE", property: "defaultPreviewLifetimeHours", message: /2038/ };
		for (const hours of [most + 2, 2 ** 31 - 1, -1, 0.5]) {
			await assert.rejects(limits.setGlobal({ defaultPreviewLifetimeHours: hours }), refused);
			await assert.rejects(limits.setOwn(user, { defaultPreviewLifetimeHours: hours }), refused);
		}
		const workspaceId = await workspaces.createWithinLimit({ userId: user, projectName: "long" });
		const expiryWith = async (hours: number) => {
			await database.rows("UPDATE resource_limits SET default_preview_lifetime_hours = ? WHERE user_id = ?", [
				hours,
				user,
			]);
			const id = await previews.createWithinLimit({ workspaceId, userId: user, previewHash: `long ${hours}` });
			return (await previews.findById(id))?.expiresAt;
		};
		// As an older release stored them.
		assert.deepEqual(await expiryWith(2 ** 31 - 1), new Date((2 ** 31 - 1) * 1000));
		assert.ok(((await expiryWith(-5))?.getTime() ?? 0) <= Date.now() + 1000);
		await limits.setOwn(user, { defaultPreviewLifetimeHours: most - 1 });
		await previews.createWithinLimit({ workspaceId, userId: user, previewHash: "longest" });
		await limits.setOwn(user, { defaultPreviewLifetimeHours: 24 });
	});
});
