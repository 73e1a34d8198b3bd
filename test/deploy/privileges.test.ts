import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import type { DeployEvent, WorkspacesDataSource } from "../../src";
import { check, migrate, plan, revert } from "../../src";
import { migrations } from "../../src/migrations";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";
import { installOldDashboard, OLD_TABLES, type OldDashboard } from "../../testing/oldDashboard";
import { snapshot } from "../support/snapshot";

/** What a run needs on the database; a revert of the first migration needs DROP besides. */
const NEEDED = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX", "REFERENCES"];

interface Account {
	/** As the server writes it: 'name'@'%'. */
	readonly name: string;
	connect<Result>(work: (dataSource: WorkspacesDataSource) => Promise<Result>): Promise<Result>;
}

/** Gives a test a database with a user of its own that may do only what is granted, and drops both. */
async function withAccount(
	grant: (database: TestDatabase, account: string) => Promise<unknown>,
	work: (database: TestDatabase, account: Account) => Promise<void>,
	old?: OldDashboard,
): Promise<void> {
	const database = await createTestDatabase();
	const username = `test_${randomBytes(6).toString("hex")}`;
	const password = randomBytes(12).toString("hex");
	const name = `'${username}'@'%'`;
	try {
		if (old) await installOldDashboard(database, old);
		await database.connection.query(`CREATE USER ${name} IDENTIFIED BY '${password}'`);
		await grant(database, name);
		await work(database, { name, connect: (task) => withDataSource(database, { username, password }, task) });
	} finally {
		await database.connection.query(`DROP USER IF EXISTS ${name}`);
		await database.drop();
	}
}

const onDatabase = (privileges: readonly string[]) => (database: TestDatabase, account: string) =>
	database.connection.query(`GRANT ${privileges.join(", ")} ON \`${database.name}\`.* TO ${account}`);

async function notesOf(work: (onEvent: (event: DeployEvent) => void) => Promise<unknown>): Promise<string[]> {
	const notes: string[] = [];
	await work((event) => {
		if (event.kind === "note") notes.push(event.text);
	});
	return notes;
}

async function assertUpToDate(dataSource: WorkspacesDataSource): Promise<void> {
	assert.deepEqual((await plan(dataSource)).migrations, []);
}

describe("a user without what a run needs", () => {
	for (const missing of [...NEEDED.map((privilege) => [privilege]), ["INSERT", "CREATE", "INDEX"]]) {
		it(`learns in one line that ${missing.join(", ")} is missing and how to grant it, and nothing is changed`, () =>
			withAccount(
				onDatabase(NEEDED.filter((privilege) => !missing.includes(privilege))),
				async (database, { name, connect }) => {
					const before = await snapshot(database);
					const grant = `GRANT ${missing.join(", ")} ON \`${database.name}\`.* TO ${name}`;
					const message =
						`${name} lacks ${missing.join(", ")} on ${database.name}; nothing was changed. ` +
						`As an administrator: ${grant}`;
					await connect(async (dataSource) => {
						await assert.rejects(migrate(dataSource), { message });
						// Without SELECT nothing can be planned, and the plan is rejected as the run is.
						if (missing.includes("SELECT")) return assert.rejects(plan(dataSource), { message });
						const { refusals } = await plan(dataSource);
						assert.deepEqual(refusals, [message.replace("; nothing was changed", "")]);
					});
					assert.deepEqual(await snapshot(database), before);

					await database.connection.query(grant);
					await connect(async (dataSource) => {
						const { migrations: run } = await migrate(dataSource);
						assert.equal(run.length, migrations.length);
						await assertUpToDate(dataSource);
					});
				},
			));
	}

	it("learns so before a revert, which may drop tables", () =>
		withAccount(onDatabase(NEEDED), async (database, { name, connect }) =>
			connect(async (dataSource) => {
				await migrate(dataSource);
				const before = await snapshot(database);
				const grant = `GRANT DROP, LOCK TABLES ON \`${database.name}\`.* TO ${name}`;
				const message =
					`${name} lacks DROP, LOCK TABLES on ${database.name}; nothing was changed. ` +
					`As an administrator: ${grant}`;
				await assert.rejects(revert(dataSource), { message });
				assert.deepEqual(await snapshot(database), before);

				await database.connection.query(grant);
				await connect(async (granted) => {
					for (const _ of migrations) await revert(granted);
				});
				assert.deepEqual(Object.keys(await snapshot(database)), ["dashboard_users"]);
			}),
		));
});

describe("a user with what a run needs", () => {
	it("adopts an older database with nothing more than that", () =>
		withAccount(
			onDatabase(NEEDED),
			async (_, { connect }) =>
				connect(async (dataSource) => {
					const { report } = await migrate(dataSource);
					const old = report?.tables.filter(({ table }) => OLD_TABLES.includes(table)) ?? [];
					assert.equal(old.length, OLD_TABLES.length);
					assert.deepEqual(new Set(old.map((table) => table.outcome)), new Set(["adopted"]));
					await assertUpToDate(dataSource);
				}),
			{ draft: true, explicitTimestamps: false, foreignKeyNames: "numbers" },
		));

	it("is told by plan, run and check what lacks for trials on copies, and nothing once it is granted", () =>
		withAccount(
			onDatabase(NEEDED),
			async (database, { name, connect }) => {
				const grant = `GRANT DROP ON \`${database.name}\`.* TO ${name}`;
				await connect(async (dataSource) => {
					const { notes } = await plan(dataSource);
					assert.ok(notes.at(-1)?.endsWith(`As an administrator: ${grant}`), notes.join("\n"));
					const warnings = (await check(dataSource)).items.flatMap((item) => item.warnings);
					assert.deepEqual(warnings, notes.slice(-1));
					const said = await notesOf((onEvent) => migrate(dataSource, { onEvent }));
					assert.deepEqual(said, notes.slice(-1));
				});
				await database.connection.query(`${grant}; GRANT LOCK TABLES ON \`${database.name}\`.* TO ${name}`);
				await connect(async (dataSource) => {
					await revert(dataSource);
					assert.deepEqual((await plan(dataSource)).notes, []);
					assert.deepEqual(await notesOf((onEvent) => migrate(dataSource, { onEvent })), []);
					assert.deepEqual(
						(await check(dataSource)).items.flatMap((item) => item.warnings),
						[],
					);
				});
			},
			{},
		));

	it("is told nothing of trials where there is nothing to try", () =>
		withAccount(onDatabase(NEEDED), async (_, { connect }) =>
			connect(async (dataSource) => {
				assert.deepEqual((await plan(dataSource)).notes, []);
				assert.deepEqual(await notesOf((onEvent) => migrate(dataSource, { onEvent })), []);
			}),
		));

	it("may have it from a grant on databases of a pattern", () =>
		withAccount(
			async ({ connection }, account) => connection.query(`GRANT ALL ON \`te_t\\_%\`.* TO ${account}`),
			async (_, { connect }) =>
				connect(async (dataSource) => {
					await migrate(dataSource);
					await assertUpToDate(dataSource);
				}),
		));

	it("may have it from a role", async () => {
		const role = `test_${randomBytes(6).toString("hex")}`;
		await withAccount(
			async (database, account) => {
				const [server] = await database.rows<{ version: string }>("SELECT VERSION() AS version");
				const onMariadb = /mariadb/i.test(server?.version ?? "");
				await database.connection.query(`CREATE ROLE ${role}`);
				await onDatabase(NEEDED)(database, role);
				await database.connection.query(`GRANT ${role} TO ${account}`);
				await database.connection.query(`SET DEFAULT ROLE ${role} ${onMariadb ? "FOR" : "TO"} ${account}`);
			},
			async (database, { connect }) => {
				try {
					await connect(async (dataSource) => {
						await migrate(dataSource);
						await assertUpToDate(dataSource);
					});
				} finally {
					await database.connection.query(`DROP ROLE ${role}`);
				}
			},
		);
	});
});
