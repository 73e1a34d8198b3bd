import { columnDifference } from "./columns";
import { foreignKeyDifference } from "./foreignKeys";
import { indexDifference } from "./indexes";
import type { ActualTable, Server, TableShape } from "./shape";
import { createTableSql, isBareTimestamp, quote } from "./sql";

/** How a statement treats a table that is in use; each is named in the statement, so that the server verifies it. */
export type Algorithm =
	/** Not an ALTER TABLE. */
	| "NONE"
	/** Metadata only. */
	| "INSTANT"
	/** In place, while readers and writers go on. */
	| "INPLACE"
	/** Copies the table while writers wait: only where a revert has no other way. */
	| "COPY";

/** One statement that brings a table nearer to its shape. */
export interface Change {
	readonly table: string;
	/** What it does, for the report; empty where another statement completes it. */
	readonly what: string;
	/** Without the algorithm. */
	readonly sql: string;
	readonly algorithm: Algorithm;
	/** Runs with foreign_key_checks=0, without which adding a foreign key copies the table. */
	readonly unchecked?: boolean;
}

/** A look at the rows that has to find nothing before a change may run. */
export interface Guard {
	/** Counts the rows in the way, as `found`. */
	readonly sql: string;
	/** Follows the number of rows. */
	readonly problem: string;
}

export interface Difference {
	readonly changes: readonly Change[];
	readonly guards: readonly Guard[];
	/** Why the table can't be brought to its shape without losing something. */
	readonly problems: readonly string[];
	/** What was found and left alone. */
	readonly notes: readonly string[];
}

/** What separates a table from the shape that it should have. Columns and indexes that the shape lacks are left alone. */
export function difference(actual: ActualTable, wanted: TableShape, server: Server): Difference {
	const problem = incompatibility(actual);
	if (problem) return { changes: [], guards: [], problems: [problem], notes: [] };
	const parts = [
		columnDifference(actual, wanted, server),
		indexDifference(actual, wanted),
		foreignKeyDifference(actual, wanted, server),
	];
	return {
		changes: parts.flatMap((part) => part.changes),
		guards: parts.flatMap((part) => part.guards),
		problems: parts.flatMap((part) => part.problems),
		notes: [...parts.flatMap((part) => part.notes), ...charsetNotes(actual)],
	};
}

/** What makes a table that is not there. */
export function creation(wanted: TableShape, server: Server): Change[] {
	const create: Change = {
		table: wanted.name,
		what: "created",
		sql: createTableSql(wanted, server),
		algorithm: "NONE",
	};
	if (!server.implicitTimestampDefaults) return [create];
	return [create, ...wanted.columns.filter(isBareTimestamp).map((column) => dropDefault(wanted.name, column.name))];
}

export function dropDefault(table: string, column: string): Change {
	return {
		table,
		what: `column ${column} has no default`,
		sql: `ALTER TABLE ${quote(table)} ALTER COLUMN ${quote(column)} DROP DEFAULT`,
		algorithm: "INSTANT",
	};
}

function incompatibility(actual: ActualTable): string | null {
	const table = quote(actual.name);
	if (actual.engine === null) return `${actual.name} is a view, expected a table; rename or drop it`;
	if (actual.engine !== "InnoDB") {
		return `${actual.name} uses the engine ${actual.engine}, expected InnoDB (ALTER TABLE ${table} ENGINE=InnoDB)`;
	}
	if (actual.primaryKey.join() !== "id") {
		return `${actual.name} has the primary key (${actual.primaryKey.join(", ")}), expected (id)`;
	}
	return null;
}

function charsetNotes(actual: ActualTable): string[] {
	if (actual.collation.startsWith("utf8mb4_")) return [];
	return [
		`uses ${actual.collation}, which cannot hold every character; converting it copies the table and blocks writers ` +
			`(ALTER TABLE ${quote(actual.name)} CONVERT TO CHARACTER SET utf8mb4), so it is left to you`,
	];
}
