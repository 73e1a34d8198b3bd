import { revert } from "../dataSource";
import { runCommand } from "./runCommand";
import { refuseUsage } from "./usage";
import type { Work } from "./work";

/** Reverts the last migration, or several as one decision. */
export const revertCommand: Work = (given, output) => {
	const { to, all } = given.options;
	if (to !== undefined && all) refuseUsage("--to and --all exclude each other");
	return runCommand(given, output, (dataSource, options) =>
		revert(dataSource, {
			...options,
			...(typeof to === "string" ? { to } : {}),
			...(all ? { all: true } : {}),
		}),
	);
};
