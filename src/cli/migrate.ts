import { migrationNames } from "../migrations/names";
import { COUNT_COPIES } from "../schema/copies";
import { type ResolvedSettings, resolveSettings } from "../settings/settings";
import { openConnection } from "../typeorm/connection";
import { EXIT } from "./commands";
import type { Work } from "./work";

/** Milliseconds; the run itself waits for a server that takes longer. */
const CONNECT_TIMEOUT = 2_000;

/** Runs the pending migrations. With none pending, neither TypeORM nor the code of a run is loaded. */
export const migrateCommand: Work = async (given, output) => {
	const { settings, notices } = resolveSettings(given.settings);
	if (await isUpToDate(settings)) {
		for (const notice of notices) output.remark(notice);
		if (output.json) output.result(JSON.stringify({ event: "report", ok: true, migrations: [], tables: [] }));
		else output.result("Nothing to do: no migrations are pending");
		return EXIT.done;
	}
	const { migrate } = require("../dataSource") as typeof import("../dataSource");
	const { runCommand } = require("./runCommand") as typeof import("./runCommand");
	return runCommand(given, output, migrate);
};

/**
 * Whether the history has every migration, and no killed run left a copy of a table: one connection and one statement.
 * Also false where the answer does not come: the run then finds out by itself.
 *
 * @throws ConnectionError where the server refuses this user
 */
async function isUpToDate(settings: ResolvedSettings): Promise<boolean> {
	const opening = openConnection(settings, CONNECT_TIMEOUT);
	// Listed while the server answers.
	const names = migrationNames();
	const connection = await opening.catch((error: unknown) => {
		// Loaded for a failure only.
		const { connectionFailure, isTransient } =
			require("../typeorm/connectionFailure") as typeof import("../typeorm/connectionFailure");
		if (isTransient(error)) return undefined;
		throw connectionFailure(error, settings);
	});
	if (!connection || !names.length) return false;
	try {
		const sql = `SELECT id, timestamp, name, (${COUNT_COPIES}) AS copies FROM ??`;
		const rows = await connection.query(sql, [settings.migrationsTable]);
		const applied = new Set(rows.map(({ name }) => name));
		return names.every((name) => applied.has(name)) && Number(rows[0]?.["copies"]) === 0;
	} catch {
		return false;
	} finally {
		connection.end();
	}
}
