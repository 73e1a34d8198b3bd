/** Where a command writes: results to standard output, everything else to standard error. */
export interface Output {
	readonly json: boolean;
	/** Whether standard error is a terminal, where a line can be written over. */
	readonly isTerminal: boolean;
	/** A result. */
	result(text: string): void;
	/** A remark or progress, which `--quiet` leaves out. */
	remark(text: string): void;
	/** An error, which is printed with `--quiet`, too. */
	error(text: string): void;
	/** Replaces the moving line of a terminal; an empty text removes it. */
	line(text: string): void;
}

interface Stream {
	readonly isTTY?: boolean;
	readonly columns?: number;
	write(text: string): unknown;
}

interface OutputOptions {
	readonly json: boolean;
	readonly quiet: boolean;
	readonly stdout?: Stream;
	readonly stderr?: Stream;
}

const ERASE_LINE = "\r\u001B[K";

export function createOutput(options: OutputOptions): Output {
	const { json, quiet, stdout = process.stdout } = options;
	// Node opens the stream when it is first asked for.
	const stderr = () => options.stderr ?? process.stderr;
	let moving = "";
	const print = (text: string) => {
		if (moving) stderr().write(ERASE_LINE);
		stderr().write(`${text}\n${moving}`);
	};
	return {
		json,
		get isTerminal() {
			return stderr().isTTY === true && !quiet;
		},
		result(text) {
			if (moving) stderr().write(ERASE_LINE);
			stdout.write(`${text}\n`);
			if (moving) stderr().write(moving);
		},
		remark(text) {
			if (!quiet) print(text);
		},
		error: print,
		line(text) {
			if (text === moving || !this.isTerminal) return;
			// A line that wraps could not be written over.
			const next = text.slice(0, Math.max((stderr().columns ?? 80) - 1, 20));
			stderr().write(moving ? `${ERASE_LINE}${next}` : next);
			moving = next;
		},
	};
}
