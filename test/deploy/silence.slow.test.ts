import assert from "node:assert/strict";
import { before, describe, it, type TestContext } from "node:test";
import { inspect } from "node:util";
import { WorkspacesError } from "../../src";
import type { WorkspacesDataSource } from "../../src/dataSource";
import type { TestDatabase } from "../../testing/database";
import { openDataSource } from "../../testing/dataSource";
import { installOldDashboard } from "../../testing/oldDashboard";
import { cutAt, startProxy } from "../../testing/proxy";
import { onDatabases, recordTemplate, resetTo, stateOf, type Template } from "../support/snapshot";

/** They wait rather than work. */
const DATABASES = 8;
/** Seconds: as short as they may be. */
const BOUNDS = { connectTimeout: 1, answerTimeout: 1, acquireTimeout: 2 };

type Silence = "silence before" | "silence after";

async function run(database: TestDatabase, port = database.port): Promise<void> {
	let dataSource: WorkspacesDataSource | undefined;
	try {
		dataSource = await openDataSource(database, { port, ...BOUNDS });
		await dataSource.runMigrations();
	} finally {
		await dataSource?.destroy();
	}
}

/** Goes silent at each command of a run, one after the other; each such run must end, and the next one make it good. */
async function silenceEverywhere(t: TestContext, template: Template): Promise<void> {
	let state: unknown;
	let commands: readonly string[] = [];
	await onDatabases(1, [template], async (_, database) => {
		await resetTo(template, database);
		const proxy = await startProxy(database);
		await run(database, proxy.port);
		await proxy.close();
		commands = proxy.commands;
		state = await stateOf(database);
	});
	assert.ok(commands.length >= 40, `only ${commands.length} commands`);
	const places = commands.map((_, index): [number, Silence] => [
		index + 1,
		index % 2 ? "silence before" : "silence after",
	]);
	const failures: string[] = [];
	let silences = 0;
	await onDatabases(DATABASES, places, async ([number, silence], database) => {
		await resetTo(template, database);
		const proxy = await startProxy(database, cutAt(number, silence));
		const where = `${silence} ${number}, ${proxy.commands[number - 1]}`;
		// The last command, which frees the lock, fails nobody.
		const error: unknown = await run(database, proxy.port).catch((reason: unknown) => reason);
		if (error !== undefined && !(error instanceof WorkspacesError)) failures.push(`${where}: ${inspect(error)}`);
		silences += proxy.cuts;
		// The server learns that the client is gone, as it does from TCP's keep-alive in the end.
		await proxy.close();
		try {
			await run(database);
			assert.deepEqual(await stateOf(database), state);
		} catch (reason) {
			failures.push(`${where}: ${inspect(reason)}`);
		}
	});
	t.diagnostic(`${silences} silences at ${commands.length} commands`);
	assert.deepEqual(failures, []);
	assert.equal(silences, commands.length);
}

describe("a network that goes silent at any command", () => {
	const templates = { empty: "", adopted: "" };
	before(async () => {
		templates.empty = await recordTemplate(async () => undefined);
		templates.adopted = await recordTemplate((database) => installOldDashboard(database));
	});

	it("of a run on an empty database ends the run with a code, and the next run makes it good", (t) =>
		silenceEverywhere(t, templates.empty));
	it("of a run that adopts what an older dashboard made ends it with a code, and the next run makes it good", (t) =>
		silenceEverywhere(t, templates.adopted));
});
