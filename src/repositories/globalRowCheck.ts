/** What a check of the database asks of the global limits: there is one row. */
export const globalRowCheck = {
	name: "global limits",
	sql: "SELECT id FROM resource_limits WHERE user_id IS NULL ORDER BY id",
	problemsOf(rows: readonly Record<string, unknown>[]): string[] {
		if (rows.length === 1) return [];
		const ids = rows.map((row) => row["id"]).join(", ");
		return [`${rows.length} global rows${ids && `: ${ids}`}, expected 1`];
	},
	describe: ([row]: readonly Record<string, unknown>[]): string => `one global row, id ${row?.["id"]}`,
};
