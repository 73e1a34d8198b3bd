import assert from "node:assert/strict";
import { before, describe, it, type TestContext } from "node:test";
import type { WorkspacesDataSource } from "../../src/dataSource";
import type { TestDatabase } from "../../testing/database";
import { openDataSource } from "../../testing/dataSource";
import { installOldDashboard } from "../../testing/oldDashboard";
import { cutAt, startProxy } from "../../testing/proxy";
import { dumpTemplate, onDatabases, recordTemplate, resetTo, stateOf, type Template } from "../support/snapshot";

/** As many databases at once as keep the server busy while a client computes. */
const DATABASES = 4;

type Step = (dataSource: WorkspacesDataSource) => Promise<unknown>;

interface Interruption {
	/** What the database holds at first. */
	readonly template: () => Template;
	/** What is cut at its k-th command. */
	readonly cut: Step;
	readonly ways: readonly ("cut before" | "cut after")[];
	/** What makes good. */
	readonly resume: Step;
	/** What an undisturbed database goes through in place of `resume`. */
	readonly undisturbed: readonly Step[];
	/** Whether rows that were made twice may have other ids than those made once. */
	readonly sameIds: boolean;
	/** Fewer commands than this mean that nothing was done. */
	readonly leastCommands: number;
}

const run: Step = (dataSource) => dataSource.runMigrations();

const revertAll: Step = async (dataSource) => {
	do await dataSource.undoLastMigration();
	while (dataSource.migrationReport);
};

async function onDataSource(database: TestDatabase, step: Step, port = database.port): Promise<void> {
	const dataSource = await openDataSource(database, { port });
	try {
		await step(dataSource);
	} finally {
		await dataSource.destroy();
	}
}

/** What comes out undisturbed, and the commands that the step to be cut sends. */
async function undisturbed(interruption: Interruption): Promise<{ state: unknown; commands: readonly string[] }> {
	let state: unknown;
	let commands: readonly string[] = [];
	await onDatabases(1, [interruption], async ({ template, cut, undisturbed: rest }, database) => {
		await resetTo(template(), database);
		const proxy = await startProxy(database);
		await onDataSource(database, cut, proxy.port);
		await proxy.close();
		commands = proxy.commands;
		for (const step of rest) await onDataSource(database, step);
		state = await stateOf(database, interruption);
	});
	return { state, commands };
}

async function interruptEverywhere(t: TestContext, interruption: Interruption): Promise<void> {
	const { template, cut, ways, resume, leastCommands } = interruption;
	const { state, commands } = await undisturbed(interruption);
	assert.ok(commands.length >= leastCommands, `only ${commands.length} commands`);
	const places = commands.flatMap((_, index) => ways.map((way) => ({ number: index + 1, way })));
	const diverged: string[] = [];
	let cuts = 0;
	await onDatabases(DATABASES, places, async ({ number, way }, database) => {
		await resetTo(template(), database);
		const proxy = await startProxy(database, cutAt(number, way));
		// A cut of the last command, which frees the lock, fails nobody.
		await onDataSource(database, cut, proxy.port).catch(() => undefined);
		await proxy.close();
		cuts += proxy.cuts;
		const where = `${way} ${number}, ${proxy.commands[number - 1]}`;
		try {
			await onDataSource(database, resume);
			assert.deepEqual(await stateOf(database, interruption), state);
		} catch (error) {
			diverged.push(`${where}: ${error}`);
		}
	});
	t.diagnostic(`${cuts} cuts at ${commands.length} commands, ${diverged.length} did not converge`);
	assert.deepEqual(diverged, []);
	assert.equal(cuts, ways.length * commands.length);
}

describe("an interruption at any command, before it reaches the server or before its answer reaches the client", () => {
	const templates = { empty: "", adopted: "", draft: "", migrated: "" };
	before(async () => {
		templates.empty = await recordTemplate(async () => undefined);
		templates.adopted = await recordTemplate((database) => installOldDashboard(database));
		templates.draft = await recordTemplate((database) =>
			installOldDashboard(database, { draft: true, explicitTimestamps: false }),
		);
		await onDatabases(1, [templates.empty], async (empty, database) => {
			await resetTo(empty, database);
			await onDataSource(database, run);
			templates.migrated = await dumpTemplate(database);
		});
	});

	const ways = ["cut before", "cut after"] as const;
	const aRun = { cut: run, ways, resume: run, undisturbed: [], sameIds: true, leastCommands: 40 };
	it("of a run on an empty database is made good by the next run", (t) =>
		interruptEverywhere(t, { ...aRun, template: () => templates.empty }));
	it("of a run that adopts what an older dashboard made is made good by the next run", (t) =>
		interruptEverywhere(t, { ...aRun, template: () => templates.adopted }));
	it("of a run that adopts an early draft made without explicit timestamps is made good by the next run", (t) =>
		interruptEverywhere(t, { ...aRun, template: () => templates.draft }));

	// What a database holds after one command it holds before the next: with either way both tests begin everywhere.
	const reverts = { template: () => templates.migrated, cut: revertAll, leastCommands: 80 };
	it("of reverts is made good by further reverts", (t) =>
		interruptEverywhere(t, { ...reverts, ways: ["cut before"], resume: revertAll, undisturbed: [], sameIds: true }));
	it("of reverts is made good by a run", (t) =>
		interruptEverywhere(t, { ...reverts, ways: ["cut after"], resume: run, undisturbed: [run], sameIds: false }));
});
