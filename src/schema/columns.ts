import type { Clause } from "./clause";
import { describeModification } from "./clause";
import { reconcileTypes, valuesBeyond } from "./columnType";
import { quote } from "./ddl";
import type { ActualColumn, ActualTable, ColumnShape, TableShape } from "./shape";
import type { Difference, Guard } from "./verdict";

/** What becomes of one column that is wanted. */
type ColumnVerdict =
	| { readonly kind: "asWanted"; readonly notes: readonly string[] }
	| { readonly kind: "missing"; readonly column: ColumnShape }
	| {
			readonly kind: "different";
			readonly clause: Clause;
			readonly guards: readonly Guard[];
			readonly notes: readonly string[];
	  }
	| { readonly kind: "incompatible"; readonly problem: string };

/** What separates the columns of a table from those wanted. */
export function columnDifference(actual: ActualTable, wanted: TableShape): Difference {
	const byName = new Map(actual.columns.map((column) => [column.name.toLowerCase(), column]));
	const verdicts = wanted.columns.map((column) =>
		judgeColumn(actual.name, byName.get(column.name.toLowerCase()), column),
	);
	const missing = verdicts.flatMap((verdict) => (verdict.kind === "missing" ? [verdict.column] : []));
	const different = verdicts.flatMap((verdict) => (verdict.kind === "different" ? [verdict] : []));
	return {
		clauses: [...missing.map((column) => addition(column, wanted)), ...different.map((verdict) => verdict.clause)],
		guards: different.flatMap((verdict) => verdict.guards),
		problems: verdicts.flatMap((verdict) => (verdict.kind === "incompatible" ? [verdict.problem] : [])),
		notes: verdicts.flatMap((verdict) => ("notes" in verdict ? verdict.notes : [])),
	};
}

function judgeColumn(table: string, found: ActualColumn | undefined, wanted: ColumnShape): ColumnVerdict {
	const place = `${table}.${wanted.name}`;
	if (!found) {
		if (wanted.nullable) return { kind: "missing", column: wanted };
		return { kind: "incompatible", problem: `${place} is missing, expected ${describe(wanted)}` };
	}
	const type = reconcileTypes(found.type, wanted.type);
	if (
		type === null ||
		!isSameExpression(found.generated, wanted.generated) ||
		found.autoIncrement !== wanted.autoIncrement
	) {
		return { kind: "incompatible", problem: `${place} is ${describe(found)}, expected ${describe(wanted)}` };
	}
	const own = valuesBeyond(type, wanted.type);
	const notes = own.length ? [`column ${wanted.name} keeps further values: ${own.join(", ")}`] : [];
	const { comment, characterSet, collation, check } = found;
	const column = { ...wanted, type, comment, characterSet, collation, check };
	if (wanted.generated || !describeModification(found, column).length) return { kind: "asWanted", notes };
	const guards = found.nullable && !wanted.nullable ? [nullGuard(table, wanted)] : [];
	return { kind: "different", clause: { kind: "modifyColumn", found, column }, guards, notes };
}

/** A generated column goes to the end: MariaDB adds one nowhere else. */
function addition(column: ColumnShape, wanted: TableShape): Clause {
	const before = wanted.columns[wanted.columns.indexOf(column) - 1];
	return { kind: "addColumn", column, after: column.generated ? null : (before?.name ?? null) };
}

function describe(column: ColumnShape): string {
	const words = [column.type, column.nullable ? "NULL" : "NOT NULL"];
	if (column.autoIncrement) words.push("AUTO_INCREMENT");
	if (column.generated) words.push(`generated as ${column.generated}`);
	return words.join(" ");
}

/** The servers rewrite an expression: MySQL adds brackets, both add backticks and change case. */
export function isSameExpression(found: string | null, wanted: string | null): boolean {
	const bare = (expression: string | null) => (expression ?? "").toLowerCase().replace(/[\s`()]/g, "");
	return bare(found) === bare(wanted);
}

function nullGuard(table: string, column: ColumnShape): Guard {
	return {
		sql: `SELECT COUNT(*) AS found FROM ${quote(table)} WHERE ${quote(column.name)} IS NULL`,
		problem: `row(s) of ${table} have no ${column.name}, which must not be NULL; fill them in or delete them`,
	};
}
