#!/usr/bin/env node
import { run } from "./run";
import { handleSignals } from "./signals";

// The reader may close the pipe before the end: `plan | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
	if (error.code !== "EPIPE") throw error;
	process.exit(0);
});

handleSignals();

run(process.argv.slice(2)).then((exitCode) => {
	process.exitCode = exitCode;
});
