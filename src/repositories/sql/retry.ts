import { setTimeout as sleep } from "node:timers/promises";
import { QueryFailedError } from "typeorm";

/** Errors after which the server has undone the statement, and how often it is tried in all. */
const TRIES = new Map([
	[1213, 12], // deadlock, or a conflict of two nodes of a cluster
	[1020, 12], // MariaDB's snapshot isolation: changed since the transaction began
	[1205, 2], // lock wait timeout, which has taken long already
]);

const LONGEST_PAUSE = 100;

/** Does the work again where the server gave it up for the sake of another session; not in a caller's session. */
export async function retrying<Result>(isAllowed: boolean, work: () => Promise<Result>): Promise<Result> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await work();
		} catch (error) {
			if (!isAllowed || attempt >= triesFor(error)) throw error;
			// At random, so that those who met do not meet again.
			await sleep(Math.random() * Math.min(2 ** attempt, LONGEST_PAUSE));
		}
	}
}

function triesFor(error: unknown): number {
	if (!(error instanceof QueryFailedError)) return 0;
	return TRIES.get((error.driverError as { errno?: number }).errno ?? 0) ?? 0;
}
