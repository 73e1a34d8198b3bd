import type { TestDatabase } from "./database";
import { startProxy, type Verdict } from "./proxy";

/** A way to a database on which the first DDL is held until it is let go. */
export interface Gate {
	/** The database, through the gate. */
	readonly database: TestDatabase;
	/** Waits until a statement of the work is held; fails when the work ends without. */
	holds(work: Promise<unknown>): Promise<void>;
	letGo(): void;
	close(): Promise<void>;
}

export async function startGate(database: TestDatabase): Promise<Gate> {
	const held = signal();
	const open = signal();
	const proxy = await startProxy(database, async (_, sql): Promise<Verdict> => {
		if (/^(CREATE|ALTER|DROP) /.test(sql)) {
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
