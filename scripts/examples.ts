import { compileExamples } from "./examples/compile";
import { examplesOf } from "./examples/read";
import { readSources } from "./lint/sources";

// Compiles every @example of the docstrings against this package.
const sources = readSources("src");
const problems = compileExamples([...sources, ...readSources("scripts/examples")], examplesOf(sources));
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
