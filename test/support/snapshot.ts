import type { TestDatabase } from "./database";

export interface TableSnapshot {
	/** As SHOW CREATE gives it, the counter of AUTO_INCREMENT included. */
	readonly definition: string;
	readonly rows: readonly Record<string, unknown>[];
}

/** Everything that is in a database: each table and view with its definition and its rows. */
export async function snapshot(database: TestDatabase): Promise<Record<string, TableSnapshot>> {
	const tables = await database.rows<{ name: string; type: string }>(
		"SELECT TABLE_NAME AS name, TABLE_TYPE AS type FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1",
	);
	const entries: [string, TableSnapshot][] = [];
	for (const { name, type } of tables) {
		const [shown] = await database.rows<Record<string, string>>(`SHOW CREATE TABLE \`${name}\``);
		const definition = shown?.[type === "VIEW" ? "Create View" : "Create Table"] ?? "";
		const rows = await database.rows(`SELECT * FROM \`${name}\``);
		entries.push([name, { definition, rows: rows.sort(byContent) }]);
	}
	return Object.fromEntries(entries);
}

function byContent(one: unknown, other: unknown): number {
	return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}
