import { ERROR, errorNumber } from "../../mysql/errorNumbers";
import { retry } from "../../mysql/retry";

/** Errors after which the server has rolled the statement back, and how often it is tried in all. */
const TRIES: ReadonlyMap<number, number> = new Map([
	// A conflict of two nodes of a cluster, too.
	[ERROR.LOCK_DEADLOCK, 12],
	// MariaDB's snapshot isolation: changed since the transaction began.
	[ERROR.CHECKREAD, 12],
	[ERROR.AUTOINC_READ_FAILED, 12],
]);

/** Does the work again where the server gave it up for the sake of another session; not in a caller's session. */
export function retrying<Result>(work: () => Promise<Result>): Promise<Result> {
	return retry(work, {
		isTransient: (error, attempt) => attempt < (TRIES.get(errorNumber(error)) ?? 0),
		firstPause: 2,
		longestPause: 100,
	});
}
