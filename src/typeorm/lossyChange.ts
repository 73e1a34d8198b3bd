import type { TableColumn } from "typeorm";

export const REMEDIES = {
	drop: "Keep the property until no release reads the column, and drop it then",
	narrow:
		"Find such rows and change them before the migration runs: in a strict session it fails rather than cut a value",
	rename: (from: string, to: string) =>
		`If ${to} is its new name: npm run migration:generate -- <Name> --rename ${from}=${to}`,
} as const;

const INTEGERS = ["tinyint", "smallint", "mediumint", "int", "bigint"];
/** Bytes that each of them holds at most, as a power of two. */
const TEXTS: Readonly<Record<string, number>> = { tinytext: 8, text: 16, mediumtext: 24, longtext: 32 };
const BLOBS: Readonly<Record<string, number>> = { tinyblob: 8, blob: 16, mediumblob: 24, longblob: 32 };
/** Of a character in utf8mb4. */
const BYTES = 4;
const DEFAULT_LENGTHS: Readonly<Record<string, number>> = { varchar: 255, varbinary: 255, char: 1, binary: 1 };

/** Why a column's values may not survive a change of its type; undefined where each of them does. */
export function lossOfChange(from: TableColumn, to: TableColumn): string | undefined {
	const change = from.type === to.type ? lossWithinType(from, to) : lossOfConversion(from, to);
	if (change) return change;
	return from.isNullable && !to.isNullable ? "rows that hold NULL there have no value" : undefined;
}

function lossWithinType(from: TableColumn, to: TableColumn): string | undefined {
	const gone = from.enum?.filter((value) => !to.enum?.includes(value)) ?? [];
	if (gone.length) return `rows may hold ${gone.map((value) => `'${value}'`).join(", ")}`;
	if (from.unsigned !== to.unsigned) return `values may be out of range ${to.unsigned ? "below zero" : "above"}`;
	if (lengthOf(to) < lengthOf(from)) return `values may be longer than ${lengthOf(to)}`;
	const whole = (column: TableColumn) => (column.precision ?? 0) - (column.scale ?? 0);
	if ((to.scale ?? 0) < (from.scale ?? 0) || whole(to) < whole(from)) return "values may have more digits";
	return undefined;
}

function lossOfConversion(from: TableColumn, to: TableColumn): string | undefined {
	return isWidening(from, to) ? undefined : `values of ${from.type} may be refused or changed as ${to.type}`;
}

function isWidening(from: TableColumn, to: TableColumn): boolean {
	const integer = INTEGERS.indexOf(from.type);
	if (integer >= 0) return INTEGERS.indexOf(to.type) > integer && from.unsigned === to.unsigned;
	if (from.type === "float") return to.type === "double";
	const text = TEXTS[to.type];
	if (from.type in TEXTS) return (text ?? 0) > (TEXTS[from.type] ?? 0);
	if (from.type in BLOBS) return (BLOBS[to.type] ?? 0) > (BLOBS[from.type] ?? 0);
	if (from.type === "varbinary") return fits(lengthOf(from), BLOBS[to.type]);
	const characters = from.type === "enum" ? Math.max(...(from.enum ?? []).map(({ length }) => length)) : lengthOf(from);
	if (!["enum", "char", "varchar"].includes(from.type)) return false;
	return to.type === "varchar" ? lengthOf(to) >= characters : fits(characters * BYTES, text);
}

function fits(bytes: number, power: number | undefined): boolean {
	return power !== undefined && bytes < 2 ** power;
}

function lengthOf(column: TableColumn): number {
	return Number(column.length) || DEFAULT_LENGTHS[column.type] || 0;
}
