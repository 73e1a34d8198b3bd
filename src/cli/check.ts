import { check } from "../dataSource";
import { formatCheck } from "../deploy";
import { EXIT } from "./commands";
import { connected } from "./connected";
import type { Work } from "./work";

/** Says whether the database is up to date, and why not. */
export const checkCommand: Work = (given, output) =>
	connected(given, output, async (dataSource) => {
		const result = await check(dataSource);
		output.result(output.json ? JSON.stringify(result, null, 2) : formatCheck(result));
		return result.ok ? EXIT.done : EXIT.refused;
	});
