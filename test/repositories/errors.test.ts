import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { QueryFailedError } from "typeorm";
import {
	AlreadyExistsError,
	BusyError,
	IdsExhaustedError,
	InvalidTransitionError,
	InvalidValueError,
	LimitReachedError,
	migrate,
	NoFreePortError,
	NotFoundError,
	UnknownPropertyError,
	UnknownProviderError,
	ValueTooLongError,
	WorkspacesError,
} from "../../src";
import { createTestDatabase } from "../../testing/database";
import { openDataSource, withDataSource } from "../../testing/dataSource";
import { callsOf } from "./calls";
import { addUnlimitedUser, type Context, openContext, repositoriesOf } from "./context";

let context: Context;
let user: number;

const addWorkspace = (projectName = `project ${Math.random()}`) =>
	context.workspaces.createWithinLimit({ userId: user, projectName });

/** Makes a column take less than the entity says, as in a table that somebody has changed by hand. */
async function withColumn(column: string, type: string, work: () => Promise<void>): Promise<void> {
	const { database } = context;
	const [table = "", name = ""] = column.split(".");
	const [row] = await database.rows<{ Create: string }>(
		`SELECT CONCAT(column_type, IF(character_set_name IS NULL, '',
				CONCAT(' CHARACTER SET ', character_set_name, ' COLLATE ', collation_name)),
			IF(is_nullable = 'YES', ' NULL', ' NOT NULL')) AS \`Create\`
			FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?`,
		[table, name],
	);
	await database.rows(`ALTER TABLE ${table} MODIFY ${name} ${type}`);
	try {
		await work();
	} finally {
		await database.rows(`ALTER TABLE ${table} MODIFY ${name} ${row?.Create}`);
	}
}

/** Works as a user of the server who has these privileges only. */
async function withAccount(
	privileges: string,
	work: (repositories: ReturnType<typeof repositoriesOf>) => Promise<void>,
): Promise<void> {
	const { database } = context;
	const account = database.name.slice(-10);
	await database.rows(`CREATE USER '${account}'@'%' IDENTIFIED BY 'x'`);
	try {
		await database.rows(`GRANT ${privileges} TO '${account}'@'%'`);
		await withDataSource(database, { username: account, password: "x" }, (other) => work(repositoriesOf(other)));
	} finally {
		await database.rows(`DROP USER '${account}'@'%'`);
	}
}

describe("errors", () => {
	before(async () => {
		context = await openContext();
		user = await addUnlimitedUser(context, "failing");
	});
	after(() => context.close());

	test("have a code, a name and one line that says the way out", () => {
		const errors: [WorkspacesError, string, RegExp][] = [
			[
				new LimitReachedError("Workspace", 2),
				"LIMIT_REACHED",
				/^The limit of 2 workspaces is reached: .*have the limit raised$/,
			],
			[
				new AlreadyExistsError("Workspace", ["userId", "projectName"]),
				"ALREADY_EXISTS",
				/^There is a workspace with the same user and project name already: use/,
			],
			[new AlreadyExistsError("Workspace", []), "ALREADY_EXISTS", /^There is a workspace already: use/],
			[new NotFoundError("Workspace"), "NOT_FOUND", /^This workspace does not exist, or was deleted meanwhile$/],
			[new NoFreePortError(1, 2), "NO_FREE_PORT", /from 1 to 2 are in use: stop/],
			[new UnknownProviderError(["a", "b"]), "UNKNOWN_PROVIDER", /a and b/],
			[
				new InvalidTransitionError("Workspace", 7, { from: "stopped", to: "running" }),
				"INVALID_TRANSITION",
				/^The workspace is stopped and cannot be marked as running now. Reload/,
			],
			[
				new ValueTooLongError("Workspace", "projectName", { maximum: 100, unit: "characters" }),
				"VALUE_TOO_LONG",
				/^The project name of the workspace is too long: at most 100 characters fit$/,
			],
			[new InvalidValueError("Workspace", "id", "an integer"), "INVALID_VALUE", /^Workspace.id must be an integer$/],
			[
				new UnknownPropertyError("Workspace", "cpu_limit", ["cpuLimit"], "cpuLimit"),
				"INVALID_VALUE",
				/^cpu_limit: did you mean cpuLimit\?$/,
			],
			[new BusyError(), "BUSY", /busy .*: try again in a moment$/],
			[new IdsExhaustedError("WorkspaceLog"), "IDS_EXHAUSTED", /^No log entry can be created any more/],
		];
		for (const [error, code, message] of errors) {
			assert.ok(error instanceof WorkspacesError && error instanceof Error);
			assert.equal(error.code, code);
			assert.equal(error.name, error.constructor.name);
			assert.match(error.message, message);
			assert.ok(!error.message.includes("\n"));
		}
		assert.equal(new Set(errors.map(([{ code }]) => code)).size, 10);
	});

	test("of the server's are named after entity and property, with the server's own as cause", async () => {
		const { workspaces, logs } = context;
		const refused = async (work: Promise<unknown>, code: string, property: string, errno: number) => {
			await assert.rejects(work, (error) => {
				assert.ok(error instanceof WorkspacesError);
				const {
					code: found,
					cause,
					...rest
				} = error as WorkspacesError & { property: string; cause: { errno: number } };
				assert.deepEqual([found, rest.property, cause.errno], [code, property, errno]);
				return true;
			});
		};
		await withColumn("workspaces.project_name", "VARCHAR(30) NOT NULL", () =>
			refused(addWorkspace("x".repeat(31)), "VALUE_TOO_LONG", "projectName", 1406),
		);
		await withColumn("workspaces.project_name", "VARCHAR(30) CHARACTER SET latin1 NOT NULL", () =>
			refused(addWorkspace("🧨"), "INVALID_VALUE", "projectName", 1366),
		);
		const id = await addWorkspace("narrow");
		await withColumn("workspaces.idle_timeout_minutes", "TINYINT", () =>
			refused(workspaces.changeResources(id, { idleTimeoutMinutes: 300 }), "INVALID_VALUE", "idleTimeoutMinutes", 1264),
		);
		await withColumn("workspace_logs.action", "ENUM('create') NOT NULL", () =>
			refused(logs.append({ userId: user, projectName: "p", action: "stop" }), "INVALID_VALUE", "action", 1265),
		);
		await context.database.rows("DELETE FROM workspaces");
		await withColumn("workspaces.container_id", "VARCHAR(64) NOT NULL DEFAULT ''", async () => {
			const starting = await addWorkspace("never empty");
			await workspaces.setStatus(starting, "starting");
			await refused(workspaces.markStopped(starting), "INVALID_VALUE", "containerId", 1048);
		});
	});

	test("of a statement of 9 MB are those of a short one", async () => {
		const output = "a big one ".repeat(900_000);
		const refused = context.logs.append({ userId: 999_999, projectName: "p", action: "start", details: { output } });
		await assert.rejects(refused, (error) => {
			assert.ok(error instanceof NotFoundError);
			assert.equal(error.entity, "DashboardUser");
			assert.doesNotMatch(inspect(error), /big/);
			assert.ok(inspect(error).length < 10_000);
			return true;
		});
	});

	test("of a statement that is bigger than the server takes have a code", async () => {
		const output = "a big one ".repeat(7_000_000);
		const refused = context.logs.append({ userId: user, projectName: "p", action: "start", details: { output } });
		// A server may close the connection while it is still written to, so that nothing is left to read.
		await assert.rejects(refused, { code: /^(VALUE_TOO_LONG|CONNECTION_LOST)$/ });
		assert.equal(await context.workspaces.countByUser(999_999), 0);
	});

	test("that mean nothing in this domain are TypeORM's, without values", async () => {
		await withAccount("INSERT ON workspaces", ({ workspaces }) =>
			assert.rejects(workspaces.findById(1), (error) => {
				assert.ok(error instanceof QueryFailedError);
				assert.equal((error.driverError as { errno?: number }).errno, 1142);
				assert.equal(error.parameters, undefined);
				assert.match(error.query, /^SELECT .* FROM workspaces WHERE id = \? LIMIT \d+$/);
				return true;
			}),
		);
	});

	test("of every call before the migrations, and where a column or an index is missing, ask for them", async () => {
		const database = await createTestDatabase();
		const dataSource = await openDataSource(database);
		const early = { ...context, database, dataSource, ...repositoriesOf(dataSource) };
		try {
			const calls = callsOf(early);
			assert.ok(calls.length > 40);
			for (const { method, work } of calls) {
				await assert.rejects(work, { name: "NotMigratedError", code: "NOT_MIGRATED" }, method);
			}
			await migrate(dataSource);
			await database.rows("ALTER TABLE workspaces RENAME COLUMN container_id TO container_away");
			await assert.rejects(early.workspaces.findById(1), { code: "NOT_MIGRATED" });
			await database.rows("ALTER TABLE workspace_logs RENAME INDEX idx_user_project TO idx_away");
			await assert.rejects(early.logs.pageOfProject(1, "p"), { code: "NOT_MIGRATED" });
		} finally {
			await dataSource.destroy();
			await database.drop();
		}
	});

	test("come after a row that is missing was named, also by a user who may not see the parent's table", async () => {
		const entry = { userId: 999_999, projectName: "p", action: "start" } as const;
		await withAccount("SELECT, INSERT, UPDATE, DELETE ON workspace_logs", ({ logs }) =>
			assert.rejects(logs.append(entry), (error) => {
				assert.ok(error instanceof NotFoundError);
				// Where the server does not say which, each that it may be is named.
				assert.match(error.entity, /^(?:Workspace or )?DashboardUser$/);
				return true;
			}),
		);
		await assert.rejects(context.logs.append(entry), { code: "NOT_FOUND", entity: "DashboardUser" });
	});
});
