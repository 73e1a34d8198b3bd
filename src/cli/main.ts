#!/usr/bin/env node
import { run } from "./run";
import { handleSignals } from "./signals";

process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
	// The reader may close the pipe before the end: `plan | head`.
	if (code === "EPIPE") process.exit(0);
	process.stderr.write(`Error: standard output takes nothing more: ${message}\n`);
	process.exit(1);
});

handleSignals();

run(process.argv.slice(2)).then((exitCode) => {
	process.exitCode = exitCode;
});
