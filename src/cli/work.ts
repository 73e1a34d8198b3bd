import type { Arguments } from "./arguments";
import type { Output } from "./output";

/** Does the work of a command and returns the exit code. */
export type Work = (given: Arguments, output: Output) => Promise<number>;
