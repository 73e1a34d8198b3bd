import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { TestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";
import { installOldDashboard } from "../../testing/oldDashboard";
import { startProxy } from "../../testing/proxy";
import { startTypeorm } from "../support/processes";
import { onDatabases, recordTemplate, resetTo, stateOf, type Template } from "../support/snapshot";

/** Each takes a process of its own, so only some of the places: these many, spread over the whole run. */
const PLACES = 10;
/** Processes at once. */
const DATABASES = 3;

async function run(database: TestDatabase, port = database.port): Promise<void> {
	await withDataSource(database, { port }, (dataSource) => dataSource.runMigrations());
}

/** Kills TypeORM's command line as its command with a number reaches the server, which executes it all the same. */
async function killAt(number: number, database: TestDatabase): Promise<void> {
	let kill: () => unknown = () => assert.fail("not started yet");
	const proxy = await startProxy(database, (command) => {
		if (command === number) kill();
		return "forward";
	});
	const { child, outcome } = startTypeorm({ ...database, host: "127.0.0.1", port: proxy.port }, "migration:run");
	kill = () => child.kill("SIGKILL");
	const { signal, output } = await outcome;
	await proxy.close();
	assert.equal(signal, "SIGKILL", output);
}

describe("a process that is killed while it migrates", () => {
	const templates: Record<string, Template> = {};
	before(async () => {
		templates["an empty database"] = await recordTemplate(async () => undefined);
		templates["what an older dashboard made"] = await recordTemplate((empty) =>
			installOldDashboard(empty, { draft: true, explicitTimestamps: false }),
		);
	});

	for (const name of ["an empty database", "what an older dashboard made"]) {
		it(`on ${name} is made good by the next run`, async (t) => {
			const template = templates[name] ?? assert.fail();
			let commands = 0;
			let wanted: unknown;
			await onDatabases(1, [1], async (_, database) => {
				await resetTo(template, database);
				const proxy = await startProxy(database);
				await run(database, proxy.port);
				await proxy.close();
				commands = proxy.commands.length;
				wanted = await stateOf(database);
			});
			const places = Array.from({ length: PLACES }, (_, index) => 1 + Math.floor((index * commands) / PLACES));
			await onDatabases(DATABASES, places, async (number, database) => {
				await resetTo(template, database);
				await killAt(number, database);
				await run(database);
				assert.deepEqual(await stateOf(database), wanted, `killed at command ${number}`);
			});
			t.diagnostic(`${places.length} kills at ${places.join(", ")} of ${commands} commands`);
		});
	}
});
