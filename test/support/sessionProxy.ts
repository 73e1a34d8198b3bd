import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface SessionProxy {
	readonly host: string;
	readonly port: number;
	/** How many connections were made to it. */
	readonly connections: number;
	close(): Promise<void>;
}

export interface SessionProxyOptions {
	/** A statement that every new session begins with, unseen by the client: what a server's defaults would do. */
	readonly first?: string;
	/** What a client's statement becomes, in the n-th connection, counted from 1. */
	readonly rewrite?: (sql: string, connection: number) => string;
	/** How many connections are dropped as soon as they are made, as a server does that is starting up. */
	readonly drops?: number;
	/** The port to listen on; a free one by default. */
	readonly port?: number;
}

const COM_QUERY = 0x03;
const HEADER = 4;
/** MySQL's clients say how many attributes a query has; MariaDB knows none. */
const NO_ATTRIBUTES = Buffer.from([0, 1]);

/** A TCP proxy in front of a server that changes what its sessions are like. Without TLS and compression. */
export async function startSessionProxy(
	server: { readonly host: string; readonly port: number },
	{ first, rewrite = (sql) => sql, drops = 0, port = 0 }: SessionProxyOptions = {},
): Promise<SessionProxy> {
	const sockets = new Set<Socket>();
	let connections = 0;
	const listener = createServer((client) => {
		const number = ++connections;
		if (number <= drops) {
			client.destroy();
			return;
		}
		const upstream = connect(server);
		for (const socket of [client, upstream]) {
			sockets.add(socket.setNoDelay());
			socket
				.on("error", () => undefined)
				.on("close", () => {
					sockets.delete(socket);
					client.destroy();
					upstream.destroy();
				});
		}
		let held: Buffer | undefined;
		let isFirst = true;
		client.on("data", (packet) => {
			if (packet[3] !== 0 || packet[HEADER] !== COM_QUERY) {
				upstream.write(packet);
				return;
			}
			const start = HEADER + 1 + (packet.readUInt16BE(HEADER + 1) === NO_ATTRIBUTES.readUInt16BE() ? 2 : 0);
			const attributes = packet.subarray(HEADER + 1, start);
			const query = queryPacket(attributes, rewrite(packet.toString("utf8", start), number));
			if (isFirst && first) {
				held = query;
				upstream.write(queryPacket(attributes, first));
			} else {
				upstream.write(query);
			}
			isFirst = false;
		});
		upstream.on("data", (answer) => {
			if (!held) {
				client.write(answer);
				return;
			}
			if (answer[HEADER] === 0xff) throw new Error(`${first} failed: ${answer.toString("latin1", HEADER)}`);
			upstream.write(held);
			held = undefined;
		});
	});
	await new Promise<void>((done) => listener.listen(port, "127.0.0.1", done));
	return {
		host: "127.0.0.1",
		port: (listener.address() as AddressInfo).port,
		get connections() {
			return connections;
		},
		close() {
			for (const socket of sockets) socket.destroy();
			return new Promise((done) => listener.close(() => done()));
		},
	};
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
	const listener = createServer();
	await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
	const { port } = listener.address() as AddressInfo;
	await new Promise((done) => listener.close(done));
	return port;
}

/** Statements of the tests are short: one packet each, which arrives in one piece on loopback. */
function queryPacket(attributes: Buffer, sql: string): Buffer {
	const payload = Buffer.concat([Buffer.from([COM_QUERY]), attributes, Buffer.from(sql)]);
	const header = Buffer.alloc(HEADER);
	header.writeUIntLE(payload.length, 0, 3);
	return Buffer.concat([header, payload]);
}
