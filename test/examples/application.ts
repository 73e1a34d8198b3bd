import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import type { TestDatabase } from "../../testing/database";
import { environment, npm, packProject, temporaryFolder } from "../support/processes";

const EXAMPLE = join(__dirname, "..", "..", "examples", "dashboard");

/** The example in a folder of its own, with this package installed in it from its tarball. */
export async function installExample(): Promise<ReturnType<typeof temporaryFolder>> {
	const tarball = await packProject();
	const folder = temporaryFolder();
	try {
		cpSync(EXAMPLE, folder.path, { recursive: true, filter: (source) => !source.includes("node_modules") });
		await npm(folder.path, "install", tarball.path);
		return folder;
	} catch (error) {
		folder.remove();
		throw error;
	} finally {
		tarball.remove();
	}
}

export interface Container {
	readonly id: string;
	readonly name: string;
	readonly label: string;
	readonly port: number;
}

export interface DockerCall {
	readonly method: string;
	readonly id?: string;
	readonly body?: { readonly name: string };
}

export interface DockerAnswer {
	readonly status: number;
	readonly body?: unknown;
}

export type AroundDocker = (call: DockerCall, perform: () => Promise<DockerAnswer>) => Promise<DockerAnswer>;

/** The example's stand-in for Docker, in this process, so that a test can cut at its calls. */
export async function startDocker(
	socket: string,
	around?: AroundDocker,
): Promise<{ readonly containers: Map<string, Container>; readonly socket: string; close(): void }> {
	const { createStandIn } = require(join(EXAMPLE, "docker-stand-in.js")) as {
		createStandIn(around?: AroundDocker): { server: Server; containers: Map<string, Container> };
	};
	const { server, containers } = createStandIn(around);
	await new Promise<void>((done) => server.listen(socket, done));
	return {
		containers,
		socket,
		close() {
			server.close();
			server.closeAllConnections();
		},
	};
}

export interface Dashboard {
	readonly url: string;
	readonly child: ChildProcess;
	/** All that it printed so far. */
	output(): string;
	/** Waits until it has printed this; fails when it ends without. */
	printed(text: RegExp): Promise<RegExpExecArray>;
	/** Ends it at once, as a crash does. */
	kill(): Promise<void>;
	/** Ends it as a service manager would, and gives its exit code and all that it printed. */
	stop(): Promise<{ code: number | null; output: string }>;
}

interface Place {
	readonly folder: string;
	readonly database: Pick<TestDatabase, "host" | "port" | "username" | "password" | "name">;
	readonly socket: string;
	readonly env?: Record<string, string>;
}

/** Starts the example. It may not listen yet when it is handed to `started`; it listens when this is done. */
export async function startDashboard(
	{ folder, database, socket, env = {} }: Place,
	started: (dashboard: Dashboard) => void = () => {},
): Promise<Dashboard> {
	const child = spawn(process.execPath, ["server.js"], {
		cwd: folder,
		env: environment({
			DB_HOST: database.host,
			DB_PORT: String(database.port),
			DB_USERNAME: database.username,
			DB_PASSWORD: database.password,
			DB_DATABASE: database.name,
			DOCKER_SOCKET: socket,
			PORT: "0",
			...env,
		}),
		stdio: ["ignore", "pipe", "pipe"],
	});
	let output = "";
	let wake = () => {};
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding("utf8").on("data", (text: string) => {
			output += text;
			wake();
		});
	}
	let code: number | null | undefined;
	const ended = new Promise<void>((done) => {
		child.on("close", (exitCode) => {
			code = exitCode;
			wake();
			done();
		});
	});
	const printed = async (text: RegExp) => {
		for (;;) {
			const found = text.exec(output);
			if (found) return found;
			assert.equal(code, undefined, `it ended with ${code} before it printed ${text}: ${output}`);
			await new Promise<void>((done) => {
				wake = done;
			});
		}
	};
	const dashboard = {
		url: "",
		child,
		output: () => output,
		printed,
		async kill() {
			child.kill("SIGKILL");
			await ended;
		},
		async stop() {
			child.kill("SIGTERM");
			await ended;
			return { code: code ?? null, output };
		},
	};
	started(dashboard);
	[, dashboard.url = ""] = await printed(/listens on (\S+)$/m);
	return dashboard;
}

export interface Answer<Body> {
	readonly status: number;
	/** Undefined where it is no JSON. */
	readonly body: Body;
	readonly text: string;
}

/** Sends a request as a user. */
export async function request<Body = Record<string, unknown>>(
	{ url }: Pick<Dashboard, "url">,
	user: string,
	call: `${"GET" | "POST" | "PUT" | "DELETE"} /${string}`,
	body?: object,
): Promise<Answer<Body>> {
	const [method = "", path = ""] = call.split(" ");
	const response = await fetch(`${url}${path}`, {
		method,
		headers: { "X-User": user, "Content-Type": "application/json" },
		...(body ? { body: JSON.stringify(body) } : {}),
	});
	const text = await response.text();
	return { status: response.status, body: (/^[[{]/.test(text) ? JSON.parse(text) : undefined) as Body, text };
}
