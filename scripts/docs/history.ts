import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { DataSource } from "typeorm";
import { migrate } from "../../src";
import { entities } from "../../src/entities";
import { migrations } from "../../src/migrations";
import { enumValues } from "../../src/schema/columnType";
import { inspect } from "../../src/schema/inspect";
import type { ActualTable, ColumnShape, Snapshot } from "../../src/schema/shape";
import { commentText } from "./comments";

/** One thing that a migration did to a table. */
export interface SchemaChange {
	readonly table: string;
	readonly kind: "table" | "column" | "index" | "key";
	readonly name: string;
	readonly what: string;
}

export interface MigrationStep {
	readonly name: string;
	/** The digits at the end of the class's name. */
	readonly timestamp: string;
	readonly purpose: string;
	readonly changes: readonly SchemaChange[];
}

export interface History {
	readonly steps: readonly MigrationStep[];
	/** The tables as the last migration leaves them. */
	readonly snapshot: Snapshot;
}

/** Runs the migrations one by one on an empty database, and compares the tables before and after each. */
export async function recordHistory(
	root: string,
	url: string,
	type: "mariadb" | "mysql",
	tables: readonly string[],
): Promise<History> {
	const steps: MigrationStep[] = [];
	let snapshot: Snapshot | undefined;
	for (const [index, migration] of migrations.entries()) {
		const upTo = migrations.slice(0, index + 1);
		const next = await snapshotAfter({ type, url, entities, migrations: upTo, logger: "debug" }, tables);
		steps.push({
			name: migration.name.replace(/\d+$/, ""),
			timestamp: /\d+$/.exec(migration.name)?.[0] ?? "",
			purpose: purposeOf(root, migration.name),
			changes: tables.flatMap((table) => tableChanges(snapshot?.tables.get(table), next.tables.get(table))),
		});
		snapshot = next;
	}
	if (!snapshot) throw new Error("There is no migration");
	return { steps, snapshot };
}

async function snapshotAfter(
	options: ConstructorParameters<typeof DataSource>[0],
	tables: readonly string[],
): Promise<Snapshot> {
	const dataSource = await new DataSource(options).initialize();
	const queryRunner = dataSource.createQueryRunner();
	try {
		await migrate(dataSource);
		return await inspect(queryRunner, tables);
	} finally {
		await queryRunner.release();
		await dataSource.destroy();
	}
}

function purposeOf(root: string, className: string): string {
	const folder = path.join(root, "src", "migrations");
	const timestamp = /\d+$/.exec(className)?.[0] ?? className;
	const file = readdirSync(folder).find((name) => name.startsWith(timestamp));
	const source = file ? readFileSync(path.join(folder, file), "utf8") : "";
	const [, comment = ""] = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport class /.exec(source) ?? [];
	if (!comment) throw new Error(`${className} has no comment that says what it is for`);
	return commentText(comment);
}

function tableChanges(before: ActualTable | undefined, after: ActualTable | undefined): SchemaChange[] {
	if (!after) return before ? [{ table: before.name, kind: "table", name: before.name, what: "dropped" }] : [];
	const { name: table } = after;
	if (!before) {
		const parts = [
			...after.columns.map((column) => ({ table, kind: "column" as const, name: column.name, what: "created" })),
			...after.indexes.map((index) => ({ table, kind: "index" as const, name: index.name, what: "created" })),
		];
		return [{ table, kind: "table", name: table, what: "created" }, ...parts];
	}
	return [
		...partChanges({ table, kind: "column" }, before.columns, after.columns, columnChange),
		...partChanges({ table, kind: "index" }, before.indexes, after.indexes, indexChange),
		...partChanges(
			{ table, kind: "key" },
			before.foreignKeys,
			after.foreignKeys,
			(key) => `deletes by ${key.onDelete}`,
		),
	];
}

function partChanges<Part extends { readonly name: string }>(
	{ table, kind }: Pick<SchemaChange, "table" | "kind">,
	before: readonly Part[],
	after: readonly Part[],
	change: (from: Part, to: Part) => string,
): SchemaChange[] {
	const old = new Map(before.map((part) => [part.name, part]));
	const names = new Set(after.map((part) => part.name));
	const changed = after.flatMap((part) => {
		const from = old.get(part.name);
		if (!from) return [{ table, kind, name: part.name, what: "added" }];
		return JSON.stringify(from) === JSON.stringify(part)
			? []
			: [{ table, kind, name: part.name, what: change(from, part) }];
	});
	const dropped = before.filter((part) => !names.has(part.name));
	return [...changed, ...dropped.map((part) => ({ table, kind, name: part.name, what: "dropped" }))];
}

function indexChange(
	_from: { readonly name: string },
	to: { readonly name: string; readonly columns: readonly string[] },
) {
	return `covers ${to.columns.map((column) => `\`${column}\``).join(", ")}`;
}

function columnChange(from: ColumnShape, to: ColumnShape): string {
	const [old, values] = [enumValues(from.type), enumValues(to.type)];
	if (old && values) {
		const added = values.filter((value) => !old.includes(value)).map((value) => `\`${value}\``);
		const removed = old.filter((value) => !values.includes(value)).map((value) => `\`${value}\``);
		const parts = [
			added.length ? `takes ${added.join(", ")}` : "",
			removed.length ? `no longer ${removed.join(", ")}` : "",
		];
		if (parts.some(Boolean)) return parts.filter(Boolean).join("; ");
	}
	if (from.type !== to.type) return `from \`${from.type}\` to \`${to.type}\``;
	if (from.nullable !== to.nullable) return to.nullable ? "may be NULL" : "must not be NULL";
	if (from.default !== to.default) return `default \`${to.default}\``;
	return "changed";
}
