import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ResourceLimit } from "../../src";
import { LIMIT_DEFAULTS } from "../../src/entities/limitDefaults";
import { type Context, openContext } from "./context";

let context: Context;

describe("resource limits", () => {
	before(async () => {
		context = await openContext();
	});
	after(() => context.close());

	test("the defaults are those of the columns", () => {
		const { columns } = context.dataSource.getMetadata(ResourceLimit);
		const defaults = Object.fromEntries(columns.map((column) => [column.propertyName, column.default]));
		for (const [limit, value] of Object.entries(LIMIT_DEFAULTS)) assert.equal(defaults[limit], value, limit);
		assert.equal(Object.keys(LIMIT_DEFAULTS).length, 7);
	});

	test("what counts is the user's own, else the global, else the column's default, limit by limit", async () => {
		const { limits, ada, bob } = context;
		assert.deepEqual(await limits.findEffective(ada), LIMIT_DEFAULTS);
		await limits.setGlobal({ maxWorkspaces: 5, defaultCpu: "2", defaultRam: null });
		await limits.setOwn(ada, { maxWorkspaces: 7, defaultDisk: "50g" });
		assert.deepEqual(await limits.findEffective(ada), {
			...LIMIT_DEFAULTS,
			maxWorkspaces: 7,
			defaultCpu: "2",
			defaultDisk: "50g",
		});
		assert.deepEqual(await limits.findEffective(bob), { ...LIMIT_DEFAULTS, maxWorkspaces: 5, defaultCpu: "2" });
		assert.deepEqual(await limits.findEffective(999_999), await limits.findEffective(bob));
		await context.database.rows("DELETE FROM resource_limits");
		assert.deepEqual(await limits.findEffective(ada), LIMIT_DEFAULTS);
	});

	test("a limit of 0 is a limit", async () => {
		const { limits, workspaces, bob } = context;
		await limits.setOwn(bob, { maxWorkspaces: 0 });
		assert.equal((await limits.findEffective(bob)).maxWorkspaces, 0);
		await assert.rejects(workspaces.createWithinLimit({ userId: bob, projectName: "p" }), { code: "LIMIT_REACHED" });
		await limits.removeOwn(bob);
	});

	test("the global row is made when there is none, and changed as far as given when there is", async () => {
		const { limits, database } = context;
		await database.rows("DELETE FROM resource_limits");
		assert.equal(await limits.findGlobal(), null);
		await limits.setGlobal({ defaultRam: "8g" });
		const made = await limits.findGlobal();
		assert.ok(made instanceof ResourceLimit);
		assert.equal(made.userId, null);
		assert.deepEqual([made.maxWorkspaces, made.defaultRam, made.defaultDisk], [2, "8g", "10g"]);
		await limits.setGlobal({ maxWorkspaces: 9, defaultDisk: null });
		await limits.setGlobal({});
		const changed = await limits.findGlobal();
		assert.equal(changed?.id, made.id);
		assert.deepEqual([changed?.maxWorkspaces, changed?.defaultRam, changed?.defaultDisk], [9, "8g", null]);
		assert.equal((await database.rows("SELECT id FROM resource_limits")).length, 1);
	});

	test("a user's own row is made, changed as far as given, and removed", async () => {
		const { limits, ada } = context;
		await limits.removeOwn(ada);
		assert.equal(await limits.findOwn(ada), null);
		await limits.setOwn(ada, { maxWorkspaces: 4, defaultIdleTimeout: 15 });
		await limits.setOwn(ada, { defaultCpu: "6", defaultIdleTimeout: null });
		await limits.setOwn(ada, {});
		const own = await limits.findOwn(ada);
		assert.ok(own instanceof ResourceLimit);
		const { maxWorkspaces, defaultCpu, defaultIdleTimeout, defaultRam } = own;
		assert.deepEqual([maxWorkspaces, defaultCpu, defaultIdleTimeout, defaultRam], [4, "6", null, null]);
		assert.equal(await limits.removeOwn(ada), true);
		assert.equal(await limits.removeOwn(ada), false);
		await assert.rejects(limits.setOwn(999_999, { maxWorkspaces: 1 }), { code: "NOT_FOUND", entity: "DashboardUser" });
	});

	test("what does not fit is refused by name, and changes nothing", async () => {
		const { limits, ada } = context;
		await limits.setOwn(ada, { maxWorkspaces: 3 });
		await assert.rejects(limits.setOwn(ada, { maxWorkspaces: 4, defaultRam: "x".repeat(21) }), {
			code: "VALUE_TOO_LONG",
			property: "defaultRam",
			maximum: 20,
		});
		for (const value of [2.5, 2 ** 31, Number.NaN, "3", [3]]) {
			const changes = { maxWorkspaces: value as number };
			await assert.rejects(limits.setOwn(ada, changes), { code: "INVALID_VALUE", property: "maxWorkspaces" });
			await assert.rejects(limits.setGlobal(changes), { code: "INVALID_VALUE", property: "maxWorkspaces" });
		}
		assert.equal((await limits.findOwn(ada))?.maxWorkspaces, 3);
	});
});
