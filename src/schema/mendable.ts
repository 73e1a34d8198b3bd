import type { Clause } from "./clause";
import { literal, quote } from "./ddl";
import type { ActualColumn, ActualTable, IndexShape, Server } from "./shape";
import type { Guard } from "./verdict";

/** What only a copy of the table mends. A run leaves it alone unless it may copy tables, and where rows are in the way. */
export interface Mendable {
	readonly clause: Clause;
	/** What has to be none, since the copy would fail or lose something. */
	readonly guards: readonly Guard[];
	/** Why it is to be mended. */
	readonly reason: string;
}

/** What of a table only a copy mends. `known` has the names of all columns that are not the owner's. */
export function mendablesOf(actual: ActualTable, known: readonly string[], server: Server): Mendable[] {
	const names = new Set(known.map((name) => name.toLowerCase()));
	const columns = actual.columns.filter(({ name }) => names.has(name.toLowerCase()));
	return [...conversion(actual, columns, server), ...jsonChecks(actual, columns, server)];
}

const TEXT = /^(char|varchar|text|enum)\b/;

function conversion(actual: ActualTable, columns: readonly ActualColumn[], { collation }: Server): Mendable[] {
	if (actual.collation.startsWith("utf8mb4_")) return [];
	const converted = columns.filter(({ type, characterSet }) => TEXT.test(type) && characterSet === null);
	const isConverted = (name: string) => converted.some((column) => column.name.toLowerCase() === name.toLowerCase());
	const unique = actual.indexes.filter((index) => index.unique && index.columns.some(isConverted));
	return [
		{
			clause: { kind: "convert", from: actual.collation, collation, columns: converted },
			guards: [
				...converted.filter(({ type }) => type === "text").map(({ name }) => lengthGuard(actual.name, name)),
				...unique.map((index) => collisionGuard(actual.name, index, { isConverted, collation })),
				keyGuard(actual.name, converted),
			],
			reason: `uses ${actual.collation}, which cannot hold every character`,
		},
	];
}

/** The rest of a text that no longer fits would be refused. */
function lengthGuard(table: string, column: string): Guard {
	return {
		sql: `SELECT COUNT(*) AS found FROM ${quote(table)} WHERE LENGTH(CONVERT(${quote(column)} USING utf8mb4)) > 65535`,
		problem: `row(s) of ${table} have a ${column} that is longer than 65535 bytes in utf8mb4; shorten it`,
	};
}

/** Another collation may take two values for the same. */
function collisionGuard(
	table: string,
	{ name, columns }: IndexShape,
	{ isConverted, collation }: { isConverted: (name: string) => boolean; collation: string },
): Guard {
	const values = columns.map((column) =>
		isConverted(column) ? `CONVERT(${quote(column)} USING utf8mb4) COLLATE ${collation}` : quote(column),
	);
	const present = columns.map((column) => `${quote(column)} IS NOT NULL`).join(" AND ");
	return {
		sql:
			`SELECT COUNT(*) AS found FROM (SELECT 1 FROM ${quote(table)} WHERE ${present} ` +
			`GROUP BY ${values.join(", ")} HAVING COUNT(*) > 1) AS collisions`,
		problem: `value(s) of the unique index ${name} are the same in ${collation}; change them`,
	};
}

/** A copy without rows has no keys that would show it. */
function keyGuard(table: string, columns: readonly ActualColumn[]): Guard {
	const names = columns.map(({ name }) => literal(name)).join(", ") || "''";
	return {
		sql:
			"SELECT COUNT(*) AS found FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL AND (" +
			`(TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${literal(table)} AND COLUMN_NAME IN (${names})) OR ` +
			`(REFERENCED_TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME = ${literal(table)} ` +
			`AND REFERENCED_COLUMN_NAME IN (${names})))`,
		problem: `foreign key(s) are on text of ${table}, which cannot be converted under them; drop them for that time`,
	};
}

function jsonChecks({ name: table }: ActualTable, columns: readonly ActualColumn[], { family }: Server): Mendable[] {
	if (family !== "mariadb") return [];
	const unchecked = columns.filter((column) => column.type === "json" && !isJsonChecked(column));
	return unchecked.map((column) => {
		const invalid = `FROM ${quote(table)} WHERE NOT JSON_VALID(${quote(column.name)})`;
		return {
			clause: { kind: "checkJson", column: { ...column, check: null } },
			guards: [
				{
					sql: `SELECT COUNT(*) AS found ${invalid}`,
					problem: `row(s) of ${table} have ${column.name} that are not JSON (SELECT id ${invalid}); correct them`,
				},
			],
			reason: `${column.name} has no CHECK, so that it takes text that is not JSON`,
		};
	});
}

function isJsonChecked({ name, check }: ActualColumn): boolean {
	return check?.toLowerCase() === `json_valid(${quote(name.toLowerCase())})`;
}
