import assert from "node:assert/strict";
import { test } from "node:test";
import { RunWatch, type StepRunning, sessionOf } from "../../src/deploy/progress";
import { withDatabase } from "../../testing/dataSource";

const STEP = { kind: "step", number: 1, total: 2, table: "workspaces", what: ["something"], sql: "…" } as const;
/** Fails when it is ended on the server; a bare SLEEP only returns earlier. */
const LONG = "SELECT 1 FROM (SELECT 1 AS one) AS t WHERE SLEEP(20)";

test("a step that takes long is followed over another connection, and ends on the server when interrupted", () =>
	withDatabase(async (database, dataSource) => {
		const queryRunner = dataSource.createQueryRunner();
		const events: StepRunning[] = [];
		const session = await sessionOf(queryRunner);
		const watch = new RunWatch(session, (event) => events.push(event));
		try {
			watch.follow(STEP);
			const running = queryRunner.query(LONG);
			const refused = assert.rejects(running, /interrupted/i);
			while (events.length < 2) await new Promise((next) => setImmediate(next));
			const { kind: _, ...step } = STEP;
			assert.deepEqual(events[0], { ...step, kind: "stepRunning", seconds: 1 });
			watch.interrupt();
			watch.interrupt();
			await watch.settled();
			await refused;
			const [row] = (await queryRunner.query("SELECT CONNECTION_ID() AS id")) as { id: unknown }[];
			assert.equal(Number(row?.id), session.threadId);
		} finally {
			watch.close();
			await queryRunner.release();
		}
		const left = await database.rows(
			"SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE '%SLEEP(20)%' AND ID <> CONNECTION_ID()",
		);
		assert.deepEqual(left, []);
	}));

test("what a listener throws while a step runs is thrown at the next event", () =>
	withDatabase(async (_, dataSource) => {
		const queryRunner = dataSource.createQueryRunner();
		let isThrown = false;
		const watch = new RunWatch(await sessionOf(queryRunner), () => {
			isThrown = true;
			throw new Error("listener");
		});
		try {
			watch.follow(STEP);
			while (!isThrown) await new Promise((next) => setImmediate(next));
			assert.throws(() => watch.follow({ ...STEP, number: 2 }), /^Error: listener$/);
		} finally {
			watch.close();
			await queryRunner.release();
		}
	}));
