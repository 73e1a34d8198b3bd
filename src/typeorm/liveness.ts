import type { Connection, ConnectionOptions } from "mysql2";
import { errorNumber } from "../mysql/errorNumbers";
import { abandon, internalsOf, type Mysql2, networkError } from "./internals";

/** Milliseconds in which the server must list its sessions, unless `answerTimeout` is shorter. */
const LONGEST_QUESTION = 10_000;
/** Milliseconds between two examinations of the connections. */
const LONGEST_INTERVAL = 1_000;
/** Seconds: the answer of a session that has been idle for longer would have arrived. */
const IDLE_SECONDS = 2;

/** Gives up connections on which no answer will come. */
export interface Liveness {
	/** Watches a connection until it is closed. */
	watch(connection: Connection): void;
	stop(): void;
}

export interface LivenessOptions {
	readonly mysql2: Mysql2;
	/** Of the connection over which the server is asked. */
	readonly connection: ConnectionOptions;
	/** Milliseconds without a byte of an answer after which the server is asked. */
	readonly answerTimeout: number;
	/** Called after connections were given up. */
	readonly onLost: () => void;
}

interface Wait {
	command: unknown;
	bytes: number;
	since: number;
}

interface Session {
	readonly Id: number | string;
	readonly Command: string;
	readonly Time: number | string | null;
}

/** What another connection found out. */
type Answer = readonly Session[] | "unreachable" | "unknown";

/**
 * A client cannot distinguish a silent network from a slow statement. So where no answer comes for a while, the server
 * is asked over another connection what the session does. A statement may take as long as the server works on it; its
 * connection is given up where the server cannot be reached, has no such session, or has the session idle. TCP's
 * keep-alive alone would take eleven minutes on Linux.
 */
export function startLiveness(options: LivenessOptions): Liveness {
	const { answerTimeout, onLost } = options;
	const waits = new Map<Connection, Wait>();
	let isAsking = false;
	const examine = async () => {
		if (isAsking) return;
		const silent = () => [...waits].filter(([connection, wait]) => silentFor(connection, wait) >= answerTimeout);
		if (!silent().length) return;
		isAsking = true;
		const answer = await ask(options);
		isAsking = false;
		// Some may have been answered meanwhile.
		const lost = silent().filter(([connection, wait]) => isLost(connection, wait, answer));
		for (const [connection] of lost) {
			abandon(connection, networkError("PROTOCOL_CONNECTION_LOST", "Connection lost: no answer from the server"));
		}
		if (lost.length) onLost();
	};
	const timer = setInterval(() => void examine(), Math.min(answerTimeout / 4, LONGEST_INTERVAL)).unref();
	return {
		watch(connection) {
			waits.set(connection, { command: undefined, bytes: 0, since: 0 });
			internalsOf(connection).stream.once("close", () => waits.delete(connection));
		},
		stop: () => clearInterval(timer),
	};
}

/** Milliseconds for which a statement has waited without a byte of an answer, while this side was ready to read. */
function silentFor(connection: Connection, wait: Wait): number {
	const { _command: command, stream } = internalsOf(connection);
	if (command !== wait.command || stream.bytesRead !== wait.bytes || stream.isPaused()) {
		wait.command = command;
		wait.bytes = stream.bytesRead;
		wait.since = performance.now();
	}
	return command ? performance.now() - wait.since : 0;
}

function isLost(connection: Connection, wait: Wait, answer: Answer): boolean {
	if (answer === "unreachable") return true;
	const session = answer === "unknown" ? undefined : answer.find(({ Id }) => Number(Id) === connection.threadId);
	if (!session) return answer !== "unknown";
	if (session.Command !== "Sleep") {
		// Works on it: asked again when as much time has passed once more.
		wait.since = performance.now();
		return false;
	}
	// The answer may still arrive: the next examination decides.
	return Number(session.Time) >= IDLE_SECONDS;
}

/** The sessions that this user may see, which include its own: one connection, one statement. */
async function ask({ mysql2, connection: options, answerTimeout }: LivenessOptions): Promise<Answer> {
	const timeout = Math.min(answerTimeout, LONGEST_QUESTION);
	const connection = mysql2.createConnection({ ...options, connectTimeout: timeout });
	// An error of the connection is the statement's, too.
	connection.on("error", () => undefined);
	const timer = setTimeout(() => abandon(connection, networkError("ETIMEDOUT", "no answer")), timeout);
	try {
		const [sessions] = (await connection.promise().query("SHOW PROCESSLIST")) as unknown as [Session[]];
		// Behind a proxy that shares connections, sessions have other numbers than it gives its clients.
		return sessions.some(({ Id }) => Number(Id) === connection.threadId) ? sessions : "unknown";
	} catch (error) {
		return errorNumber(error) ? "unknown" : "unreachable";
	} finally {
		clearTimeout(timer);
		connection.destroy();
	}
}
