import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { createTestDatabase } from "../../testing/database";
import { withDataSource } from "../../testing/dataSource";

const LOCAL_INFILE_REQUEST = 0xfb;

/** A server that asks for a file of the client's in answer to a statement that mentions one; `sent` gets what it gets. */
async function greedyServer(server: { readonly host: string; readonly port: number }, sent: Buffer[]) {
	const sockets = new Set<Socket>();
	const listener = createServer((client) => {
		const upstream = connect(server);
		let isGreedy = false;
		for (const socket of [client, upstream]) {
			sockets.add(socket);
			socket.on("error", () => undefined).on("close", () => [client, upstream].map((one) => one.destroy()));
		}
		upstream.on("data", (bytes) => client.write(bytes));
		client.on("data", (bytes) => {
			if (isGreedy) sent.push(bytes);
			else if (!bytes.includes("/etc/hostname")) upstream.write(bytes);
			else {
				isGreedy = true;
				const payload = Buffer.concat([Buffer.from([LOCAL_INFILE_REQUEST]), Buffer.from("/etc/hostname")]);
				client.write(Buffer.concat([Buffer.from([payload.length, 0, 0, 1]), payload]));
			}
		});
	});
	await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
	return {
		port: (listener.address() as AddressInfo).port,
		close() {
			for (const socket of sockets) socket.destroy();
			listener.close();
		},
	};
}

test("a server that asks for a file of this machine gets nothing, and its connection ends", {
	timeout: 30_000,
}, async () => {
	const database = await createTestDatabase();
	const sent: Buffer[] = [];
	const server = await greedyServer(database, sent);
	try {
		await withDataSource(database, { port: server.port }, async (dataSource) => {
			await assert.rejects(dataSource.query("SELECT '/etc/hostname'"), (error: Error & { code: string }) => {
				assert.equal(error.code, "CONNECTION_LOST");
				assert.match(String((error.cause as Error).message), /asked for the file \/etc\/hostname of this machine/);
				return true;
			});
			assert.deepEqual(await dataSource.query("SELECT 'next' AS answer"), [{ answer: "next" }]);
		});
		assert.equal(Buffer.concat(sent).length, 0);
	} finally {
		server.close();
		await database.drop();
	}
});
