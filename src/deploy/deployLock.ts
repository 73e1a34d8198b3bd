import { InterruptedError } from "../errors";
import type { Progress } from "../schema/context";

/** Holds the right to migrate one database. */
export interface DeployLock {
	/** Whether it holds on every node of a cluster, where tables cannot be locked: such a lock is local to a node. */
	readonly isOnCluster: boolean;
	/** @throws LockLostError where another run has it */
	ensureHeld(): Promise<void>;
	release(): Promise<void>;
}

export interface LockOptions {
	/** Seconds to wait for another run. */
	readonly timeout: number;
	/** Called at once where there is somebody to wait for, and every 30 s. */
	readonly onProgress: (progress: Progress) => void;
	/** Ends the wait once it is aborted. */
	readonly signal?: AbortSignal | undefined;
}

/** @throws InterruptedError where the signal is aborted */
export function refuseInterrupted({ signal }: LockOptions): void {
	if (signal?.aborted) throw new InterruptedError("interrupted while waiting for another run; nothing was changed");
}

/** What is locked, and how long it is waited for. */
export interface NamedLock extends LockOptions {
	readonly name: string;
	readonly database: string;
}
