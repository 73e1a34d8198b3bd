import { migrate } from "../dataSource";
import { runCommand } from "./runCommand";
import type { Work } from "./work";

/** Runs what is pending, under the guards of the package. */
export const migratePending: Work = (given, output) => runCommand(given, output, migrate);
