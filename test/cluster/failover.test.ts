import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createConnection } from "mysql2/promise";
import type { MigrationInterface, QueryRunner } from "typeorm";
import { signalNode, startNode, untilWhole } from "../../scripts/lib/cluster.mjs";
import { type DeployResult, migrate } from "../../src";
import { migrations } from "../../src/migrations";
import { ERROR } from "../../src/mysql/errorNumbers";
import { addUsers, createTestDatabase, type TestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";
import { signal, startGate } from "../../testing/proxy";
import { type RunningCommand, startCommand, variablesOf } from "../cli/command";
import { clusterFolder, onNodes, stateOnNodes } from "./nodes";

/** In the middle of a run: what was changed before stands, what comes after is missing. */
const SECOND_TABLE = /^CREATE TABLE .*`workspace_logs`/;
/** Seconds that a statement takes: more than those after which a lease without a beat is taken over. */
const LONG = 40;

/** An application's migration, whose statement takes as long as others hold its table. */
class AddSlowly1795478409000 implements MigrationInterface {
	async up(queryRunner: QueryRunner): Promise<void> {
		await queryRunner.query(`SET SESSION lock_wait_timeout = ${3 * LONG}`);
		await queryRunner.query("ALTER TABLE slow ADD COLUMN added INT");
	}
	async down(): Promise<void> {}
}

let wanted: unknown;

async function withDatabase(work: (database: TestDatabase) => Promise<void>): Promise<void> {
	const database = await createTestDatabase();
	try {
		await work(database);
	} finally {
		await database.drop();
	}
}

function run(node: TestDatabase, onWait: () => unknown = () => undefined): Promise<DeployResult> {
	return withDataSource(node, {}, (dataSource) =>
		migrate(dataSource, { lockTimeout: 120, onEvent: (event) => event.kind === "waiting" && onWait() }),
	);
}

interface Held {
	readonly command: RunningCommand;
	letGo(): void;
}

/** Does the work while a command is held as it sends what the pattern finds. */
async function whileHeld(
	node: TestDatabase,
	{ args, at, env = {} }: { args: readonly string[]; at: RegExp; env?: Record<string, string> },
	work: (held: Held) => Promise<void>,
): Promise<void> {
	const gate = await startGate(node, at);
	try {
		const command = startCommand(args, { ...variablesOf(gate.database), ...env });
		const ended = command.outcome.then(({ stderr }) => Promise.reject(new Error(stderr)));
		ended.catch(() => undefined);
		await gate.holds(ended);
		await work({ command, letGo: gate.letGo });
	} finally {
		await gate.close();
	}
}

/** The database is as a run leaves it, on every node. */
async function isMigratedEverywhere(database: TestDatabase): Promise<void> {
	for (const state of await stateOnNodes(onNodes(database))) assert.deepEqual(state, wanted);
}

before(() =>
	withDatabase(async (database) => {
		await run(database);
		[wanted] = await stateOnNodes([database]);
	}),
);

describe("on a cluster", { concurrency: true }, () => {
	it("a run that was killed is followed by one on another node", () =>
		withDatabase(async (database) => {
			const [first, second] = onNodes(database);
			await whileHeld(first, { args: ["migrate"], at: SECOND_TABLE }, async ({ command }) => {
				const { migrations: done } = await run(second, () => command.child.kill("SIGKILL"));
				assert.equal(done.length, migrations.length);
			});
			await isMigratedEverywhere(database);
		}));

	it("no node can write to a table that is dropped since it is empty, unless that was killed", () =>
		withDatabase(async (database) => {
			const [first, second] = onNodes(database);
			await run(first);
			const [user = 0] = await addUsers(database, "ada");
			const insert = () =>
				withDataSource(second, {}, (dataSource) =>
					dataSource.query("INSERT INTO workspaces (user_id, project_name) VALUES (?, 'p')", [user]),
				);
			await whileHeld(first, { args: ["revert", "--all"], at: /^DROP TABLE .*`workspaces`/ }, async ({ command }) => {
				await assert.rejects(insert(), { errno: ERROR.CONSTRAINT_FAILED });
				assert.ok((await run(second, () => command.child.kill("SIGKILL"))).migrations.length > 0);
			});
			await insert();
		}));
});

describe("on a cluster whose nodes all wait for one statement", () => {
	it("for longer than a lease lasts without a beat, the run keeps it", () =>
		withDatabase(async (database) => {
			const nodes = onNodes(database);
			await database.rows("CREATE TABLE slow (id INT PRIMARY KEY)");
			const locks = await Promise.all(
				nodes.map((node) => createConnection({ uri: node.url, multipleStatements: true })),
			);
			try {
				for (const lock of locks) await lock.query("SET wsrep_sync_wait = 7; SELECT 1; LOCK TABLES slow WRITE");
				const isHeld = signal();
				await withDataSource(nodes[0], {}, async (dataSource) => {
					dataSource.migrations.push(new AddSlowly1795478409000());
					const holder = migrate(dataSource, { onEvent: ({ kind }) => kind === "step" && isHeld.give() });
					await Promise.race([isHeld.given, holder]);
					let waits = 0;
					const followers = nodes.map((node) => run(node, () => waits++));
					await sleep(LONG * 1_000);
					for (const lock of locks) await lock.query("UNLOCK TABLES");
					assert.equal((await holder).migrations.length, migrations.length + 1);
					for (const follower of followers) assert.equal((await follower).migrations.length, 0);
					assert.ok(waits >= nodes.length, "the other runs came too late to wait");
				});
			} finally {
				for (const lock of locks) lock.destroy();
			}
		}));
});

describe("on a cluster of which a node", () => {
	it("is killed while it migrates, the next run, on another node, goes on from there", () =>
		withDatabase(async (database) => {
			const [first, , third] = onNodes(database);
			await whileHeld(third, { args: ["migrate"], at: SECOND_TABLE }, async ({ command, letGo }) => {
				signalNode(clusterFolder(), "node3", "SIGKILL");
				try {
					letGo();
					assert.equal((await run(first)).migrations.length, migrations.length);
					const { code, stderr } = await command.outcome;
					assert.notEqual(code, 0, stderr);
				} finally {
					await startNode(clusterFolder(), "node3");
				}
			});
			await untilWhole(clusterFolder());
			await isMigratedEverywhere(database);
		}));

	it("is paused while it migrates, another run takes over, which the first does not disturb when it comes back", () =>
		withDatabase(async (database) => {
			const [first, , third] = onNodes(database);
			await whileHeld(third, { args: ["migrate"], at: SECOND_TABLE }, async ({ command, letGo }) => {
				try {
					const { migrations: done } = await run(first, () => {
						signalNode(clusterFolder(), "node3", "SIGSTOP");
						letGo();
					});
					assert.equal(done.length, migrations.length);
					const { code, stderr } = await command.outcome;
					assert.notEqual(code, 0, stderr);
				} finally {
					signalNode(clusterFolder(), "node3", "SIGCONT");
				}
			});
			await untilWhole(clusterFolder());
			await isMigratedEverywhere(database);
		}));
});
