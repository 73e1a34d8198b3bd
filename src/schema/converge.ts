import type { QueryRunner } from "typeorm";
import { IncompatibleSchemaError, MigrationError } from "../errors";
import { retry } from "../mysql/retry";
import { applyClause, createdTable, doneText } from "./clause";
import { contextOf, emit } from "./context";
import { difference } from "./difference";
import { execute } from "./execute";
import { inspect } from "./inspect";
import { type Mendable, mendablesOf } from "./mendable";
import { disclaim, markOwned, ownedTables } from "./ownership";
import { countRows } from "./rows";
import { withMigrationSession } from "./session";
import { type ActualTable, type ColumnShape, newColumn, type Server, type Snapshot, type TableShape } from "./shape";
import { type Change, creationOf, statementsOf } from "./statements";
import type { Difference, Guard } from "./verdict";

/** Each round acts on every difference that it finds; where one is left after so many, another session makes them. */
const MAX_ROUNDS = 8;

export interface ConvergeOptions {
	/** Whether a table that is not there is made; otherwise it is an incompatibility. */
	readonly create: boolean;
	/** Tables of the application that must be there, with an `id INT` to refer to. */
	readonly parents?: readonly string[];
}

/** One table, as it is, as it is to be, and what lies between. */
interface Decision {
	readonly shape: TableShape;
	/** Undefined for a table that is to be made. */
	readonly actual: ActualTable | undefined;
	readonly difference: Difference;
	readonly changes: readonly Change[];
}

/** What a call of `converge` did. */
interface Outcome {
	readonly created: Set<string>;
	readonly changed: Map<string, string[]>;
}

/**
 * Brings tables to their shapes: inspects, refuses what would lose something, acts, and inspects again until nothing
 * differs. So it can be interrupted and run again anywhere, and the application may change the same tables meanwhile.
 *
 * @throws IncompatibleSchemaError with every reason, before anything is changed
 */
export async function converge(
	queryRunner: QueryRunner,
	shapes: readonly TableShape[],
	options: ConvergeOptions,
): Promise<void> {
	await withMigrationSession(queryRunner, async () => {
		const outcome: Outcome = { created: new Set(), changed: new Map() };
		for (let round = 1; ; round++) {
			const { server, decisions } = await decide(queryRunner, shapes, options);
			const changes = decisions.flatMap((decision) => decision.changes);
			if (options.create && round === 1) await disclaimDifferent(queryRunner, decisions);
			if (!changes.length) return report(queryRunner, decisions, options, outcome);
			if (round > MAX_ROUNDS) throw contended(changes);
			await apply(queryRunner, decisions, server, outcome);
		}
	});
}

function contended(changes: readonly Change[]): MigrationError {
	const what = changes.map(({ table, what }) => `${table}: ${what.join(", ")}`).join("; ");
	return new MigrationError(`another session keeps reverting these changes: ${what}. End it and run it again`);
}

/**
 * Does the work again where it found the database incompatible: while somebody makes or alters a table, an inspection
 * sees only a part of it.
 */
export function retryIncompatible<Result>(work: () => Promise<Result>): Promise<Result> {
	const isTransient = (error: unknown) => error instanceof IncompatibleSchemaError;
	return retry(work, { isTransient, attempts: 3, firstPause: 200 });
}

/** Inspects the tables and decides what is to be done; a dry run records the problems. */
async function decide(
	queryRunner: QueryRunner,
	shapes: readonly TableShape[],
	options: ConvergeOptions,
): Promise<{ readonly server: Server; readonly decisions: readonly Decision[] }> {
	const decideOnce = async () => {
		const snapshot = await inspectPlanned(queryRunner, [...shapes.map(({ name }) => name), ...(options.parents ?? [])]);
		const decisions: Decision[] = [];
		for (const shape of shapes) decisions.push(await decisionOn(queryRunner, shape, snapshot));
		const problems = await findProblems(queryRunner, snapshot, decisions, options);
		const { recording } = contextOf(queryRunner);
		recording?.problems.push(...problems);
		for (const { shape, difference } of decisions) if (difference.problems.length) recording?.untried.add(shape.name);
		if (problems.length && !recording) throw new IncompatibleSchemaError(problems);
		return { server: snapshot.server, decisions };
	};
	return retryIncompatible(decideOnce);
}

/** In a dry run, the tables as the statements that were recorded so far would leave them. */
export async function inspectPlanned(queryRunner: QueryRunner, names: readonly string[]): Promise<Snapshot> {
	const { recording } = contextOf(queryRunner);
	if (!recording) return inspect(queryRunner, names);
	const unknown = names.filter((name) => !recording.tables.has(name));
	if (unknown.length || !recording.server) {
		const { server, tables } = await inspect(queryRunner, unknown);
		recording.server = server;
		for (const name of unknown) recording.tables.set(name, tables.get(name) ?? null);
	}
	const tables = names.flatMap((name) => recording.tables.get(name) ?? []);
	return { server: recording.server, tables: new Map(tables.map((table) => [table.name, table])) };
}

const NOTHING: Difference = { clauses: [], guards: [], problems: [], notes: [] };

async function decisionOn(
	queryRunner: QueryRunner,
	shape: TableShape,
	{ server, tables }: Snapshot,
): Promise<Decision> {
	const actual = tables.get(shape.name);
	if (!actual) return { shape, actual, difference: NOTHING, changes: [creationOf(shape, server)] };
	const found = difference(actual, shape);
	// A shape with the id lists all columns of the table: any other column is the owner's.
	const isWhole = shape.columns.some(({ autoIncrement }) => autoIncrement);
	const known = shape.columns.map(({ name }) => name);
	const mendables = isWhole && !found.problems.length ? mendablesOf(actual, known, server) : [];
	const all = await withMendables(queryRunner, found, mendables);
	return { shape, actual, difference: all, changes: statementsOf(actual, all.clauses, server) };
}

/** What only a copy mends becomes a clause where tables may be copied for it, and a note where not. */
async function withMendables(
	queryRunner: QueryRunner,
	found: Difference,
	mendables: readonly Mendable[],
): Promise<Difference> {
	const [clauses, notes] = [[...found.clauses], [...found.notes]];
	for (const { clause, guards, reason } of mendables) {
		const { mendsByCopy } = contextOf(queryRunner);
		const inTheWay = mendsByCopy ? await failures(queryRunner, guards) : [];
		if (mendsByCopy && !inTheWay.length) clauses.push(clause);
		else notes.push(`${reason}; left as it is, since ${inTheWay.join("; ") || NOT_ASKED}`);
	}
	return { ...found, clauses, notes };
}

const NOT_ASKED =
	"mending it copies the table while writers wait: --allow-table-copy lets the run do it, and check has the statement for later";

async function failures(queryRunner: QueryRunner, guards: readonly Guard[]): Promise<string[]> {
	const problems: string[] = [];
	for (const { sql, problem } of guards) {
		const count = await countRows(queryRunner, sql);
		if (count > 0) problems.push(`${count} ${problem}`);
	}
	return problems;
}

async function findProblems(
	queryRunner: QueryRunner,
	snapshot: Snapshot,
	decisions: readonly Decision[],
	{ create, parents = [] }: ConvergeOptions,
): Promise<string[]> {
	const problems = parents.flatMap((parent) => parentProblems(snapshot.tables.get(parent), parent));
	for (const { shape, actual, difference } of decisions) {
		if (!actual && !create) problems.push(`the table ${shape.name} is missing`);
		problems.push(...difference.problems, ...(await failures(queryRunner, difference.guards)));
	}
	return problems;
}

function parentProblems(parent: ActualTable | undefined, name: string): string[] {
	if (!parent) {
		return [`the table ${name} is missing; it belongs to the dashboard: start the dashboard once, then migrate`];
	}
	const id = parent.columns.find((column) => column.name.toLowerCase() === "id");
	if (id?.type !== "int") return [`${name}.id is ${id?.type ?? "missing"}, expected int: foreign keys refer to it`];
	if (parent.engine !== "InnoDB") return [`${name} uses the engine ${parent.engine}, expected InnoDB`];
	return parent.primaryKey.join().toLowerCase() === "id" ? [] : [`${name} has no primary key (id) to refer to`];
}

/**
 * A table is marked as the package's own before it is made. Where a run ended in between and the application made the
 * table then, it has another shape than the package's CREATE gives.
 */
async function disclaimDifferent(queryRunner: QueryRunner, decisions: readonly Decision[]): Promise<void> {
	const different = decisions.filter(({ actual, changes }) => actual && changes.length);
	if (!different.length) return;
	const owned = await ownedTables(queryRunner);
	for (const { shape } of different) if (owned.has(shape.name)) await disclaim(queryRunner, shape.name);
}

async function apply(
	queryRunner: QueryRunner,
	decisions: readonly Decision[],
	server: Server,
	{ created, changed }: Outcome,
): Promise<void> {
	const { recording } = contextOf(queryRunner);
	const missing = decisions.filter(({ actual }) => !actual).map(({ shape }) => shape.name);
	if (missing.length) await markOwned(queryRunner, missing);
	for (const { shape, actual, difference, changes } of decisions) {
		for (const change of changes) {
			const isDone = await execute(queryRunner, change);
			if (change.kind !== "create") {
				if (isDone) changed.set(shape.name, [...(changed.get(shape.name) ?? []), ...change.what]);
			} else if (isDone) created.add(shape.name);
			else await disclaim(queryRunner, shape.name);
		}
		const base = actual && difference.problems.length ? withWantedColumns(actual, shape) : actual;
		const after = base ? difference.clauses.reduce(applyClause, base) : createdTable(shape, server);
		recording?.tables.set(shape.name, after);
	}
}

/** A column that was found to be incompatible is reported once: later migrations see it as it is wanted. */
function withWantedColumns(actual: ActualTable, shape: TableShape): ActualTable {
	const isWanted = ({ name }: ColumnShape) => shape.columns.some((column) => column.name === name);
	const columns = actual.columns.filter((column) => !isWanted(column));
	return { ...actual, columns: [...columns, ...shape.columns.map(newColumn)] };
}

function report(
	queryRunner: QueryRunner,
	decisions: readonly Decision[],
	{ create }: ConvergeOptions,
	{ created, changed }: Outcome,
): void {
	for (const { shape, difference } of decisions) {
		const { name } = shape;
		const changes = changed.get(name) ?? [];
		if (create && !created.has(name)) emit(queryRunner, "found", name, "was there");
		if (created.has(name)) emit(queryRunner, "created", name, "created");
		else if (!changes.length) emit(queryRunner, "unchanged", name, "as it was");
		for (const change of changes) emit(queryRunner, "changed", name, doneText(change));
		for (const note of difference.notes) emit(queryRunner, "note", name, note);
	}
}
