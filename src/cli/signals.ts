import type { Output } from "./output";

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

type SignalName = keyof typeof SIGNALS;

/** The signal that ended the work, and the exit code that says so. */
export interface Interruption {
	readonly name: SignalName;
	readonly exitCode: number;
}

let handler: (interruption: Interruption) => void = endAtOnce;

/** Sets what a signal reports before it ends the process, until `interruptibly` begins. */
export function onSignal(report: () => void): void {
	handler = (interruption) => {
		report();
		endAtOnce(interruption);
	};
}

/**
 * Ends the process at SIGINT and SIGTERM with an exit code that says so, also where the process is the first one of a
 * container, which the system would not end by itself.
 */
export function handleSignals(): void {
	for (const name of Object.keys(SIGNALS) as SignalName[]) {
		process.on(name, () => handler({ name, exitCode: SIGNALS[name] }));
	}
}

function endAtOnce({ exitCode }: Interruption): void {
	process.exit(exitCode);
}

/**
 * Does work that is to end cleanly: the first signal aborts it, the second one ends the process at once.
 *
 * @returns what the work returns, or the error that ended it, with the signal if one came
 */
export async function interruptibly<Result>(
	output: Output,
	work: (signal: AbortSignal) => Promise<Result>,
): Promise<{ readonly result: Result } | { readonly error: unknown; readonly interruption: Interruption | undefined }> {
	const controller = new AbortController();
	let interruption: Interruption | undefined;
	handler = (received) => {
		interruption = received;
		handler = endAtOnce;
		output.error(
			`${received.name}: ending the statement in progress and giving back the lock; send it again to end at once`,
		);
		controller.abort();
	};
	try {
		return { result: await work(controller.signal) };
	} catch (error) {
		return { error, interruption };
	} finally {
		handler = endAtOnce;
	}
}
