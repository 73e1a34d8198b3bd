import { migrationNames } from "../migrations/names";
import { COUNT_COPIES } from "../schema/copies";
import type { ResolvedSettings } from "../settings/settings";
import { openConnection } from "../typeorm/connection";

/** Milliseconds; a server that takes longer is waited for by the run itself. */
const CONNECT_TIMEOUT = 2_000;

/**
 * Whether every migration has its record, and no killed run left a copy of a table, found out without TypeORM: one
 * connection and one statement. False also where that stays unknown: the run itself finds out.
 *
 * @throws ConnectionError where the server refuses this user
 */
export async function isUpToDate(settings: ResolvedSettings): Promise<boolean> {
	const opening = openConnection(settings, CONNECT_TIMEOUT);
	// Read while the server answers.
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
		const records = new Set(rows.map(({ name }) => name));
		return names.every((name) => records.has(name)) && Number(rows[0]?.["copies"]) === 0;
	} catch {
		return false;
	} finally {
		connection.end();
	}
}
