import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fakeWorkspaces, openTestDatabase, type TestDatabase } from "../../src/testing";
import { outcomesOn, SCENARIOS } from "../support/scenarios";

describe("fakes answer and reject as the repositories do", () => {
	let db: TestDatabase;
	before(async () => {
		db = await openTestDatabase();
	});
	after(() => db?.drop());

	for (const scenario of Object.keys(SCENARIOS)) {
		test(scenario, async () => {
			await db.clear();
			const [real, fake] = [await outcomesOn(db, scenario), await outcomesOn(fakeWorkspaces(), scenario)];
			assert.ok(Object.keys(real).length > 0);
			for (const [call, expected] of Object.entries(real)) assert.deepEqual(fake[call], expected, call);
		});
	}

	test("each method of each repository is called by a scenario", () => {
		const called = Object.values(SCENARIOS).map(String).join("\n");
		const fakes = fakeWorkspaces();
		const { workspaces, previews, ports, limits, apiKeys, logs } = fakes;
		for (const repository of [workspaces, previews, ports, limits, apiKeys, logs]) {
			const { prototype } = repository.constructor;
			const operations = Object.keys(
				Object.fromEntries(
					Object.getOwnPropertyNames(prototype)
						.filter((name) => !isPrivate(name))
						.map((name) => [name, true]),
				),
			);
			for (const name of operations) assert.ok(called.includes(`.${name}(`), `${repository.constructor.name}.${name}`);
		}
	});

	test("time is what the test says", async () => {
		let now = new Date("2030-01-01T00:00:00Z");
		const fakes = fakeWorkspaces({ clock: () => now });
		const { id } = await fakes.make.workspace({ status: "running", startedAt: now, lastActivity: now });
		assert.equal(await fakes.workspaces.beginIdleStop(id), false);
		now = new Date(now.getTime() + 31 * 60_000);
		assert.equal(await fakes.workspaces.beginIdleStop(id), true);
	});
});

const PRIVATE =
	"constructor row list withOwner isIdle allow stop change changeIfNew ofWorkspaces isOver extensible freePort page countAssigned findGlobal";

function isPrivate(name: string): boolean {
	return PRIVATE.split(" ").includes(name);
}
