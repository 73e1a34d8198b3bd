import { columnDifference } from "./columns";
import { quote } from "./ddl";
import { foreignKeyDifference } from "./foreignKeys";
import { indexDifference } from "./indexes";
import type { ActualTable, TableShape } from "./shape";
import type { Difference } from "./verdict";

/** Columns, indexes and foreign keys that the shape lacks are left alone. */
export function difference(actual: ActualTable, wanted: TableShape): Difference {
	const problem = incompatibility(actual);
	if (problem) return { clauses: [], guards: [], problems: [problem], notes: [] };
	const parts = [
		columnDifference(actual, wanted),
		indexDifference(actual, wanted),
		foreignKeyDifference(actual, wanted),
	];
	return {
		clauses: parts.flatMap((part) => part.clauses),
		guards: parts.flatMap((part) => part.guards),
		problems: parts.flatMap((part) => part.problems),
		notes: parts.flatMap((part) => part.notes),
	};
}

function incompatibility(actual: ActualTable): string | null {
	const table = quote(actual.name);
	if (actual.engine === null) return `${actual.name} is a view, expected a table; rename or drop it`;
	if (actual.engine !== "InnoDB") {
		return `${actual.name} uses the engine ${actual.engine}, expected InnoDB (ALTER TABLE ${table} ENGINE=InnoDB)`;
	}
	if (actual.primaryKey.join().toLowerCase() !== "id") {
		return `${actual.name} has the primary key (${actual.primaryKey.join(", ")}), expected (id)`;
	}
	return null;
}
