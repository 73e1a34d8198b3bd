import { type Algorithm, algorithmOf, type Clause, describeClause, sqlOf } from "./clause";
import { createTableSql, foreignKeySql, quote } from "./ddl";
import type { ForeignKeyShape, Server, TableShape } from "./shape";

/** One statement that changes a table. */
export type Change = Alteration | Creation | RowsChange | Removal;

interface Described {
	readonly table: string;
	/** What it does, a text each; empty where a later statement completes it. */
	readonly what: readonly string[];
	/** Rows of the table, as the server estimates them. */
	readonly rows?: number;
}

export interface Alteration extends Described {
	readonly kind: "alter";
	/** The parts between ALTER TABLE with its name and ALGORITHM. */
	readonly parts: readonly string[];
	readonly algorithm: Algorithm;
	/** Executed with foreign_key_checks=0, without which adding a foreign key copies the table. */
	readonly skipForeignKeyChecks?: boolean;
	/** What of it can be tried on an empty copy of the table, which has no foreign keys; by default all of it. */
	readonly partsOn?: (copy: string) => readonly string[];
}

export interface Creation extends Described {
	readonly kind: "create";
	readonly sql: string;
}

/** A statement about rows. */
export interface RowsChange extends Described {
	readonly kind: "rows";
	readonly sql: string;
}

/** A statement that removes a table. */
export interface Removal extends Described {
	readonly kind: "drop";
	readonly sql: string;
}

/** What makes a table that is not there. */
export function creationOf(shape: TableShape, server: Server): Creation {
	return { kind: "create", table: shape.name, what: ["create"], sql: createTableSql(shape, server) };
}

/**
 * The statements that carry clauses out: as few as the servers allow, those that must come first in front. A clause is
 * in one group with others of the same algorithm, since one part that is not INSTANT makes the whole ALTER rebuild.
 */
export function statementsOf(
	{ name: table, rows }: { readonly name: string; readonly rows: number },
	clauses: readonly Clause[],
	server: Server,
): Alteration[] {
	const groups = new Map<string, Clause[]>();
	for (const clause of [...clauses].sort((one, other) => rankOf(one) - rankOf(other))) {
		const group = groupOf(clause);
		groups.set(group, [...(groups.get(group) ?? []), clause]);
	}
	const statements = [...groups].flatMap(([group, members]) =>
		group === "foreign keys" ? foreignKeyStatements(table, members, server) : [statementOf(table, members, server)],
	);
	return statements.map((statement) => ({ ...statement, rows }));
}

const ORDER = ["copies", "add columns", "add generated", "modify INSTANT", "modify INPLACE", "indexes", "foreign keys"];

/** The one that does most first. */
const ALGORITHMS = ["COPY", "INPLACE", "INSTANT"] as const satisfies Algorithm[];

function rankOf(clause: Clause): number {
	return ORDER.findIndex((name) => groupOf(clause).startsWith(name));
}

function groupOf(clause: Clause): string {
	switch (clause.kind) {
		case "addColumn":
			// MariaDB adds a virtual column in a statement of its own only.
			return clause.column.generated ? `add generated ${clause.column.name}` : "add columns";
		case "modifyColumn":
			return `modify ${algorithmOf(clause)}`;
		case "addForeignKey":
		case "replaceForeignKey":
			return "foreign keys";
		case "keepIndex":
			return clause.reason === "foreign key" ? "foreign keys" : "indexes";
		case "convert":
		case "checkJson":
			return "copies";
		default:
			return "indexes";
	}
}

function statementOf(table: string, clauses: readonly Clause[], server: Server): Alteration {
	return {
		kind: "alter",
		table,
		what: clauses.flatMap(describeClause),
		// Two indexes that are added can serve one foreign key, whose own index is then made anew once.
		parts: [...new Set(clauses.flatMap((clause) => sqlOf(clause, server)))],
		algorithm: ALGORITHMS.find((algorithm) => clauses.some((clause) => algorithmOf(clause) === algorithm)) ?? "INSTANT",
	};
}

/**
 * Drops and adds in the same ALTER, so that the table is never without a key and the keys get the wanted order. Neither
 * server takes the same name in both halves (error 1826), so where a wanted name is in use the keys go through a second name.
 */
function foreignKeyStatements(table: string, clauses: readonly Clause[], server: Server): Alteration[] {
	const keys = clauses.flatMap((clause) => ("key" in clause ? [clause.key] : []));
	const dropped = clauses.flatMap((clause) => (clause.kind === "replaceForeignKey" ? [clause.found.name] : []));
	const indexes = clauses.filter((clause) => clause.kind === "keepIndex").flatMap((clause) => sqlOf(clause, server));
	const what = clauses.flatMap(describeClause);
	const swap = (from: readonly string[], nameOf: (key: ForeignKeyShape) => string, more: string[]): Alteration => ({
		kind: "alter",
		table,
		what: [],
		parts: [
			...from.map((name) => `DROP FOREIGN KEY ${quote(name)}`),
			...more,
			...keys.map((key) => `ADD ${foreignKeySql(key, server.family, nameOf(key))}`),
		],
		algorithm: "INPLACE",
		skipForeignKeyChecks: true,
		// A key to the copy itself shows whether the table may have keys, and waits for no other table. One with keys may.
		partsOn: (copy) => (dropped.length ? [] : [...more, ...keys.map(({ column }) => selfReference(copy, column))]),
	});
	const final = (key: ForeignKeyShape) => key.name;
	if (!keys.some((key) => dropped.includes(key.name))) return [{ ...swap(dropped, final, indexes), what }];
	const second = (key: ForeignKeyShape) => `${key.name}_swap`;
	return [swap(dropped, second, indexes), { ...swap(keys.map(second), final, []), what }];
}

function selfReference(table: string, column: string): string {
	return `ADD FOREIGN KEY (${quote(column)}) REFERENCES ${quote(table)} (\`id\`)`;
}
