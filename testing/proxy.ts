import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestDatabase } from "./database";

/** What becomes of a command that a client sent. */
export type Verdict =
	| "forward"
	/** Both sides are dropped, and the server never sees the command. */
	| "cut before"
	/** Both sides are dropped as soon as the server answers: it executed the command, and the client never knows. */
	| "cut after"
	/** From now on nothing passes on any connection, and none is closed; the server never sees the command. */
	| "silence before"
	/** The same, but the server sees the command. */
	| "silence after"
	/** As "cut after", and this is done before anything is dropped. */
	| { readonly whenAnswered: () => Promise<unknown> };

export interface CommandProxy {
	/** The SQL of every command so far, in order. */
	readonly commands: readonly string[];
	/** How many connections were cut or silenced. */
	readonly cuts: number;
	readonly port: number;
	/** Nothing passes any more, and nothing is closed, as where a host vanishes; new connections are not answered. */
	silence(): void;
	/** New connections pass again; those that were there stay silent, as behind a firewall that forgot them. */
	restore(): void;
	/** Drops every connection. */
	close(): Promise<void>;
}

const COM_QUERY = 0x03;
const COM_STMT_PREPARE = 0x16;
const COM_STMT_EXECUTE = 0x17;
const COMMANDS = new Set([COM_QUERY, COM_STMT_PREPARE, COM_STMT_EXECUTE]);
const HEADER = 4;

/**
 * A TCP proxy in front of a server that counts the commands of all connections, and asks `decide` what becomes of each,
 * holding it until the answer. Commands are numbered from 1. Connections must be without TLS and compression.
 */
export async function startProxy(
	server: { readonly host: string; readonly port: number },
	decide: (number: number, sql: string) => Verdict | Promise<Verdict> = () => "forward",
	onPort = 0,
): Promise<CommandProxy> {
	const sockets = new Set<Socket>();
	const commands: string[] = [];
	let cuts = 0;
	let isSilent = false;
	/** Counts the silences: a connection passes only what belongs to the time in which it was opened. */
	let silences = 0;
	const silence = () => {
		isSilent = true;
		silences++;
	};
	const listener = createServer((client) => {
		const openedIn = silences;
		const isDead = () => isSilent || openedIn !== silences;
		const upstream = connect(server);
		const drop = () => {
			if (isDead()) return;
			client.destroy();
			upstream.destroy();
		};
		let whenAnswered: (() => Promise<unknown>) | undefined;
		for (const socket of [client, upstream]) {
			sockets.add(socket.setNoDelay());
			socket.on("error", drop).on("close", () => {
				sockets.delete(socket);
				drop();
			});
		}
		const pass = async (packet: Buffer) => {
			const sql = sqlOf(packet);
			const verdict = isCommand(packet) ? await decide(commands.push(sql), sql) : "forward";
			if (verdict !== "forward") cuts++;
			if (verdict === "cut before") return drop();
			if (verdict === "silence before") silence();
			if (isDead()) return;
			whenAnswered ??= beforeCut(verdict);
			upstream.write(packet);
			if (verdict === "silence after") silence();
		};
		onPackets(client, pass);
		upstream.on("data", (bytes) => {
			if (whenAnswered) void whenAnswered().finally(drop);
			else if (!isDead()) client.write(bytes);
		});
	});
	await new Promise<void>((done) => listener.listen(onPort, "127.0.0.1", done));
	const { port } = listener.address() as AddressInfo;
	return {
		commands,
		port,
		get cuts() {
			return cuts;
		},
		silence,
		restore() {
			isSilent = false;
		},
		close() {
			for (const socket of sockets) socket.destroy();
			return new Promise((done) => listener.close(() => done()));
		},
	};
}

/** What is done between the answer and the cut; undefined for what is not cut then. */
function beforeCut(verdict: Verdict): (() => Promise<unknown>) | undefined {
	if (verdict === "cut after") return async () => {};
	return typeof verdict === "object" ? verdict.whenAnswered : undefined;
}

/** Cuts at the command with a number, whatever its connection. */
export function cutAt(number: number, way: Exclude<Verdict, "forward">): (command: number) => Verdict {
	return (command) => (command === number ? way : "forward");
}

/** Does the work with each packet of a socket's, one after the other. */
function onPackets(socket: Socket, work: (packet: Buffer) => Promise<void>): void {
	const split = packetSplitter();
	let done = Promise.resolve();
	socket.on("data", (bytes) => {
		for (const packet of split(bytes)) done = done.then(() => work(packet));
	});
}

/** Packets are a length of three bytes, a sequence number, and a payload; the network cuts them as it likes. */
function packetSplitter(): (bytes: Buffer) => Buffer[] {
	let rest: Buffer = Buffer.alloc(0);
	return (bytes) => {
		rest = Buffer.concat([rest, bytes]);
		const packets: Buffer[] = [];
		while (rest.length >= HEADER && rest.length >= HEADER + rest.readUIntLE(0, 3)) {
			const end = HEADER + rest.readUIntLE(0, 3);
			packets.push(rest.subarray(0, end));
			rest = rest.subarray(end);
		}
		return packets;
	};
}

/** A command starts a sequence; what a client says while it logs in continues one. */
function isCommand(packet: Buffer): boolean {
	return packet[3] === 0 && COMMANDS.has(packet[HEADER] ?? 0);
}

/** Where both sides speak MySQL, the number of attributes (none) and of their sets (one) stand before the text. */
function sqlOf(packet: Buffer): string {
	if (packet[HEADER] === COM_STMT_EXECUTE) return "(prepared)";
	const hasAttributes = packet[HEADER] === COM_QUERY && packet[HEADER + 1] === 0 && packet[HEADER + 2] === 1;
	return packet.toString("utf8", HEADER + (hasAttributes ? 3 : 1));
}

/** A way to a database on which the first DDL, or what else the pattern finds, is held until it is let go. */
export interface Gate {
	/** The database, through the gate. */
	readonly database: TestDatabase;
	/** Waits until a statement of the work is held; fails when the work ends without. */
	holds(work: Promise<unknown>): Promise<void>;
	letGo(): void;
	close(): Promise<void>;
}

export async function startGate(database: TestDatabase, pattern = /^(CREATE|ALTER|DROP) /): Promise<Gate> {
	const held = signal();
	const open = signal();
	const proxy = await startProxy(database, async (_, sql): Promise<Verdict> => {
		if (pattern.test(sql)) {
			held.give();
			await open.given;
		}
		return "forward";
	});
	return {
		database: { ...database, host: "127.0.0.1", port: proxy.port },
		holds: (work) => Promise.race([held.given, work.then(() => Promise.reject(new Error("it sent no DDL")))]),
		letGo: open.give,
		close: () => proxy.close(),
	};
}

/** Something that happens once, and that can be waited for. */
export function signal(): { readonly given: Promise<void>; give(): void } {
	let give: () => void = () => {};
	const given = new Promise<void>((done) => {
		give = done;
	});
	return { given, give: () => give() };
}
