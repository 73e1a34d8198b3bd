import { setTimeout as sleep } from "node:timers/promises";

export interface RetryOptions {
	/** Whether doing the work again may help after this error; `attempt` is the one that failed, counted from 1. */
	readonly isTransient: (error: unknown, attempt: number) => boolean;
	/** How often the work is done at most; unbounded by default. */
	readonly attempts?: number;
	/** Milliseconds after which the work is not begun again; unbounded by default. The last attempt begins when they end. */
	readonly timeout?: number;
	/** Milliseconds of the longest first pause, which doubles with each attempt; 100 by default. */
	readonly firstPause?: number;
	/** Milliseconds that no pause exceeds; 2,000 by default. */
	readonly longestPause?: number;
	/** Called before each pause with the error that the work is done again for. */
	readonly onRetry?: (error: unknown, attempt: number) => void;
}

/**
 * Does the work again while it fails with an error that `isTransient` accepts and neither bound is reached: the only
 * loop of this package that tries again. Pauses are random, so that sessions which met do not meet again.
 *
 * To wait for a condition, throw the error that is to end the wait while the condition does not hold, and accept it in
 * `isTransient`.
 *
 * @throws the error of the last attempt
 */
export async function retry<Result>(work: () => Promise<Result>, options: RetryOptions): Promise<Result> {
	const { isTransient, attempts = Number.POSITIVE_INFINITY, timeout = Number.POSITIVE_INFINITY } = options;
	const { firstPause = 100, longestPause = 2_000, onRetry } = options;
	const start = performance.now();
	for (let attempt = 1; ; attempt++) {
		try {
			return await work();
		} catch (error) {
			const left = timeout - (performance.now() - start);
			if (attempt >= attempts || left <= 0 || !isTransient(error, attempt)) throw error;
			onRetry?.(error, attempt);
			const pause = Math.random() * Math.min(firstPause * 2 ** (attempt - 1), longestPause);
			await sleep(Math.min(pause, left));
		}
	}
}
