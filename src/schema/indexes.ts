import type { Clause } from "./clause";
import { quote } from "./ddl";
import type { ActualIndex, ActualTable, IndexShape, TableShape } from "./shape";
import type { Difference, Guard } from "./verdict";

/** What separates the indexes of a table from those wanted. */
export function indexDifference(actual: ActualTable, wanted: TableShape): Difference {
	const renamed = findRenamed(actual.indexes, wanted.indexes);
	const clauses: Clause[] = [];
	const guards: Guard[] = [];
	const problems: string[] = [];
	for (const index of wanted.indexes) {
		const namesake = actual.indexes.find((candidate) => candidate.name === index.name);
		if (namesake && isAlike(namesake, index)) continue;
		const found = renamed.get(index);
		if (found) {
			clauses.push({ kind: "renameIndex", found, index });
			continue;
		}
		clauses.push(...keepForeignKeyIndex(actual, index));
		clauses.push({ kind: namesake ? "rebuildIndex" : "addIndex", index });
		if (index.unique && actual.isVersioned) problems.push(versioningProblem(actual.name, index));
		if (index.unique && !isGenerated(wanted, index)) guards.push(duplicateGuard(actual.name, index));
	}
	return { clauses, guards, problems, notes: [] };
}

/** For each index that is missing the one that is the same but for its name, and has no other use. */
function findRenamed(
	actual: readonly ActualIndex[],
	wanted: readonly IndexShape[],
): ReadonlyMap<IndexShape, ActualIndex> {
	const renamed = new Map<IndexShape, ActualIndex>();
	const spare = new Set(actual.filter((index) => !wanted.some((other) => other.name === index.name)));
	for (const index of wanted) {
		if (actual.some((candidate) => candidate.name === index.name)) continue;
		const found = [...spare].find((candidate) => isAlike(candidate, index));
		if (!found) continue;
		spare.delete(found);
		renamed.set(index, found);
	}
	return renamed;
}

function isAlike(found: ActualIndex, wanted: IndexShape): boolean {
	const columns = (index: IndexShape) => index.columns.join().toLowerCase();
	return found.isPlain && found.unique === wanted.unique && columns(found) === columns(wanted);
}

/** Both servers drop an index that they once made for a foreign key as soon as another can serve it. */
function keepForeignKeyIndex(actual: ActualTable, added: IndexShape): Clause[] {
	const leading = added.columns[0];
	const serves = actual.foreignKeys.some((key) => key.column === leading);
	const own = actual.indexes.find((index) => index.isPlain && !index.unique && index.columns.join() === leading);
	return serves && own && own.name !== added.name ? [{ kind: "keepIndex", index: own, reason: "new index" }] : [];
}

/** The migration that adds a generated column removes the rows that it would make collide, before the index comes. */
function isGenerated(wanted: TableShape, index: IndexShape): boolean {
	return wanted.columns.some((column) => column.generated && index.columns.includes(column.name));
}

/** Rows that were deleted at the same time may repeat a value. */
function versioningProblem(table: string, { name }: IndexShape): string {
	return (
		`${table} is system-versioned, and its history may repeat what the unique index ${name} forbids; ` +
		`drop the versioning first (ALTER TABLE ${quote(table)} DROP SYSTEM VERSIONING)`
	);
}

function duplicateGuard(table: string, index: IndexShape): Guard {
	const columns = index.columns.map(quote).join(", ");
	const present = index.columns.map((column) => `${quote(column)} IS NOT NULL`).join(" AND ");
	return {
		sql:
			"SELECT COUNT(*) AS found FROM (SELECT 1 FROM " +
			`${quote(table)} WHERE ${present} GROUP BY ${columns} HAVING COUNT(*) > 1) AS duplicates`,
		problem: `value(s) of (${index.columns.join(", ")}) stand in several rows of ${table}, expected each once; merge them`,
	};
}
