import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { HOST, startServer, stopServer } from "../../src/testing/server/private-server.mjs";
import { serverUrl } from "../../testing/database";

/** A server of one test's own. */
export interface PrivateServer {
	readonly url: string;
	readonly pid: number;
	/** Stops it; what it holds stays. */
	stop(): Promise<void>;
	/** Starts it again, at a new address. */
	start(settings?: readonly string[]): Promise<PrivateServer>;
	/** Stops and removes it. */
	remove(): Promise<void>;
}

/** A server program, and the folder that it takes for the root of the file system. */
interface Program {
	readonly path: string;
	readonly root: string;
}

/** The program of the server under test; undefined where that runs on another machine, in a container, say. */
function programUnderTest(): Program | undefined {
	const { hostname, port } = serverUrl();
	if (!["127.0.0.1", "localhost"].includes(hostname) || !existsSync("/proc")) return undefined;
	for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
		try {
			if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(`--port=${port}`)) continue;
			return { path: readlinkSync(`/proc/${pid}/exe`), root: readlinkSync(`/proc/${pid}/root`) };
		} catch {
			// It has ended meanwhile, or belongs to another user.
		}
	}
	return undefined;
}

/** A folder that means the same to this process and to a program with another root. */
function folderFor({ root }: Pick<Program, "root">): string {
	if (root === "/") return mkdtempSync(join(tmpdir(), "dployr-"));
	const itself = join(root, root);
	if (!existsSync(itself)) {
		mkdirSync(dirname(itself), { recursive: true });
		symlinkSync("/", itself);
	}
	return mkdtempSync(join(root, "tmp", "dployr-"));
}

/** A folder for PATH in which the program, and what makes its data folder, come first. */
function binFor({ path, root }: Program, folder: string): string {
	if (root === "/") return dirname(path);
	const bin = join(folder, "bin");
	mkdirSync(bin);
	const inside = path.slice(root.length);
	const programs = /maria/.test(path) ? [inside, "/usr/bin/mariadb-install-db"] : [inside];
	for (const program of programs) {
		writeFileSync(join(bin, basename(program)), `#!/bin/sh\nexec chroot ${root} ${program} "$@"\n`, { mode: 0o755 });
	}
	return bin;
}

/**
 * Starts a server with options of its own, of the same program as the server under test where that runs on this
 * machine, else of the one that is installed on it.
 */
export async function startPrivateServer(settings: readonly string[] = []): Promise<PrivateServer> {
	const program = programUnderTest();
	const folder = folderFor(program ?? { root: "/" });
	const path = program && `${binFor(program, folder)}:${process.env["PATH"]}`;
	const start = async (options: readonly string[] = settings): Promise<PrivateServer> => {
		const before = process.env["PATH"];
		if (path) process.env["PATH"] = path;
		try {
			const { port, password, pid } = await startServer(join(folder, "server"), { throwaway: true, settings: options });
			return { url: `mysql://root:${encodeURIComponent(password)}@${HOST}:${port}`, pid, stop, start, remove };
		} finally {
			process.env["PATH"] = before;
		}
	};
	const stop = async () => {
		await stopServer(join(folder, "server"));
	};
	const remove = async () => {
		await stop();
		rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
	};
	return start().catch(async (error) => {
		await remove();
		throw error;
	});
}

/** Has `createTestDatabase`, and what else asks for the server under test, work on another one until it is given back. */
export function testOn({ url }: Pick<PrivateServer, "url">): () => void {
	const before = process.env["TEST_DATABASE_URL"] ?? "";
	process.env["TEST_DATABASE_URL"] = url;
	return () => {
		process.env["TEST_DATABASE_URL"] = before;
	};
}

/** Does the work with a private server as the server under test. */
export async function onPrivateServer(
	settings: readonly string[],
	work: (server: PrivateServer) => Promise<void>,
): Promise<void> {
	const server = await startPrivateServer(settings);
	const giveBack = testOn(server);
	try {
		await work(server);
	} finally {
		giveBack();
		await server.remove();
	}
}
