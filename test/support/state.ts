import type { TestDatabase } from "./database";
import { snapshot } from "./snapshot";

/**
 * Everything in a database that two ways to the same end must agree on: all but the database's name, the time at which
 * rows were seeded, the order of indexes, and, unless `sameIds`, the ids of rows that may have been made twice.
 */
export async function stateOf(database: TestDatabase, { sameIds = true } = {}): Promise<unknown> {
	const tables = Object.entries(await snapshot(database));
	const cell = (name: string, value: unknown): [string, unknown] => {
		if (value instanceof Date) return [name, value.getUTCFullYear() > 2024 ? "now" : value];
		if (value === database.name) return [name, "this database"];
		return name === "id" && !sameIds ? [name, "some id"] : [name, value];
	};
	return tables.map(([table, { definition, rows }]) => ({
		table,
		definition: sameIds ? sortKeys(definition) : sortKeys(definition.replace(/ AUTO_INCREMENT=\d+/, "")),
		rows: rows
			.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => cell(name, value))))
			.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)),
	}));
}

/** The lines of a definition, indexes last and in the order of their names. */
function sortKeys(definition: string): string[] {
	// MySQL shows the character set beside the collation where it was written so.
	const shown = definition.replaceAll(/ CHARACTER SET \w+ COLLATE /g, " COLLATE ");
	const lines = shown.split("\n").map((line) => line.replace(/,$/, ""));
	const isKey = (line: string) => /^\s*(UNIQUE )?KEY/.test(line);
	return [...lines.filter((line) => !isKey(line)), ...lines.filter(isKey).sort()];
}
