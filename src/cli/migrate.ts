import { resolveSettings } from "../settings/settings";
import { EXIT } from "./commands";
import { isUpToDate } from "./upToDate";
import type { Work } from "./work";

/** Runs the pending migrations. With none pending, TypeORM is not even loaded. */
export const migrateCommand: Work = async (given, output) => {
	const { settings, notices } = resolveSettings(given.settings);
	if (await isUpToDate(settings)) {
		for (const notice of notices) output.remark(notice);
		if (output.json) output.result(JSON.stringify({ event: "report", ok: true, migrations: [], tables: [] }));
		else output.result("Nothing to do: no migrations are pending");
		return EXIT.done;
	}
	return (require("./migratePending") as typeof import("./migratePending")).migratePending(given, output);
};
