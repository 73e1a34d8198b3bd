import type { Change, Difference, Guard } from "./change";
import { foreignKeySql, indexSql, quote } from "./ddl";
import type { ActualTable, ForeignKeyShape, Server, TableShape } from "./shape";

/** A key that is to be made, and the one with another name or other actions that it takes the place of. */
interface Making {
	readonly wanted: ForeignKeyShape;
	readonly found: ForeignKeyShape | undefined;
}

/** What separates the foreign keys of a table from those wanted. */
export function foreignKeyDifference(actual: ActualTable, wanted: TableShape, server: Server): Difference {
	const makings = findMakings(actual.foreignKeys, wanted.foreignKeys);
	const missing = makings.filter(({ found }) => !found).map((making) => making.wanted);
	return {
		changes: make(actual, wanted, makings, server),
		// A column that is still to be added holds no value yet.
		guards: missing.filter((key) => hasColumn(actual, key.column)).map((key) => orphanGuard(actual.name, key)),
		problems: [],
		notes: [],
	};
}

/** The foreign keys of a table once the difference is gone. */
export function foreignKeysAfter(
	before: readonly ForeignKeyShape[],
	wanted: readonly ForeignKeyShape[],
): ForeignKeyShape[] {
	const makings = findMakings(before, wanted);
	const kept = before.filter((key) => !makings.some(({ found }) => found === key));
	return [...kept, ...makings.map((making) => making.wanted)];
}

function findMakings(actual: readonly ForeignKeyShape[], wanted: readonly ForeignKeyShape[]): Making[] {
	return wanted.flatMap((key): Making[] => {
		const candidates = actual.filter(
			({ column, references }) => column === key.column && references === key.references,
		);
		return candidates.some((candidate) => alike(candidate, key)) ? [] : [{ wanted: key, found: candidates[0] }];
	});
}

function alike(found: ForeignKeyShape, wanted: ForeignKeyShape): boolean {
	return found.name === wanted.name && found.onDelete === wanted.onDelete && found.onUpdate === wanted.onUpdate;
}

function hasColumn(actual: ActualTable, name: string): boolean {
	return actual.columns.some((column) => column.name === name);
}

/**
 * Drops and adds in the same ALTER, so that no moment is without a key and they come in the order wanted. Neither server
 * takes the same name in both halves (error 1826), so where a wanted name is in use the keys go through a second name.
 */
function make(actual: ActualTable, wanted: TableShape, makings: readonly Making[], server: Server): Change[] {
	if (!makings.length) return [];
	const used = new Set(actual.foreignKeys.map((key) => key.name));
	const keys = makings.map((making) => making.wanted);
	const through = keys.some((key) => used.has(key.name));
	const rename = (suffix: string) => (key: ForeignKeyShape) => `${key.name}${suffix}`;
	const replaced = makings.filter(({ found }) => found);
	const dropped = replaced.flatMap(({ found }) => found?.name ?? []);
	const indexes = keepIndexes(
		actual,
		wanted,
		replaced.map((making) => making.wanted),
	);
	const what = describe(makings);
	if (!through) return [swap(actual.name, dropped, keys, rename(""), indexes, server, what)];
	const second = rename("_swap");
	return [
		swap(actual.name, dropped, keys, second, indexes, server, ""),
		swap(actual.name, keys.map(second), keys, rename(""), [], server, what),
	];
}

function describe(makings: readonly Making[]): string {
	const names = (some: readonly Making[]) => some.map((making) => making.wanted.name).join(", ");
	const replaced = names(makings.filter(({ found }) => found));
	const added = names(makings.filter(({ found }) => !found));
	return [replaced && `replaced foreign keys by ${replaced}`, added && `added foreign key ${added}`]
		.filter(Boolean)
		.join("; ");
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
		skipForeignKeyChecks: true,
	};
}

/** An index that the server once made for a key would go with the key and come back under the key's name: make it anew. */
function keepIndexes(actual: ActualTable, wanted: TableShape, keys: readonly ForeignKeyShape[]): string[] {
	return wanted.indexes
		.filter((shape) => keys.some((key) => !shape.unique && shape.columns.join() === key.column))
		.filter((shape) => actual.indexes.some((found) => found.name === shape.name))
		.flatMap((shape) => [`DROP INDEX ${quote(shape.name)}`, `ADD ${indexSql(shape)}`]);
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
