import type { Change, Difference, Guard } from "./change";
import { columnSql, quote } from "./ddl";
import type { ActualTable, ColumnShape, TableShape } from "./shape";
import { enumType, enumValues } from "./shape";

/** A column that is there, but otherwise than wanted. */
interface Repair {
	readonly column: ColumnShape;
	readonly what: string[];
	/** A change of nullability rewrites the rows, in place; everything else is metadata. */
	readonly inPlace: boolean;
}

/** What separates the columns of a table from those wanted. */
export function columnDifference(actual: ActualTable, wanted: TableShape): Difference {
	const byName = new Map(actual.columns.map((column) => [column.name.toLowerCase(), column]));
	const problems: string[] = [];
	const notes: string[] = [];
	const guards: Guard[] = [];
	const missing: ColumnShape[] = [];
	const repairs: Repair[] = [];
	for (const column of wanted.columns) {
		const found = byName.get(column.name.toLowerCase());
		if (!found) {
			if (column.nullable) missing.push(column);
			else problems.push(`${actual.name}.${column.name} is missing, expected ${describe(column)}`);
			continue;
		}
		const type = reconcileType(found.type, column.type);
		if (type === null || !sameGenerated(found, column) || found.autoIncrement !== column.autoIncrement) {
			problems.push(`${actual.name}.${column.name} is ${describe(found)}, expected ${describe(column)}`);
			continue;
		}
		const extra = extraValues(type, column.type);
		if (extra.length)
			notes.push(`column ${column.name} keeps the values that only this database knows: ${extra.join(", ")}`);
		const repair = repairOf(found, { ...column, type });
		if (repair) repairs.push(repair);
		if (found.nullable && !column.nullable) guards.push(nullGuard(actual.name, column));
	}
	const changes = [...additions(wanted, missing), ...modifications(actual.name, repairs)];
	return { changes, guards, problems, notes };
}

/** The columns of a table once the difference is gone. */
export function columnsAfter(before: readonly ColumnShape[], wanted: readonly ColumnShape[]): ColumnShape[] {
	const same = (one: ColumnShape) => (other: ColumnShape) => one.name.toLowerCase() === other.name.toLowerCase();
	const own = before.filter((column) => !wanted.some(same(column)));
	const shared = wanted.map((column) => {
		const found = before.find(same(column));
		return { ...column, type: (found && reconcileType(found.type, column.type)) ?? column.type };
	});
	return [...own, ...shared];
}

function describe(column: ColumnShape): string {
	const words = [column.type, column.nullable ? "NULL" : "NOT NULL"];
	if (column.autoIncrement) words.push("AUTO_INCREMENT");
	if (column.generated) words.push(`generated as ${column.generated}`);
	return words.join(" ");
}

/** The type that holds what both hold without losing a value, or null where there is none. */
function reconcileType(found: string, wanted: string): string | null {
	if (found === wanted) return found;
	const foundValues = enumValues(found);
	const wantedValues = enumValues(wanted);
	if (foundValues && wantedValues) {
		return enumType([...foundValues, ...wantedValues.filter((value) => !foundValues.includes(value))]);
	}
	const sized = /^(varchar|varbinary)\((\d+)\)$/;
	const [, foundBase, foundLength] = sized.exec(found) ?? [];
	const [, wantedBase, wantedLength] = sized.exec(wanted) ?? [];
	if (foundBase && foundBase === wantedBase && Number(foundLength) < Number(wantedLength)) return wanted;
	return null;
}

function extraValues(type: string, wanted: string): string[] {
	const wantedValues = enumValues(wanted) ?? [];
	return (enumValues(type) ?? []).filter((value) => !wantedValues.includes(value));
}

/** The servers rewrite an expression: MySQL adds brackets, both add backticks and change case. */
function sameGenerated(found: ColumnShape, wanted: ColumnShape): boolean {
	const bare = (expression: string | null) => (expression ?? "").toLowerCase().replace(/[\s`()]/g, "");
	return bare(found.generated) === bare(wanted.generated);
}

function repairOf(found: ColumnShape, column: ColumnShape): Repair | null {
	if (column.generated) return null;
	const what: string[] = [];
	const addedValues = (enumValues(column.type) ?? []).filter((value) => !enumValues(found.type)?.includes(value));
	if (addedValues.length) what.push(`column ${column.name} takes the value ${addedValues.join(", ")}`);
	else if (found.type !== column.type) what.push(`column ${column.name} is ${column.type} instead of ${found.type}`);
	const inPlace = found.nullable !== column.nullable || (found.type !== column.type && !addedValues.length);
	if (found.nullable !== column.nullable) {
		what.push(`column ${column.name} ${column.nullable ? "may be NULL" : "must not be NULL"}`);
	}
	if (found.default !== column.default) what.push(`column ${column.name} ${defaultWords(column)}`);
	if (found.onUpdate !== column.onUpdate) {
		what.push(`column ${column.name} ${column.onUpdate ? "is set" : "is no longer set"} by every update`);
	}
	return what.length ? { column, what, inPlace } : null;
}

function defaultWords(column: ColumnShape): string {
	return column.default === null ? "has no default" : `has the default ${column.default}`;
}

function nullGuard(table: string, column: ColumnShape): Guard {
	return {
		sql: `SELECT COUNT(*) AS found FROM ${quote(table)} WHERE ${quote(column.name)} IS NULL`,
		problem: `row(s) of ${table} have no ${column.name}, which must not be NULL; fill them in or delete them`,
	};
}

function additions(wanted: TableShape, missing: readonly ColumnShape[]): Change[] {
	const clause = (column: ColumnShape) => {
		const before = wanted.columns[wanted.columns.indexOf(column) - 1];
		return `ADD COLUMN ${columnSql(column)}${before ? ` AFTER ${quote(before.name)}` : ""}`;
	};
	const alter = (columns: readonly ColumnShape[], clauses: string[]): Change => ({
		table: wanted.name,
		what: `added ${columns.length > 1 ? "columns" : "column"} ${columns.map((column) => column.name).join(", ")}`,
		sql: `ALTER TABLE ${quote(wanted.name)} ${clauses.join(", ")}`,
		algorithm: "INSTANT",
	});
	const stored = missing.filter((column) => !column.generated);
	const generated = missing.filter((column) => column.generated);
	return [
		...(stored.length ? [alter(stored, stored.map(clause))] : []),
		// MariaDB adds a virtual column in a statement of its own only, and at the end.
		...generated.map((column) => alter([column], [`ADD COLUMN ${columnSql(column)}`])),
	];
}

function modifications(table: string, repairs: readonly Repair[]): Change[] {
	const alter = (group: readonly Repair[], algorithm: Change["algorithm"]): Change[] => {
		if (!group.length) return [];
		const clauses = group.map(({ column }) => `MODIFY COLUMN ${columnSql(column)}`);
		const what = group.flatMap((repair) => repair.what).join("; ");
		return [{ table, what, sql: `ALTER TABLE ${quote(table)} ${clauses.join(", ")}`, algorithm }];
	};
	return [
		...alter(
			repairs.filter((repair) => !repair.inPlace),
			"INSTANT",
		),
		...alter(
			repairs.filter((repair) => repair.inPlace),
			"INPLACE",
		),
	];
}
