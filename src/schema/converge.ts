import { setTimeout as sleep } from "node:timers/promises";
import type { QueryRunner } from "typeorm";
import { IncompatibleSchemaError, MigrationError } from "../errors";
import type { Change, Difference } from "./change";
import { columnsAfter } from "./columns";
import { creation, difference } from "./difference";
import { contextOf, emit } from "./events";
import { execute, withShortLockWait } from "./execute";
import { foreignKeysAfter } from "./foreignKeys";
import { indexesAfter } from "./indexes";
import { inspect } from "./inspect";
import { disclaimTable, markOwned, ownedTables } from "./ownership";
import type { ActualTable, Snapshot, TableShape } from "./shape";

/** Every look that finds a difference acts on it; a look that still does after so many is fought by somebody. */
const MAX_LOOKS = 8;

/** While somebody makes or alters a table, a look sees only a part of it: what is refused is seen so many times. */
export const LOOKS_BEFORE_REFUSAL = 3;
/** Between them, in milliseconds. */
export const PAUSE_BEFORE_LOOK = 200;

export interface ConvergeOptions {
	/** Whether a table that is not there is made; otherwise it is an incompatibility. */
	readonly create: boolean;
	/** Tables of the host that must be there, with an `id INT` to refer to. */
	readonly parents?: readonly string[];
}

/**
 * Brings tables to their shapes: looks, refuses what would lose something, acts, and looks again until nothing
 * differs. So it can be interrupted and run again anywhere, and the host may change the same tables meanwhile.
 */
export async function converge(
	queryRunner: QueryRunner,
	shapes: readonly TableShape[],
	options: ConvergeOptions,
): Promise<void> {
	const changed = new Map<string, string[]>();
	const created = new Set<string>();
	let refusals = 0;
	for (let look = 1; ; look++) {
		const names = [...shapes.map((shape) => shape.name), ...(options.parents ?? [])];
		const snapshot = await lookAt(queryRunner, names, look > 1);
		const differences = compare(snapshot, shapes);
		const problems = await findProblems(queryRunner, snapshot, shapes, differences, options);
		const { planned, seen, problems: heard } = contextOf(queryRunner);
		heard?.push(...problems);
		if (problems.length && !heard) {
			if (++refusals === LOOKS_BEFORE_REFUSAL) throw new IncompatibleSchemaError(problems);
			await sleep(PAUSE_BEFORE_LOOK);
			continue;
		}
		const steps = shapes.flatMap((shape) => differences.get(shape.name)?.changes ?? creation(shape, snapshot.server));
		if (options.create && look === 1) await disclaim(queryRunner, differences);
		if (!steps.length) return report(queryRunner, shapes, differences, options, created, changed);
		if (look > MAX_LOOKS)
			throw new MigrationError(`these steps keep being undone: ${steps.map((step) => step.sql).join("; ")}`);
		const done = await withShortLockWait(queryRunner, () => act(queryRunner, steps, created, changed));
		if (planned) return assume(seen?.assumed, snapshot, shapes);
		for (const name of created) seen?.made?.add(name);
		// A table that this run made is as it was written: no need to look.
		if (done && steps.every((step) => seen?.made?.has(step.table))) {
			assume(seen?.tables, snapshot, shapes);
			return report(queryRunner, shapes, differences, options, created, changed);
		}
	}
}

/**
 * A table is noted as the module's own before it is made. Where a run ended in between and the dashboard made the table
 * then, it has another shape than the module's CREATE gives.
 */
async function disclaim(queryRunner: QueryRunner, differences: ReadonlyMap<string, Difference>): Promise<void> {
	const differing = [...differences].filter(([, { changes }]) => changes.length).map(([name]) => name);
	if (!differing.length) return;
	const created = await ownedTables(queryRunner);
	for (const name of differing) if (created.has(name)) await disclaimTable(queryRunner, name);
}

/** Whether none of the steps turned out to be made already. */
async function act(
	queryRunner: QueryRunner,
	steps: readonly Change[],
	created: Set<string>,
	changed: Map<string, string[]>,
): Promise<boolean> {
	let all = true;
	const creates = (step: Change) => step.algorithm === "NONE";
	const toCreate = steps.filter(creates).map((step) => step.table);
	if (toCreate.length) await markOwned(queryRunner, toCreate);
	for (const step of steps) {
		const done = await execute(queryRunner, step);
		all &&= done;
		if (creates(step)) {
			if (done) created.add(step.table);
			else await disclaimTable(queryRunner, step.table);
		} else if (done && step.what) {
			changed.set(step.table, [...(changed.get(step.table) ?? []), step.what]);
		}
	}
	return all;
}

/** A first look may be one that this run had before; what was acted on is looked at anew. */
async function lookAt(queryRunner: QueryRunner, names: readonly string[], again: boolean): Promise<Snapshot> {
	const { seen } = contextOf(queryRunner);
	if (!seen) return inspect(queryRunner, names);
	if (again || !seen.server || names.some((name) => !seen.assumed?.has(name) && !seen.tables.has(name))) {
		const snapshot = await inspect(queryRunner, names, seen.server);
		seen.server = snapshot.server;
		for (const name of names) seen.tables.set(name, snapshot.tables.get(name) ?? null);
	}
	const tables = names.flatMap((name) => seen.assumed?.get(name) ?? seen.tables.get(name) ?? []);
	return { server: seen.server, tables: new Map(tables.map((table) => [table.name, table])) };
}

/** Later migrations see the tables as these statements leave them. */
function assume(
	seen: Map<string, ActualTable | null> | undefined,
	{ tables, server }: Snapshot,
	shapes: readonly TableShape[],
): void {
	for (const shape of shapes) {
		const before = tables.get(shape.name);
		seen?.set(shape.name, {
			name: shape.name,
			engine: before?.engine ?? "InnoDB",
			collation: before?.collation ?? server.collation,
			primaryKey: ["id"],
			columns: columnsAfter(before?.columns ?? [], shape.columns),
			indexes: indexesAfter(before?.indexes ?? [], shape.indexes),
			foreignKeys: foreignKeysAfter(before?.foreignKeys ?? [], shape.foreignKeys),
		});
	}
}

function compare({ tables, server }: Snapshot, shapes: readonly TableShape[]): Map<string, Difference> {
	const found = shapes.flatMap((shape): [string, Difference][] => {
		const actual = tables.get(shape.name);
		return actual ? [[shape.name, difference(actual, shape, server)]] : [];
	});
	return new Map(found);
}

async function findProblems(
	queryRunner: QueryRunner,
	snapshot: Snapshot,
	shapes: readonly TableShape[],
	differences: ReadonlyMap<string, Difference>,
	{ create, parents = [] }: ConvergeOptions,
): Promise<string[]> {
	const problems = parents.flatMap((parent) => parentProblems(snapshot.tables.get(parent), parent));
	for (const shape of shapes) {
		const found = differences.get(shape.name);
		if (!found && !create) problems.push(`the table ${shape.name} is missing`);
		problems.push(...(found?.problems ?? []));
		for (const guard of found?.guards ?? []) {
			const count = await countOf(queryRunner, guard.sql);
			if (count > 0) problems.push(`${count} ${guard.problem}`);
		}
	}
	return problems;
}

async function countOf(queryRunner: QueryRunner, sql: string): Promise<number> {
	const [row] = (await queryRunner.query(sql)) as { found: number | string }[];
	return Number(row?.found ?? 0);
}

function parentProblems(parent: ActualTable | undefined, name: string): string[] {
	if (!parent) {
		return [`the table ${name} is missing; it belongs to the dashboard: start the dashboard once, then migrate`];
	}
	const id = parent.columns.find((column) => column.name === "id");
	if (id?.type !== "int") return [`${name}.id is ${id?.type ?? "missing"}, expected int: foreign keys refer to it`];
	if (parent.engine !== "InnoDB") return [`${name} uses the engine ${parent.engine}, expected InnoDB`];
	return parent.primaryKey.join() === "id" ? [] : [`${name} has no primary key (id) to refer to`];
}

function report(
	queryRunner: QueryRunner,
	shapes: readonly TableShape[],
	differences: ReadonlyMap<string, Difference>,
	{ create }: ConvergeOptions,
	created: ReadonlySet<string>,
	changed: ReadonlyMap<string, readonly string[]>,
): void {
	for (const { name } of shapes) {
		const changes = changed.get(name) ?? [];
		if (create && !created.has(name)) emit(queryRunner, "found", name, "was there");
		if (created.has(name)) emit(queryRunner, "created", name, "created");
		else if (changes.length) emit(queryRunner, "changed", name, changes.join("; "));
		else emit(queryRunner, "kept", name, "as it was");
		for (const note of differences.get(name)?.notes ?? []) emit(queryRunner, "note", name, note);
	}
}
