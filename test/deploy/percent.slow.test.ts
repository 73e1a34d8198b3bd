import assert from "node:assert/strict";
import { it } from "node:test";
import type { QueryRunner } from "typeorm";
import { RunWatch, type StepRunning, sessionOf } from "../../src/deploy/progress";
import type { TestDatabase } from "../../testing/database";
import { withDatabase } from "../../testing/dataSource";

const STEP = { kind: "step", number: 1, total: 1, table: "big", what: ["something"], sql: "…" } as const;

/** Seconds after which a step that was never said to be a part done is a fault, however fast the machine is. */
const LONG = 20;

/** MySQL says how far it is where its stage events are on, which they are not by default. */
async function withStageEvents(database: TestDatabase, work: () => Promise<void>): Promise<void> {
	const [{ version }] = (await database.rows("SELECT VERSION() AS version")) as [{ version: string }];
	if (/mariadb/i.test(version)) return work();
	const consumer = "performance_schema.setup_consumers";
	const where = "WHERE NAME = 'events_stages_current'";
	const [before] = await database.rows<{ enabled: string }>(`SELECT ENABLED AS enabled FROM ${consumer} ${where}`);
	await database.rows(`UPDATE ${consumer} SET ENABLED = 'YES' ${where}`);
	try {
		await work();
	} finally {
		await database.rows(`UPDATE ${consumer} SET ENABLED = ? ${where}`, [before?.enabled]);
	}
}

/** What is said of a statement while it runs. */
async function follow(queryRunner: QueryRunner, sql: string): Promise<StepRunning[]> {
	const events: StepRunning[] = [];
	const watch = new RunWatch(await sessionOf(queryRunner), (event) => void events.push(event));
	try {
		watch.follow(STEP);
		await queryRunner.query(sql);
	} finally {
		watch.close();
	}
	return events;
}

/** MariaDB counts the rows of a copy alone. */
async function algorithmsOf(database: TestDatabase): Promise<string[]> {
	const [{ version }] = (await database.rows("SELECT VERSION() AS version")) as [{ version: string }];
	return /mariadb/i.test(version) ? ["COPY, LOCK=SHARED"] : ["COPY, LOCK=SHARED", "INPLACE, LOCK=NONE"];
}

/** Makes the table bigger until a statement takes long enough for two percentages. */
async function untilFollowed(database: TestDatabase, queryRunner: QueryRunner, sql: string): Promise<void> {
	for (let percents: number[] = []; new Set(percents).size < 2; ) {
		const events = await follow(queryRunner, sql);
		assert.ok(events.every(({ percent = 0 }) => percent >= 0 && percent <= 100));
		percents = events.flatMap(({ percent }) => percent ?? []);
		assert.ok(percents.length || events.length < LONG, `nothing in ${events.length} s`);
		await database.rows("INSERT INTO big (words) SELECT words FROM big");
	}
}

it("the server's own percentage comes with a step that takes long", () =>
	withDatabase((database, dataSource) =>
		withStageEvents(database, async () => {
			await database.rows("CREATE TABLE big (id INT AUTO_INCREMENT PRIMARY KEY, words CHAR(100) NOT NULL)");
			await database.rows("INSERT INTO big (words) VALUES (REPEAT('w', 100))");
			for (let power = 0; power < 17; power++) await database.rows("INSERT INTO big (words) SELECT words FROM big");
			const queryRunner = dataSource.createQueryRunner();
			try {
				for (const algorithm of await algorithmsOf(database)) {
					await untilFollowed(database, queryRunner, `ALTER TABLE big FORCE, ALGORITHM=${algorithm}`);
				}
			} finally {
				await queryRunner.release();
			}
		}),
	));
