import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import type { Pool } from "mysql2";
import { DataSource } from "typeorm";
import { entities } from "../../src";
import { ERROR } from "../../src/mysql/errorNumbers";
import { addUsers } from "../../testing/database";
import { addUnlimitedUser, type Context, openContext, repositoriesOf, STARTED } from "./context";

const PROJECT = join(__dirname, "../..");
const run = promisify(execFile);

let context: Context;
let user: number;

/** Works on an application's DataSource whose sessions are set as it likes. */
async function withSessions(
	statement: string,
	work: (repositories: ReturnType<typeof repositoriesOf>, host: DataSource) => Promise<void>,
	options: object = {},
): Promise<void> {
	const type = context.dataSource.options.type as "mysql";
	const host = new DataSource({ type, url: context.database.url, entities, ...options });
	await host.initialize();
	try {
		await host.query(statement);
		(host.driver as unknown as { pool: Pool }).pool.on("connection", (connection) => connection.query(statement));
		await work(repositoriesOf(host), host);
	} finally {
		await host.destroy();
	}
}

describe("an application's own DataSource", () => {
	before(async () => {
		context = await openContext();
		user = await addUnlimitedUser(context, "applicant");
	});
	after(() => context.close());

	for (const mode of [
		"NO_BACKSLASH_ESCAPES",
		"ANSI_QUOTES",
		"",
		"STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,ANSI_QUOTES",
	]) {
		test(`takes every text as it is with sql_mode '${mode}'`, () =>
			withSessions(`SET SESSION sql_mode = '${mode}'`, async ({ workspaces, logs, previews }) => {
				for (const projectName of [
					"\\' OR 1=1 -- ",
					"' OR '1'='1",
					'" OR ""="',
					"\\",
					"\\\\'",
					"a\0b\nc\rd\x1ae\tf\bg",
					"100%_\\%\\_",
					"🧨'\\🧨",
					":id ? :id?",
				]) {
					assert.deepEqual(await workspaces.listRoutesByProject(projectName), []);
					assert.equal(await workspaces.findByUserAndProject(user, projectName), null);
					assert.equal(await previews.findByHash(projectName.slice(0, 32)), null);
					const id = await workspaces.createWithinLimit({ userId: user, projectName });
					assert.deepEqual(
						(await workspaces.listRoutesByProject(projectName)).map((route) => route.id),
						[id],
					);
					assert.equal((await context.workspaces.findById(id))?.projectName, projectName);
					await workspaces.markFailed(id, projectName);
					assert.equal((await context.workspaces.findById(id))?.errorMessage, projectName);
					await logs.append({ workspaceId: id, userId: user, projectName, action: "start", details: [projectName] });
					assert.deepEqual((await context.logs.pageOfWorkspace(id)).entries[0]?.details, [projectName]);
					await workspaces.deleteById(id);
				}
			}));
	}

	test("keeps instants right in every time zone of its sessions", async () => {
		for (const zone of ["+05:45", "-09:30", "+13:00", "SYSTEM"]) {
			await withSessions(`SET SESSION time_zone = '${zone}'`, async (repositories) => {
				const { workspaces, previews, logs, ports } = repositories;
				const expiresAt = new Date("2031-10-26T00:30:00Z");
				const workspaceId = await workspaces.createWithinLimit({ userId: user, projectName: zone });
				const id = await previews.createWithinLimit({ workspaceId, userId: user, previewHash: zone, expiresAt });
				const later = await previews.extendBy(id, { hours: 1 });
				assert.equal(later.getTime() - expiresAt.getTime(), 3_600_000);
				const unlimited = await previews.createWithinLimit({ workspaceId, userId: user, previewHash: `${zone}!` });
				await ports.claimForWorkspace(workspaceId);
				await workspaces.markRunning(workspaceId, STARTED);
				await logs.append({ userId: user, projectName: zone, action: "start" });
				for (const { findById } of [previews, context.previews].map((one) => ({ findById: one.findById.bind(one) }))) {
					assert.deepEqual((await findById(id))?.expiresAt, later);
					const hours = (((await findById(unlimited))?.expiresAt.getTime() ?? 0) - Date.now()) / 3_600_000;
					assert.ok(Math.abs(hours - 24) < 0.1, `${hours}`);
				}
				const { startedAt, lastActivity } = (await context.workspaces.findById(workspaceId)) ?? {};
				for (const instant of [startedAt, lastActivity])
					assert.ok(Math.abs((instant?.getTime() ?? 0) - Date.now()) < 60_000);
				assert.deepEqual(await workspaces.listIdle(), []);
				assert.deepEqual(await previews.listExpired(), []);
				assert.equal(await previews.beginExpiry(id), false);
				await context.previews.extendExpiry(id, new Date(Date.now() - 60_000));
				assert.deepEqual(
					(await previews.listExpired()).map((preview) => preview.id),
					[id],
				);
				assert.equal(await previews.beginExpiry(id), true);
				await logs.deleteOlderThan(new Date(Date.now() - 60_000));
				assert.equal((await logs.pageOfProject(user, zone)).entries.length, 1);
				await logs.deleteOlderThan(new Date(Date.now() + 60_000));
				assert.equal((await logs.pageOfProject(user, zone)).entries.length, 0);
				await workspaces.deleteById(workspaceId);
			});
		}
	});

	test("checks foreign keys, and lists every row, whatever its sessions do", async () => {
		const off = "SET SESSION foreign_key_checks = 0, sql_select_limit = 1, sql_quote_show_create = 0";
		await withSessions(off, async ({ workspaces, previews, logs }) => {
			const nobody = { code: "NOT_FOUND", entity: "DashboardUser" };
			await assert.rejects(workspaces.createWithinLimit({ userId: 999_999, projectName: "p" }), nobody);
			const [first = 0, second = 0] = await Promise.all(
				["one", "two"].map((projectName) => workspaces.createWithinLimit({ userId: user, projectName })),
			);
			assert.ok((await workspaces.listByUser(user)).length >= 2);
			await assert.rejects(workspaces.heartbeat(first, 999_999), nobody);
			await previews.createWithinLimit({ workspaceId: first, userId: user, previewHash: "goes" });
			const entry = { userId: user, projectName: "one", action: "start" as const };
			await logs.append({ ...entry, workspaceId: first });
			await assert.rejects(logs.append({ ...entry, workspaceId: 999_999 }), { code: "NOT_FOUND", entity: "Workspace" });
			assert.deepEqual(await Promise.all([first, second].map((id) => workspaces.deleteById(id))), [true, true]);
			assert.equal(await context.previews.findByHash("goes"), null);
			const { entries } = await context.logs.pageOfProject(user, "one");
			assert.deepEqual(
				entries.map(({ workspaceId }) => workspaceId),
				[null],
			);
		});
	});

	test("is refused a write that nobody commits", async () => {
		for (const setting of ["autocommit = 0", "completion_type = 1"]) {
			const refused = { code: "OPERATION_REFUSED", message: /autocommit to 1 and completion_type to NO_CHAIN/ };
			await withSessions(
				`SET SESSION ${setting}`,
				async ({ workspaces }, host) => {
					// With CHAIN, a transaction begins where one ends.
					await host.transaction((manager) => manager.query("SELECT 1"));
					await assert.rejects(workspaces.createWithinLimit({ userId: user, projectName: "nobody's" }), refused);
				},
				{ poolSize: 1 },
			);
		}
		assert.equal(await context.workspaces.findByUserAndProject(user, "nobody's"), null);
	});

	test("has connections for lists while many creations wait for the global row", async () => {
		const holder = context.dataSource.createQueryRunner();
		await holder.startTransaction();
		try {
			await holder.query("SELECT id FROM resource_limits WHERE global_row = 1 FOR UPDATE");
			await withSessions("SET SESSION innodb_lock_wait_timeout = 50", async ({ workspaces, previews }) => {
				let created = 0;
				const creations = Array.from({ length: 30 }, async (_, index) => {
					await workspaces.createWithinLimit({ userId: user, projectName: `waits ${index}` });
					created++;
				});
				for (let call = 0; call < 10; call++) {
					await workspaces.listByUser(user);
					await previews.listActive();
				}
				assert.equal(created, 0);
				await holder.rollbackTransaction();
				await Promise.all(creations);
				assert.equal(created, 30);
			});
		} finally {
			if (holder.isTransactionActive) await holder.rollbackTransaction();
			await holder.release();
		}
	});

	test("gets a BusyError where the global row is held for too long", async () => {
		const holder = context.dataSource.createQueryRunner();
		await holder.startTransaction();
		try {
			await holder.query("SELECT id FROM resource_limits WHERE global_row = 1 FOR UPDATE");
			await withSessions("SET SESSION innodb_lock_wait_timeout = 1", async ({ workspaces, ports, limits }) => {
				const busy = { code: "BUSY", errno: 1205 };
				await assert.rejects(workspaces.createWithinLimit({ userId: user, projectName: "busy" }), busy);
				await assert.rejects(limits.setGlobal({ maxWorkspaces: 2 }), busy);
				const id = await context.database.rows("SELECT MAX(id) AS id FROM workspaces");
				await assert.rejects(ports.claimForWorkspace(Number(id[0]?.["id"])), busy);
			});
		} finally {
			await holder.rollbackTransaction();
			await holder.release();
		}
	});

	test("reads pages of a log whose entries are bigger than the server's memory for sorting", async () => {
		const details = { output: "x".repeat(300_000) };
		const [other = 0] = await addUsers(context.database, "verbose");
		const workspaceId = await context.workspaces.createWithinLimit({ userId: other, projectName: "big" });
		await withSessions("SET SESSION sort_buffer_size = 32768", async ({ logs }, host) => {
			// In a table so small the server would rather sort than read an index, if it might.
			await context.database.rows("DELETE FROM workspace_logs");
			for (let entry = 0; entry < 3; entry++) {
				await logs.append({ workspaceId, userId: other, projectName: "big", action: "error", details });
			}
			await context.database.rows("ANALYZE TABLE workspace_logs");
			// MySQL sorts rows with everything that is in them.
			const sorted = host.query("SELECT * FROM workspace_logs ORDER BY action, id DESC LIMIT 50");
			if (host.options.type === "mysql") await assert.rejects(sorted, { errno: ERROR.OUT_OF_SORTMEMORY });
			else await sorted;
			for (const { entries } of [
				await logs.pageOfWorkspace(workspaceId),
				await logs.pageOfProject(other, "big"),
				await logs.pageOfEverybody({ limit: 3 }),
			]) {
				assert.deepEqual(
					entries.map((entry) => entry.details),
					[details, details, details],
				);
			}
		});
	});

	test("is bundled and minified like the rest of the application", async () => {
		const folder = mkdtempSync(join(tmpdir(), "bundle-"));
		try {
			const source = join(folder, "application.ts");
			writeFileSync(
				source,
				`import { createDataSource, PortRepository, WorkspaceRepository } from ${JSON.stringify(join(PROJECT, "src"))};
				(async () => {
					const dataSource = await createDataSource().initialize();
					const workspaces = WorkspaceRepository.from(dataSource);
					const id = await workspaces.createWithinLimit({ userId: ${user}, projectName: "bundled" });
					await PortRepository.from(dataSource).claimForWorkspace(id, { from: 50000, to: 50001 });
					const [running] = await workspaces.listActive();
					const errors = [];
					for (const call of [
						() => workspaces.setStatus(id, "starting").then(() => workspaces.setStatus(999999, "starting")),
						() => workspaces.createWithinLimit({ userId: ${user}, projectName: "bundled" }),
						() => workspaces.findById("x"),
						() => workspaces.heartbeat(id, 999999),
					]) await call().catch(({ name, code, entity }) => errors.push([name, code, entity]));
					console.log(JSON.stringify({ owner: running.user.username, errors }));
					console.log(require("node:util").inspect(running).split(" ")[0]);
					await workspaces.deleteById(id);
					await dataSource.destroy();
				})();`,
			);
			const bundle = join(folder, "application.cjs");
			const esbuild = join(PROJECT, "node_modules/.bin/esbuild");
			const packages = ["typeorm", "mysql2", "reflect-metadata"].map((name) => `--external:${name}`);
			await run(esbuild, [
				source,
				...["--bundle", "--minify", "--platform=node", "--format=cjs", `--outfile=${bundle}`],
				...packages,
				`--tsconfig=${join(PROJECT, "tsconfig.json")}`,
			]);
			const { host, port, username, password, name } = context.database;
			const env = {
				...process.env,
				NODE_PATH: join(PROJECT, "node_modules"),
				DB_HOST: host,
				DB_PORT: String(port),
				DB_USERNAME: username,
				DB_PASSWORD: password,
				DB_DATABASE: name,
			};
			for (const flags of [[], ["--disallow-code-generation-from-strings"]]) {
				const { stdout } = await run(process.execPath, [...flags, bundle], { env });
				const [answer = "", shown] = stdout.trim().split("\n");
				assert.deepEqual(JSON.parse(answer), {
					owner: "applicant",
					errors: [
						["NotFoundError", "NOT_FOUND", "Workspace"],
						["AlreadyExistsError", "ALREADY_EXISTS", "Workspace"],
						["InvalidValueError", "INVALID_VALUE", "Workspace"],
						["NotFoundError", "NOT_FOUND", "DashboardUser"],
					],
				});
				assert.equal(shown, "Workspace");
			}
		} finally {
			rmSync(folder, { recursive: true });
		}
	});
});
