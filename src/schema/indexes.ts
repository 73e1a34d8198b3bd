import type { Difference, Guard } from "./change";
import { indexSql, quote } from "./ddl";
import type { ActualTable, IndexShape, TableShape } from "./shape";

/** What separates the indexes of a table from those wanted; all of it is one ALTER. */
export function indexDifference(actual: ActualTable, wanted: TableShape): Difference {
	const clauses: string[] = [];
	const what: string[] = [];
	const guards: Guard[] = [];
	const twins = findTwins(actual.indexes, wanted.indexes);
	for (const shape of wanted.indexes) {
		const found = actual.indexes.find((candidate) => candidate.name === shape.name);
		if (found && alike(found, shape)) continue;
		const twin = twins.get(shape);
		if (twin) {
			clauses.push(`RENAME INDEX ${quote(twin.name)} TO ${quote(shape.name)}`);
			what.push(`index ${twin.name} is named ${shape.name}`);
			continue;
		}
		if (found) clauses.push(`DROP INDEX ${quote(shape.name)}`);
		clauses.push(...keepForeignKeyIndex(actual, shape), `ADD ${indexSql(shape)}`);
		what.push(`${found ? "rebuilt" : "added"} ${shape.unique ? "unique index" : "index"} ${shape.name}`);
		if (shape.unique && !isGenerated(wanted, shape)) guards.push(duplicateGuard(actual.name, shape));
	}
	if (!clauses.length) return { changes: [], guards: [], problems: [], notes: [] };
	// Two indexes that are added can serve one foreign key, whose own index is then made anew once.
	const sql = `ALTER TABLE ${quote(actual.name)} ${[...new Set(clauses)].join(", ")}`;
	return {
		changes: [{ table: actual.name, what: what.join("; "), sql, algorithm: "INPLACE" }],
		guards,
		problems: [],
		notes: [],
	};
}

/** The indexes of a table once the difference is gone. */
export function indexesAfter(before: readonly IndexShape[], wanted: readonly IndexShape[]): IndexShape[] {
	const gone = new Set([...wanted, ...findTwins(before, wanted).values()].map((shape) => shape.name));
	return [...before.filter((shape) => !gone.has(shape.name)), ...wanted];
}

/** For each index that is missing the one that is the same but for its name, and has no other use. */
function findTwins(actual: readonly IndexShape[], wanted: readonly IndexShape[]): Map<IndexShape, IndexShape> {
	const twins = new Map<IndexShape, IndexShape>();
	const spare = new Set(actual.filter((shape) => !wanted.some((other) => other.name === shape.name)));
	for (const shape of wanted) {
		if (actual.some((candidate) => candidate.name === shape.name)) continue;
		const twin = [...spare].find((candidate) => alike(candidate, shape));
		if (!twin) continue;
		spare.delete(twin);
		twins.set(shape, twin);
	}
	return twins;
}

function alike(one: IndexShape, other: IndexShape): boolean {
	return one.unique === other.unique && one.columns.join().toLowerCase() === other.columns.join().toLowerCase();
}

/** Both servers drop an index that they once made for a foreign key as soon as another can serve it: make it anew. */
function keepForeignKeyIndex(actual: ActualTable, added: IndexShape): string[] {
	const leading = added.columns[0];
	const served = actual.foreignKeys.some((key) => key.column === leading);
	const own = actual.indexes.find((shape) => !shape.unique && shape.columns.join() === leading);
	if (!served || !own || own.name === added.name) return [];
	return [`DROP INDEX ${quote(own.name)}`, `ADD ${indexSql(own)}`];
}

/** The migration that adds a generated column removes the rows that it would make collide, before the index comes. */
function isGenerated(wanted: TableShape, shape: IndexShape): boolean {
	return wanted.columns.some((column) => column.generated && shape.columns.includes(column.name));
}

function duplicateGuard(table: string, shape: IndexShape): Guard {
	const columns = shape.columns.map(quote).join(", ");
	const present = shape.columns.map((column) => `${quote(column)} IS NOT NULL`).join(" AND ");
	return {
		sql:
			"SELECT COUNT(*) AS found FROM (SELECT 1 FROM " +
			`${quote(table)} WHERE ${present} GROUP BY ${columns} HAVING COUNT(*) > 1) AS duplicates`,
		problem: `value(s) of (${shape.columns.join(", ")}) stand in several rows of ${table}, expected each once; merge them`,
	};
}
