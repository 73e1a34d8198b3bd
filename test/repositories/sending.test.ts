import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import {
	type DataSource,
	Entity,
	EntityMetadataNotFoundError,
	type EntitySubscriberInterface,
	type Logger,
	PrimaryGeneratedColumn,
	QueryRunnerAlreadyReleasedError,
	Repository,
} from "typeorm";
import { PortRepository, Workspace, WorkspaceRepository } from "../../src";
import { addUnlimitedUser, type Context, onHost, openContext, repositoriesOf } from "./context";

let context: Context;
let user: number;

const withHost = <Result>(options: object, work: (host: DataSource) => Promise<Result>) =>
	onHost(context, options, work);

const addWorkspace = (workspaces = context.workspaces) =>
	workspaces.createWithinLimit({ userId: user, projectName: `project ${Math.random()}` });

describe("repositories", () => {
	before(async () => {
		context = await openContext();
		user = await addUnlimitedUser(context, "sender");
	});
	after(() => context.close());

	test("are TypeORM's own, with all of its methods", async () => {
		const { dataSource } = context;
		for (const repository of Object.values(repositoriesOf(dataSource))) {
			assert.ok(repository instanceof Repository);
			assert.equal(repository.manager, dataSource.manager);
			assert.equal(typeof (await repository.count()), "number");
		}
		const made = new WorkspaceRepository(Workspace, dataSource.manager);
		const id = await addWorkspace(made);
		assert.equal((await made.findOneBy({ id }))?.id, id);
	});

	test("give entities that TypeORM saves like its own", async () => {
		const { workspaces } = context;
		const id = await addWorkspace();
		for (const found of [
			await workspaces.findById(id),
			(await workspaces.listByUser(user)).find((one) => one.id === id),
		]) {
			assert.ok(found);
			found.cpuLimit = `${found.cpuLimit}0`;
			await workspaces.save(found);
			const saved = await workspaces.findOneByOrFail({ id });
			assert.deepEqual([saved.cpuLimit, saved.projectName], [found.cpuLimit, found.projectName]);
		}
		assert.equal((await workspaces.findById(id))?.cpuLimit, "10");
	});

	test("work in the caller's transaction, which undoes what they did", async () => {
		const { dataSource, workspaces, ports } = context;
		const kept = await addWorkspace();
		const ids: number[] = [];
		const failure = new Error("it failed");
		const work = dataSource.transaction(async (manager) => {
			for (const inside of [manager.withRepository(workspaces), WorkspaceRepository.from(manager)]) {
				const id = await addWorkspace(inside);
				ids.push(id);
				assert.equal((await inside.findById(id))?.id, id);
				assert.equal(await workspaces.findById(id), null);
			}
			assert.equal(await manager.withRepository(ports).claimForWorkspace(kept), 10_000);
			throw failure;
		});
		await assert.rejects(work, failure);
		for (const id of ids) assert.equal(await workspaces.findById(id), null);
		assert.equal((await workspaces.findById(kept))?.assignedPort, null);
		const id = await dataSource.transaction((manager) => addWorkspace(manager.withRepository(workspaces)));
		assert.equal((await workspaces.findById(id))?.id, id);
	});

	test("use the session that they were made with, and none that was released", async () => {
		const runner = context.dataSource.createQueryRunner();
		const withRunner = new PortRepository(Workspace, context.dataSource.manager, runner);
		await runner.startTransaction();
		const id = await addWorkspace(new WorkspaceRepository(Workspace, context.dataSource.manager, runner));
		await withRunner.claimForWorkspace(id);
		await runner.rollbackTransaction();
		assert.equal(await context.workspaces.findById(id), null);
		// Without a transaction of the caller's, the claim makes one in that session.
		const other = await addWorkspace();
		await withRunner.claimForWorkspace(other);
		assert.equal((await context.workspaces.findById(other))?.status, "starting");
		await runner.release();
		await assert.rejects(withRunner.countAssigned(), QueryRunnerAlreadyReleasedError);
		await assert.rejects(WorkspaceRepository.from(runner.manager).findById(other), QueryRunnerAlreadyReleasedError);
	});

	test("claim a port in the caller's transaction without a transaction of their own", async () => {
		const ids = [await addWorkspace(), await addWorkspace()];
		const sent: string[][] = [];
		await withHost({}, async (host) => {
			for (const id of ids) {
				await host.transaction(async (manager) => {
					const statements: string[] = [];
					host.subscribers.push({ beforeQuery: ({ query }) => void statements.push(query) });
					await PortRepository.from(manager).claimForWorkspace(id);
					host.subscribers.pop();
					sent.push(statements.map((sql) => sql.slice(0, 6)));
				});
			}
		});
		// A DataSource asks once whether its server is a node of a cluster.
		assert.deepEqual(sent, [
			["SHOW G", "SET SE", "UPDATE"],
			["SET SE", "UPDATE"],
		]);
	});

	test("give details back as they were on an application's own DataSource", async () => {
		await withHost({}, async (host) => {
			const { logs } = repositoriesOf(host);
			for (const details of ["123", '{"a":1}', "text", 123, { list: [1, "2", null] }]) {
				await logs.append({ userId: user, projectName: "details", action: "start", details });
				const { entries } = await logs.pageOfProject(user, "details", { limit: 1 });
				assert.deepEqual(entries[0]?.details, details);
			}
		});
	});

	test("do with a pool of one, also many at once", async () => {
		await withHost({ poolSize: 1 }, async (host) => {
			const { workspaces, ports } = repositoriesOf(host);
			const ids = await Promise.all(Array.from({ length: 5 }, () => addWorkspace(workspaces)));
			const claimed = await Promise.all(ids.map((id) => ports.claimForWorkspace(id)));
			assert.equal(new Set(claimed).size, 5);
		});
	});

	test("send on as soon as a statement has failed, and give every connection back", async () => {
		await withHost({ poolSize: 2 }, async (host) => {
			const { workspaces } = repositoriesOf(host);
			for (let call = 0; call < 10; call++) {
				await assert.rejects(workspaces.heartbeat(1, 999_999), { code: "NOT_FOUND" });
			}
			assert.ok(await workspaces.countByUser(user));
		});
	});

	test("name what a DataSource lacks", async () => {
		@Entity("other")
		class Other {
			@PrimaryGeneratedColumn()
			id!: number;
		}
		await withHost({ entities: [Other] }, async (host) => {
			await assert.rejects(WorkspaceRepository.from(host).findById(1), EntityMetadataNotFoundError);
		});
	});

	test("keep instants right on a DataSource with other time zones", async () => {
		const expiresAt = new Date("2031-07-01T12:00:00Z");
		await withHost({ timezone: "-09:30", extra: { connectionLimit: 1 } }, async (host) => {
			await host.query("SET time_zone = '+05:45'");
			const { previews, workspaces, logs } = repositoriesOf(host);
			const workspaceId = await addWorkspace(workspaces);
			const id = await previews.createWithinLimit({ workspaceId, userId: user, previewHash: "zones", expiresAt });
			assert.deepEqual((await previews.findById(id))?.expiresAt, expiresAt);
			assert.deepEqual((await context.previews.findById(id))?.expiresAt, expiresAt);
			const { createdAt } = (await workspaces.findById(workspaceId)) ?? {};
			assert.deepEqual(createdAt, (await context.workspaces.findById(workspaceId))?.createdAt);
			await context.database.rows("DELETE FROM workspace_logs");
			await logs.append({ userId: user, projectName: "zones", action: "start" });
			assert.equal(await logs.deleteOlderThan(new Date(Date.now() - 60_000)), 0);
			assert.equal(await logs.deleteOlderThan(new Date(Date.now() + 60_000)), 1);
		});
	});

	test("say who is missing on a connection that counts only changed rows", async () => {
		await withHost({ flags: ["-FOUND_ROWS"] }, async (host) => {
			const { workspaces, limits } = repositoriesOf(host);
			const id = await addWorkspace(workspaces);
			await workspaces.changeResources(id, { cpuLimit: "1" });
			await limits.setOwn(user, { maxWorkspaces: 1_000 });
			await assert.rejects(workspaces.changeResources(999_999, { cpuLimit: "1" }), { code: "NOT_FOUND" });
		});
	});

	test("reach the application's log and subscribers, failed ones too", async () => {
		const logged: string[] = [];
		const events: unknown[] = [];
		const note = (kind: string) => (first: unknown, second: unknown) => {
			logged.push(`${kind} ${kind === "query" ? first : second}`);
		};
		const logger = {
			logQuery: note("query"),
			logQueryError: note("error"),
			logQuerySlow: note("slow"),
			log: note("log"),
		};
		await withHost({ logger: logger as unknown as Logger, maxQueryExecutionTime: 0.001 }, async (host) => {
			const subscriber: EntitySubscriberInterface = {
				beforeQuery: ({ query }) => void events.push(["before", query]),
				afterQuery: ({ query, success }) => void events.push(["after", query, success]),
			};
			const { workspaces } = repositoriesOf(host);
			for (const isObserved of [false, true]) {
				if (isObserved) host.subscribers.push(subscriber);
				logged.length = 0;
				await workspaces.countByUser(user);
				await assert.rejects(workspaces.heartbeat(1, 999_999), { code: "NOT_FOUND" });
				const kinds = logged
					.filter((line) => !line.startsWith("slow"))
					.map((line) => line.replace(/\/\*.*?\*\/ */, "").slice(0, 12));
				assert.deepEqual(kinds, ["query SELECT", "query UPDATE", "error UPDATE"]);
			}
			await host.transaction((manager) => WorkspaceRepository.from(manager).countByUser(user));
		});
		const seen = events.map((event) =>
			(event as string[]).map((part) =>
				String(part)
					.replace(/\/\*.*?\*\/ */, "")
					.slice(0, 6),
			),
		);
		assert.deepEqual(seen.slice(0, 4), [
			["before", "SELECT"],
			["after", "SELECT", "true"],
			["before", "UPDATE"],
			["after", "UPDATE", "false"],
		]);
		assert.deepEqual(
			seen.slice(4).map(([when, what]) => `${when} ${what}`),
			["before START ", "after START ", "before SELECT", "after SELECT", "before COMMIT", "after COMMIT"],
		);
	});

	test("refuse a DataSource that renames the tables, and follow one that is initialized again", async () => {
		await withHost({ entityPrefix: "dployr_" }, async (host) => {
			const workspaces = WorkspaceRepository.from(host);
			await assert.rejects(workspaces.findById(1), { code: "OPERATION_REFUSED", message: /dployr_workspaces/ });
			await host.destroy();
			await assert.rejects(WorkspaceRepository.from(host).findById(1), { code: "CONNECTION_FAILED" });
			host.setOptions({ entityPrefix: "" } as never);
			await host.initialize();
			assert.equal(await WorkspaceRepository.from(host).findByUserAndProject(user, "renamed"), null);
		});
	});

	test("are used from CommonJS JavaScript in a line each", async () => {
		const id = await addWorkspace();
		const script = `
			const { createDataSource, WorkspaceRepository, PortRepository } = require("./src");
			(async () => {
				const dataSource = await createDataSource().initialize();
				const workspaces = WorkspaceRepository.from(dataSource);
				const port = await PortRepository.from(dataSource).claimForWorkspace(${id}, { from: 30000, to: 30001 });
				await dataSource.transaction((manager) => manager.withRepository(workspaces).setStatus(${id}, "running"));
				const { status } = await workspaces.findById(${id});
				const code = await workspaces.setStatus(${id}, "starting").catch((error) => error.code);
				await dataSource.destroy();
				console.log(JSON.stringify({ port, status, code }));
			})();`;
		const { host, port, username, password, name } = context.database;
		const env = {
			DB_HOST: host,
			DB_PORT: String(port),
			DB_USERNAME: username,
			DB_PASSWORD: password,
			DB_DATABASE: name,
		};
		const output = execFileSync(process.execPath, ["--import", "tsx", "-e", script], {
			env: { ...process.env, ...env },
			encoding: "utf8",
		});
		assert.deepEqual(JSON.parse(output), { port: 30_000, status: "running", code: "INVALID_TRANSITION" });
		assert.equal((await context.workspaces.findById(id))?.status, "running");
	});
});
