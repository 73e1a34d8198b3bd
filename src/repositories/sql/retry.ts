import { QueryFailedError } from "typeorm";
import { ERROR, errorNumber } from "../../mysql/errorNumbers";
import { retry } from "../../mysql/retry";

/** Errors after which the server has rolled the statement back, and how often it is tried in all. */
const TRIES: ReadonlyMap<number, number> = new Map([
	// A conflict of two nodes of a cluster, too.
	[ERROR.LOCK_DEADLOCK, 12],
	// MariaDB's snapshot isolation: changed since the transaction began.
	[ERROR.CHECKREAD, 12],
	// Has taken long already.
	[ERROR.LOCK_WAIT_TIMEOUT, 2],
]);

/** Does the work again where the server gave it up for the sake of another session; not in a caller's session. */
export function retrying<Result>(isAllowed: boolean, work: () => Promise<Result>): Promise<Result> {
	if (!isAllowed) return work();
	return retry(work, {
		isTransient: (error, attempt) =>
			error instanceof QueryFailedError && attempt < (TRIES.get(errorNumber(error)) ?? 0),
		firstPause: 2,
		longestPause: 100,
	});
}
