import type { Change, Difference, Guard } from "./change";
import type { ActualTable, ForeignKeyShape, Server, TableShape } from "./shape";
import { foreignKeySql, indexSql, quote } from "./sql";

/** A key that is there, but with another name or other actions. */
interface Replacement {
	readonly found: ForeignKeyShape;
	readonly wanted: ForeignKeyShape;
}

/** What separates the foreign keys of a table from those wanted. */
export function foreignKeyDifference(actual: ActualTable, wanted: TableShape, server: Server): Difference {
	const missing: ForeignKeyShape[] = [];
	const replacements: Replacement[] = [];
	for (const key of wanted.foreignKeys) {
		const candidates = actual.foreignKeys.filter(
			(candidate) => candidate.column === key.column && candidate.references === key.references,
		);
		if (candidates.some((candidate) => alike(candidate, key))) continue;
		const found = candidates[0];
		if (found) replacements.push({ found, wanted: key });
		else missing.push(key);
	}
	const table = actual.name;
	return {
		changes: [...replace(actual, wanted, replacements, server), ...add(table, missing, server)],
		// A column that is still to be added holds no value yet.
		guards: missing.filter((key) => hasColumn(actual, key.column)).map((key) => orphanGuard(table, key)),
		problems: [],
		notes: [],
	};
}

function alike(found: ForeignKeyShape, wanted: ForeignKeyShape): boolean {
	return found.name === wanted.name && found.onDelete === wanted.onDelete && found.onUpdate === wanted.onUpdate;
}

function hasColumn(actual: ActualTable, name: string): boolean {
	return actual.columns.some((column) => column.name === name);
}

/**
 * Drops and adds in the same ALTER, so that no moment is without a key. Neither server takes the same name in both
 * halves (error 1826), so where a wanted name is in use the keys go through a second name.
 */
function replace(
	actual: ActualTable,
	wanted: TableShape,
	replacements: readonly Replacement[],
	server: Server,
): Change[] {
	if (!replacements.length) return [];
	const used = new Set(actual.foreignKeys.map((key) => key.name));
	const through = replacements.some((replacement) => used.has(replacement.wanted.name));
	const rename = (suffix: string) => (key: ForeignKeyShape) => `${key.name}${suffix}`;
	const found = replacements.map((replacement) => replacement.found.name);
	const keys = replacements.map((replacement) => replacement.wanted);
	const names = keys.map((key) => key.name).join(", ");
	const what = `replaced foreign keys by ${names}`;
	const indexes = keepIndexes(actual, wanted, keys);
	if (!through) return [swap(actual.name, found, keys, rename(""), indexes, server, what)];
	const second = rename("_swap");
	return [
		swap(actual.name, found, keys, second, indexes, server, ""),
		swap(actual.name, keys.map(second), keys, rename(""), [], server, what),
	];
}

function swap(
	table: string,
	dropped: readonly string[],
	added: readonly ForeignKeyShape[],
	name: (key: ForeignKeyShape) => string,
	indexes: readonly string[],
	server: Server,
	what: string,
): Change {
	const clauses = [
		...dropped.map((key) => `DROP FOREIGN KEY ${quote(key)}`),
		...indexes,
		...added.map((key) => `ADD ${foreignKeySql(key, server.family, name(key))}`),
	];
	return {
		table,
		what,
		sql: `ALTER TABLE ${quote(table)} ${clauses.join(", ")}`,
		algorithm: "INPLACE",
		unchecked: true,
	};
}

/** An index that the server once made for a key would go with the key and come back under the key's name: make it anew. */
function keepIndexes(actual: ActualTable, wanted: TableShape, keys: readonly ForeignKeyShape[]): string[] {
	return wanted.indexes
		.filter((shape) => keys.some((key) => !shape.unique && shape.columns.join() === key.column))
		.filter((shape) => actual.indexes.some((found) => found.name === shape.name))
		.flatMap((shape) => [`DROP INDEX ${quote(shape.name)}`, `ADD ${indexSql(shape)}`]);
}

function add(table: string, missing: readonly ForeignKeyShape[], server: Server): Change[] {
	if (!missing.length) return [];
	const clauses = missing.map((key) => `ADD ${foreignKeySql(key, server.family)}`);
	return [
		{
			table,
			what: `added foreign key ${missing.map((key) => key.name).join(", ")}`,
			sql: `ALTER TABLE ${quote(table)} ${clauses.join(", ")}`,
			algorithm: "INPLACE",
			unchecked: true,
		},
	];
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
