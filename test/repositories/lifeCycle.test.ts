import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { DataSource } from "typeorm";
import { entities, Workspace } from "../../src/entities";
import { change, type Executor } from "../../src/repositories/sql";
import { LifeCycle, PREVIEW_TRANSITIONS, WORKSPACE_TRANSITIONS } from "../../src/repositories/transitions";

type Status = "whole" | "torn" | "lost";

const books = new LifeCycle<Status>("Book", ["whole", "torn", "lost"], "whole");
const tear = change(Workspace, "UPDATE workspaces SET status = 'torn' WHERE id = :id");

/** Metadata as a connected DataSource has it, without a server. */
let dataSource: DataSource;

/** What statements are sent through where the server's answer is known. */
function answering(affectedRows: number, insertId: number): Executor {
	const connection = {
		query: (_sql: string, _values: unknown[], done: (error: undefined, answer: object) => void) =>
			done(undefined, { affectedRows, insertId }),
	};
	const queryRunner = { dataSource, connect: async () => connection };
	return { manager: { dataSource, queryRunner } } as unknown as Executor;
}

const transition = (affected: number, reported: number, reason?: string) =>
	books.transitionTo(answering(affected, reported), tear, { id: 7 }, { to: "torn", ...(reason ? { reason } : {}) });

before(async () => {
	dataSource = new DataSource({ type: "mysql", database: "none", entities, logging: false });
	await (dataSource as unknown as { buildMetadatas(): Promise<void> }).buildMetadatas();
	Object.defineProperty(dataSource, "isInitialized", { value: true });
});

describe("a life cycle", () => {
	it("decides by the status, of which NULL is the column's default", () => {
		const code = "(1 + FIELD(COALESCE(status, 'whole'), 'whole', 'torn', 'lost'))";
		assert.equal(String(books.code()), code);
		assert.equal(String(books.isIn(["torn", "lost"])), "COALESCE(status, 'whole') IN ('torn', 'lost')");
		assert.equal(String(books.reports()), `LAST_INSERT_ID(${code} + IF(FALSE, 8, 0)) > 0`);
		assert.equal(
			String(books.reports("status <=> 'torn'")),
			`LAST_INSERT_ID(${code} + IF(status <=> 'torn', 8, 0)) > 0`,
		);
	});

	it("reads the status out of what a statement reports", () => {
		assert.deepEqual(
			[2, 3, 4, 10, 12].map((report) => books.statusOf(report)),
			["whole", "torn", "lost", "whole", "lost"],
		);
		assert.deepEqual(
			[1, 9, 5].map((report) => books.statusOf(report)),
			["unknown", "unknown", "unknown"],
		);
	});

	it("says whether a row was changed, or is so already", async () => {
		assert.equal(await transition(1, 2), true);
		assert.equal(await transition(1, 11), true);
		assert.equal(await transition(0, 11), false);
		assert.equal(await transition(0, 16 + 11), false);
	});

	it("names the status that refused a change, and why", async () => {
		const refused = { code: "INVALID_TRANSITION", entity: "Book", id: 7, from: "lost", to: "torn" };
		await assert.rejects(transition(0, 4), refused);
		await assert.rejects(transition(0, 16 + 4), refused);
		await assert.rejects(transition(0, 4, "nobody has it"), { ...refused, message: /: nobody has it/ });
	});

	it("refuses a row that is not there", async () => {
		await assert.rejects(transition(0, 0), { code: "NOT_FOUND", entity: "Book" });
		await assert.rejects(books.changeExisting(answering(0, 0), tear, { id: 7 }), { code: "NOT_FOUND", entity: "Book" });
	});

	it("says of a row that is there whether the condition held", async () => {
		assert.equal(await books.changeExisting(answering(1, 7), tear, { id: 7 }), true);
		assert.equal(await books.changeExisting(answering(0, 7), tear, { id: 7 }), false);
	});
});

describe("the changes of status", () => {
	it("of a workspace are these", () => {
		assert.deepEqual(WORKSPACE_TRANSITIONS, {
			starting: ["stopped", "error"],
			running: ["starting"],
			stopping: ["starting", "running", "error"],
			stopped: ["starting", "running", "stopping", "error"],
			error: ["stopped", "starting", "running", "stopping"],
		});
	});

	it("of a preview are these", () => {
		assert.deepEqual(PREVIEW_TRANSITIONS, {
			creating: [],
			running: ["creating"],
			stopping: ["creating", "running", "error"],
			stopped: ["creating", "running", "stopping", "error"],
			expired: ["creating", "running", "stopping"],
			error: ["creating", "running", "stopping", "stopped", "expired"],
		});
	});
});
