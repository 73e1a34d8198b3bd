import { retrying } from "./retry";
import { type Sender, sessionOf } from "./send";

/**
 * Does the work in one transaction: the caller's where one is open, which commits it or not; else one of its own,
 * begun again after a deadlock.
 */
export function inTransaction<Result>(at: Sender, work: (at: Sender) => Promise<Result>): Promise<Result> {
	const session = sessionOf(at);
	if (session?.isTransactionActive) return work(at);
	const manager = session?.manager ?? at.manager;
	return retrying(session === undefined, () => manager.transaction((own) => work({ manager: own })));
}
