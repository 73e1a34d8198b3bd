import type { Clause } from "./clause";
import { quote } from "./ddl";
import type { ActualForeignKey, ActualTable, ForeignKeyShape, TableShape } from "./shape";
import type { Difference, Guard } from "./verdict";

/** What separates the foreign keys of a table from those wanted. */
export function foreignKeyDifference(actual: ActualTable, wanted: TableShape): Difference {
	const clauses = wanted.foreignKeys.flatMap((key) => verdict(actual.foreignKeys, key));
	const replaced = clauses.flatMap((clause) => (clause.kind === "replaceForeignKey" ? [clause.found] : []));
	const added = clauses.flatMap((clause) => (clause.kind === "addForeignKey" ? [clause.key] : []));
	return {
		clauses: [...clauses, ...clauses.flatMap((clause) => keepIndex(actual, wanted, clause))],
		// A column that is still to be added holds no value yet.
		guards: added.filter((key) => hasColumn(actual, key.column)).map((key) => orphanGuard(actual.name, key)),
		problems: clauses.flatMap((clause) => nameProblem(actual, clause, replaced)),
		notes: [],
	};
}

type KeyClause = Extract<Clause, { kind: "addForeignKey" | "replaceForeignKey" }>;

function verdict(actual: readonly ActualForeignKey[], key: ForeignKeyShape): KeyClause[] {
	const candidates = actual.filter((found) => found.isPlain && isSameReference(found, key));
	if (candidates.some((candidate) => isAlike(candidate, key))) return [];
	const found =
		candidates.find((candidate) => candidate.name === key.name) ??
		candidates.find((candidate) => hasSameActions(candidate, key)) ??
		candidates.find((candidate) => isNamedByServer(candidate.name));
	return found ? [{ kind: "replaceForeignKey", found, key }] : [{ kind: "addForeignKey", key }];
}

function isSameReference(found: ForeignKeyShape, key: ForeignKeyShape): boolean {
	return found.column.toLowerCase() === key.column.toLowerCase() && found.references === key.references;
}

/** To InnoDB, RESTRICT and NO ACTION are the same. */
function hasSameActions(found: ForeignKeyShape, key: ForeignKeyShape): boolean {
	const effect = (action: ForeignKeyShape["onDelete"]) => (action === "NO ACTION" ? "RESTRICT" : action);
	return effect(found.onDelete) === effect(key.onDelete) && effect(found.onUpdate) === effect(key.onUpdate);
}

function isAlike(found: ForeignKeyShape, key: ForeignKeyShape): boolean {
	return found.name === key.name && found.onDelete === key.onDelete && found.onUpdate === key.onUpdate;
}

/** Both servers once wrote `table_ibfk_1`; MariaDB 12.1 writes `1`. Any other name is the owner's choice. */
function isNamedByServer(name: string): boolean {
	return /^(.+_ibfk_)?\d+$/.test(name);
}

function hasColumn(actual: ActualTable, name: string): boolean {
	return actual.columns.some((column) => column.name.toLowerCase() === name.toLowerCase());
}

/** The name of a key can be used once in a database; a key of the owner's is not dropped for it. */
function nameProblem(actual: ActualTable, { key }: KeyClause, replaced: readonly ActualForeignKey[]): string[] {
	const found = actual.foreignKeys.find((candidate) => candidate.name === key.name && !replaced.includes(candidate));
	if (!found) return [];
	return [
		`${actual.name} has another foreign key named ${key.name}, on ${found.column}; give it another name ` +
			`(ALTER TABLE ${quote(actual.name)} DROP FOREIGN KEY ${quote(key.name)}, ADD CONSTRAINT … FOREIGN KEY …)`,
	];
}

/** An index that the server once made for a key would go with the key and come back under the key's name. */
function keepIndex(actual: ActualTable, wanted: TableShape, clause: KeyClause): Clause[] {
	if (clause.kind !== "replaceForeignKey") return [];
	return wanted.indexes
		.filter((index) => !index.unique && index.columns.join() === clause.key.column)
		.filter((index) => actual.indexes.some((found) => found.isPlain && found.name === index.name))
		.map((index) => ({ kind: "keepIndex", index, reason: "foreign key" }));
}

function orphanGuard(table: string, key: ForeignKeyShape): Guard {
	const child = `${quote(table)} AS child`;
	return {
		sql:
			`SELECT COUNT(*) AS found FROM ${child} LEFT JOIN ${quote(key.references)} AS parent ` +
			`ON parent.id = child.${quote(key.column)} WHERE child.${quote(key.column)} IS NOT NULL AND parent.id IS NULL`,
		problem: `row(s) of ${table} have a ${key.column} that is not in ${key.references}; correct or delete them`,
	};
}
