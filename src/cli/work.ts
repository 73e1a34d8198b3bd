import type { Arguments } from "./arguments";
import type { Output } from "./output";

/** Does the work of a command and returns the exit code. */
export type Work = (given: Arguments, output: Output) => Promise<number>;

/** What the exit code of a command says. */
export const EXIT = { done: 0, refused: 1, usage: 2, noServer: 3 } as const;
