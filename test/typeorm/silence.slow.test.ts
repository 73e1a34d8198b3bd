import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionError, ConnectionLostError, createDataSource, type DataSourceSettings } from "../../src";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { settingsOf } from "../../testing/dataSource";
import { type CommandProxy, startProxy, type Verdict } from "../../testing/proxy";

/** As short as they may be. */
const BOUNDS = { answerTimeout: 1, acquireTimeout: 2 };

let database: TestDatabase;

before(async () => {
	database = await createTestDatabase();
});
after(() => database.drop());

type Decide = (number: number, sql: string) => Verdict;

async function throughProxy(
	decide: Decide,
	settings: DataSourceSettings,
	work: (dataSource: ReturnType<typeof createDataSource>, proxy: CommandProxy) => Promise<void>,
): Promise<void> {
	const proxy = await startProxy(database, decide);
	const { port } = proxy;
	const dataSource = createDataSource({ ...settingsOf(database), host: "127.0.0.1", port, ...BOUNDS, ...settings });
	try {
		await work(dataSource, proxy);
	} finally {
		if (dataSource.isInitialized) await dataSource.destroy();
		await proxy.close();
	}
}

/** Goes silent at the first statement that says so. */
function silentAt(verdict: Verdict): Decide {
	let isOver = false;
	return (_, sql) => {
		if (isOver || !sql.includes("'silent'")) return "forward";
		isOver = true;
		return verdict;
	};
}

async function isSilent(proxy: CommandProxy): Promise<void> {
	while (!proxy.cuts) await sleep(5);
}

const forward: Decide = () => "forward";

describe("where the network goes silent", { timeout: 60_000 }, () => {
	for (const command of [1, 2, 3]) {
		test(`at statement ${command} of the first session, connecting ends with the time for it`, async () => {
			const decide: Decide = (number) => (number === command ? "silence after" : "forward");
			await throughProxy(decide, { connectTimeout: 1 }, async (dataSource) => {
				await assert.rejects(dataSource.initialize(), (error) => {
					assert.ok(error instanceof ConnectionError);
					assert.match(error.message, /: no connection within 1 s \(.*ETIMEDOUT/);
					return true;
				});
			});
		});
	}

	for (const verdict of ["silence before", "silence after"] as const) {
		test(`at a statement (${verdict} the server sees it), it fails with a code, and the next call works`, async () => {
			await throughProxy(silentAt(verdict), {}, async (dataSource, proxy) => {
				await dataSource.initialize();
				const lost = assert.rejects(dataSource.query("SELECT 'silent'"), (error) => {
					assert.ok(error instanceof ConnectionLostError);
					assert.equal(error.code, "CONNECTION_LOST");
					return true;
				});
				await lost;
				proxy.restore();
				assert.deepEqual(await dataSource.query("SELECT 'silent' AS answer"), [{ answer: "silent" }]);
			});
		});
	}

	test("for a moment, a statement that never arrived is given up", async () => {
		await throughProxy(silentAt("silence before"), {}, async (dataSource, proxy) => {
			await dataSource.initialize();
			const lost = assert.rejects(dataSource.query("SELECT 'silent'"), { code: "CONNECTION_LOST" });
			await isSilent(proxy);
			proxy.restore();
			await lost;
		});
	});

	test("while a pool is idle, ten callers of a pool of ten are served as soon as the network is back", async (t) => {
		await throughProxy(forward, { poolSize: 10, acquireTimeout: 10 }, async (dataSource, proxy) => {
			await dataSource.initialize();
			const calls = () => Promise.allSettled(Array.from({ length: 30 }, () => dataSource.query("SELECT SLEEP(0.02)")));
			await calls();
			proxy.silence();
			proxy.restore();
			t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 60_000 });
			const results = await calls();
			t.mock.timers.reset();
			assert.deepEqual(
				results.map(({ status }) => status),
				Array(30).fill("fulfilled"),
				"none of them failed: idle connections are asked first",
			);
		});
	});

	test("thirty callers at once fail with a code, those that come later are served, and destroy() ends", async () => {
		await throughProxy(forward, { poolSize: 10 }, async (dataSource, proxy) => {
			await dataSource.initialize();
			const calls = (count: number) =>
				Promise.allSettled(Array.from({ length: count }, () => dataSource.query("SELECT SLEEP(0.02)")));
			await calls(30);
			proxy.silence();
			for (const result of await calls(30)) {
				assert.equal(result.status, "rejected");
				assert.match(
					(result.reason as { code: string }).code,
					/^(CONNECTION_LOST|CONNECTION_FAILED|TOO_MANY_CONNECTIONS)$/,
				);
			}
			proxy.restore();
			const later = await calls(10);
			assert.deepEqual(new Set(later.map(({ status }) => status)), new Set(["fulfilled"]));
			proxy.silence();
			await dataSource.destroy();
		});
	});

	test("destroy() ends while a statement waits for an answer that will not come", async () => {
		await throughProxy(silentAt("silence after"), {}, async (dataSource, proxy) => {
			await dataSource.initialize();
			const lost = assert.rejects(dataSource.query("SELECT 'silent'"), { code: "CONNECTION_LOST" });
			await isSilent(proxy);
			await dataSource.destroy();
			await lost;
		});
	});
});

test("a statement that takes longer than the time for an answer is not given up while the server works on it", async () => {
	await throughProxy(forward, {}, async (dataSource, proxy) => {
		await dataSource.initialize();
		assert.equal(Number((await dataSource.query<{ slept: string }[]>("SELECT SLEEP(3) AS slept"))[0]?.slept), 0);
		assert.ok(proxy.commands.includes("SHOW PROCESSLIST"), "the server was asked");
		const queryRunner = dataSource.createQueryRunner();
		await queryRunner.startTransaction();
		assert.deepEqual(await database.rows("SELECT SLEEP(2) AS idle"), [{ idle: 0 }]);
		assert.deepEqual(await queryRunner.query("SELECT 'still there' AS answer"), [{ answer: "still there" }]);
		await queryRunner.release();
	});
});

test("rows that are read slowly are all read", async () => {
	await throughProxy(forward, {}, async (dataSource) => {
		await dataSource.initialize();
		await dataSource.query("CREATE TABLE numbers (n INT PRIMARY KEY)");
		const values = Array.from({ length: 200 }, (_, number) => `(${number})`);
		await dataSource.query(`INSERT INTO numbers VALUES ${values.join(", ")}`);
		const queryRunner = dataSource.createQueryRunner();
		let rows = 0;
		for await (const _row of await queryRunner.stream("SELECT n FROM numbers")) {
			if (++rows === 1) await sleep(4_000);
		}
		await queryRunner.release();
		assert.equal(rows, 200);
	});
});

test("a stream whose connection goes silent fails with a code", async () => {
	await throughProxy(silentAt("silence after"), {}, async (dataSource) => {
		await dataSource.initialize();
		const queryRunner = dataSource.createQueryRunner();
		const stream = await queryRunner.stream("SELECT 'silent' AS word");
		const read = async () => {
			for await (const row of stream) assert.fail(`a row: ${JSON.stringify(row)}`);
		};
		await assert.rejects(read, { code: "CONNECTION_LOST" });
		await queryRunner.release();
	});
});

/** Passes bytes on without a look at them, until it goes silent: no connection is closed then, and none is answered. */
async function startRelay(server: Pick<TestDatabase, "host" | "port">) {
	const sockets = new Set<Socket>();
	let isSilent = false;
	const listener = createServer((client) => {
		const upstream = connect(server);
		const pairs = [
			[client, upstream],
			[upstream, client],
		] as const;
		for (const [from, to] of pairs) {
			sockets.add(from.on("error", () => undefined));
			from.on("data", (bytes) => isSilent || to.write(bytes)).on("close", () => isSilent || to.destroy());
		}
	});
	await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
	return {
		port: (listener.address() as AddressInfo).port,
		silence: () => {
			isSilent = true;
		},
		close() {
			for (const socket of sockets) socket.destroy();
			return new Promise((done) => listener.close(done));
		},
	};
}

test("an encrypted connection that goes silent is given up, too", async () => {
	const relay = await startRelay(database);
	const settings = { ...settingsOf(database), host: "127.0.0.1", port: relay.port, tls: "require" as const, ...BOUNDS };
	const dataSource = createDataSource(settings);
	try {
		await dataSource.initialize();
	} catch (error) {
		await relay.close();
		// MariaDB before 11.4 makes no certificate of its own.
		assert.match(String(error), /TLS failed/);
		return;
	}
	try {
		const [cipher] = await dataSource.query<{ Value: string }[]>("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
		assert.match(cipher?.Value ?? "", /^\w/);
		assert.equal(Number((await dataSource.query<{ slept: string }[]>("SELECT SLEEP(3) AS slept"))[0]?.slept), 0);
		const lost = assert.rejects(dataSource.query("SELECT SLEEP(1)"), { code: "CONNECTION_LOST" });
		relay.silence();
		await lost;
		await dataSource.destroy();
	} finally {
		if (dataSource.isInitialized) await dataSource.destroy();
		await relay.close();
	}
});
