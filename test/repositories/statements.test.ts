import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Workspace } from "../../src";
import * as previewStatements from "../../src/repositories/previewStatements";
import { change, execute, select, selectRows } from "../../src/repositories/sql";
import * as workspaceStatements from "../../src/repositories/workspaceStatements";
import { type Context, openContext } from "./context";

let context: Context;

const BY_ID = select(Workspace, { where: "id = :id" });
const RENAME = change(Workspace, "UPDATE workspaces SET container_name = :containerName? WHERE id = :id");
const COUNT = selectRows<{ count: number }, Workspace>(Workspace)(
	"SELECT COUNT(*) AS count FROM workspaces WHERE id IN (:workspaceIds) OR started_at < FROM_UNIXTIME(:olderThan)",
);

describe("a statement", () => {
	before(async () => {
		context = await openContext();
	});
	after(() => context.close());

	test("takes the values that its text names, of their types", async () => {
		const { workspaces, ada } = context;
		const id = await workspaces.createWithinLimit({ userId: ada, projectName: "statements" });
		assert.equal((await execute(workspaces, BY_ID, { id }))[0]?.projectName, "statements");
		assert.equal((await execute(workspaces, RENAME, { id, containerName: "x" })).affected, 1);
		assert.equal((await execute(workspaces, RENAME, { id, containerName: null })).affected, 1);
		const [row] = await execute(workspaces, COUNT, { workspaceIds: [id, id + 1], olderThan: new Date() });
		assert.equal(Number(row?.count), 1);
	});

	test("does not compile with a value that is missing, unknown or of another type", () => {
		const { workspaces } = context;
		const never = () => [
			// @ts-expect-error missing
			execute(workspaces, BY_ID),
			// @ts-expect-error missing
			execute(workspaces, BY_ID, {}),
			// @ts-expect-error unknown
			execute(workspaces, BY_ID, { id: 1, userId: 2 }),
			// @ts-expect-error a string
			execute(workspaces, BY_ID, { id: "1" }),
			// @ts-expect-error null where the text has no question mark
			execute(workspaces, RENAME, { id: null, containerName: null }),
			// @ts-expect-error no list
			execute(workspaces, COUNT, { workspaceIds: 1, olderThan: new Date() }),
			// @ts-expect-error no date
			execute(workspaces, COUNT, { workspaceIds: [1], olderThan: 1 }),
			// @ts-expect-error missing among many
			execute(workspaces, previewStatements.RUN, { id: 1, containerId: "c", containerName: "n" }),
			// @ts-expect-error nothing to give
			execute(workspaces, workspaceStatements.RUNNING, { id: 1 }),
		];
		assert.equal(typeof never, "function");
	});
});
