import type { ColumnShape, ForeignKeyShape, TableShape } from "../../src/schema/shape";
import type { Draft } from "./draft";
import { SAFETY_ASSURED } from "./lint";
import { describe, type Statement } from "./statements";

/** The host's table, which a migration only refers to. */
const HOST_USERS = "dashboard_users";

const text = (value: string) => JSON.stringify(value);

/** The source of a migration, which the formatter then lays out. */
export function renderMigration(className: string, draft: Draft): string {
	const body = [
		...draft.shapes.map(renderShape),
		`/** ${summary(draft)} */`,
		`export class ${className} implements MigrationInterface {`,
		`readonly name = ${text(className)};\n`,
		"async up(queryRunner: QueryRunner): Promise<void> {",
		...renderUp(draft),
		"}\n",
		"async down(queryRunner: QueryRunner): Promise<void> {",
		...renderDown(draft),
		"}\n}\n",
	].join("\n");
	return `${imports(body)}\n${body}`;
}

function summary({ shapes, steps, created }: Draft): string {
	const parts = [
		...created.map((table) => `makes ${table}`),
		...shapes.flatMap(({ name, columns, indexes, foreignKeys }) =>
			created.includes(name)
				? []
				: [`${name}: ${[...columns, ...indexes, ...foreignKeys].map((part) => part.name).join(", ")}`],
		),
		...steps.map((step) => `${step.table}: ${describe(step)}`),
	];
	return `Generated from the entities; ${parts.join("; ")}.`.replaceAll("*/", "* /");
}

function imports(body: string): string {
	const uses = (name: string) => new RegExp(`\\b${name}\\b`).test(body);
	const from = (file: string, ...names: string[]) => {
		const used = names.filter((name) => uses(name.replace("type ", "")));
		return used.length ? [`import { ${used.join(", ")} } from "../schema/${file}";`] : [];
	};
	return [
		'import type { MigrationInterface, QueryRunner } from "typeorm";',
		...from("converge", "converge"),
		...from("dataLoss", "refuseDataLoss"),
		...from("events", "emit"),
		...from("execute", "execute", "withShortLockWait"),
		...from("ownership", "ownedTables", "forgetExpression", "rememberExpression", "disclaimTable"),
		...from("shape", "foreignKey", "idColumn", "index", "notNull", "nullable", "type TableShape", "unique", "virtual"),
		"",
	].join("\n");
}

function constant(table: string): string {
	return table.toUpperCase();
}

function renderShape({ name, columns, indexes, foreignKeys }: TableShape): string {
	return [
		`const ${constant(name)}: TableShape = {`,
		`name: ${text(name)},`,
		`columns: [${columns.map(renderColumn).join(", ")}],`,
		`indexes: [${indexes.map((one) => call(one.unique ? "unique" : "index", one.name, ...one.columns)).join(", ")}],`,
		`foreignKeys: [${foreignKeys.map(renderForeignKey).join(", ")}],`,
		"};\n",
	].join("\n");
}

function call(name: string, ...values: string[]): string {
	return `${name}(${values.map(text).join(", ")})`;
}

function renderForeignKey({ name, column, references, onDelete }: ForeignKeyShape): string {
	return call("foreignKey", name, column, references, onDelete);
}

function renderColumn(column: ColumnShape): string {
	const { name, type, generated, default: value } = column;
	if (column.autoIncrement && name === "id" && type === "int") return "idColumn()";
	if (generated) return call("virtual", name, type, generated);
	const maker = column.nullable ? "nullable" : "notNull";
	const made = value !== null && column.nullable ? call(maker, name, type, value) : call(maker, name, type);
	const more = [
		...(value !== null && !column.nullable ? [`default: ${text(value)}`] : []),
		...(column.onUpdate ? ["onUpdate: true"] : []),
		...(column.autoIncrement ? ["autoIncrement: true"] : []),
	];
	return more.length ? `{ ...${made}, ${more.join(", ")} }` : made;
}

function renderUp({ steps, shapes, created, generated, losses }: Draft): string[] {
	const reasons = new Map(losses.map((loss) => [loss.statement, loss.reason]));
	const tables = shapes.map(({ name }) => constant(name)).join(", ");
	const isReferred = shapes.some(({ foreignKeys }) => foreignKeys.some(({ references }) => references === HOST_USERS));
	const options = `{ create: ${created.length > 0}${isReferred ? `, parents: [${text(HOST_USERS)}]` : ""} }`;
	return [
		...renderSteps(steps, reasons),
		...(shapes.length ? [`await converge(queryRunner, [${tables}], ${options});`] : []),
		...generated.map(
			({ table, column, expression }) =>
				`await rememberExpression(queryRunner, ${text(table)}, ${text(column)}, ${text(expression)});`,
		),
	];
}

function renderSteps(steps: readonly Statement[], reasons: ReadonlyMap<string, string>): string[] {
	if (!steps.length) return [];
	const lines = steps.flatMap((step) => renderStep(step, reasons.get(step.sql)));
	return ["await withShortLockWait(queryRunner, async () => {", ...lines, "});"];
}

function renderStep(step: Statement, reason: string | undefined): string[] {
	const what = describe(step);
	const meant = reason ?? (step.kind === "rename column" ? "the values stay under the new name" : undefined);
	const statement = [
		"await execute(queryRunner, {",
		`table: ${text(step.table)},`,
		`what: ${text(what)},`,
		...(meant === undefined ? [] : [`${SAFETY_ASSURED}${meant}`]),
		`sql: ${text(step.sql)},`,
		`algorithm: ${text(/index|foreign key/.test(step.kind) ? "INPLACE" : "INSTANT")},`,
		...(step.kind === "add foreign key" ? ["skipForeignKeyChecks: true,"] : []),
		"});",
		`emit(queryRunner, "changed", ${text(step.table)}, ${text(what)});`,
	];
	if (step.kind !== "rename column") return statement;
	return [`if (await queryRunner.hasColumn(${text(step.table)}, ${text(step.from)})) {`, ...statement, "}"];
}

function renderDown({ undo, shapes, created, generated }: Draft): string[] {
	const steps = undo.filter((step) => !created.includes(step.table));
	const reasons = new Map(
		steps.flatMap((step) => (step.kind === "drop column" ? [[step.sql, "the column is this migration's own"]] : [])),
	);
	const losses = steps.flatMap((step) => {
		if (step.kind !== "drop column") return [];
		const column = shapes.find(({ name }) => name === step.table)?.columns.find(({ name }) => name === step.name);
		return column?.generated ? [] : [lossOf(step.table, step.name, column)];
	});
	const own = created.length ? ["const created = await ownedTables(queryRunner);"] : [];
	const rows = created.map((table) => `...(created.has(${text(table)}) ? [${rowsOf(table)}] : [])`);
	const all = [...losses, ...rows];
	return [
		...own,
		...(all.length ? [`await refuseDataLoss(queryRunner, [${all.join(", ")}]);`] : []),
		...renderSteps(steps, reasons),
		...generated
			.filter(({ table }) => !created.includes(table))
			.map(({ table, column }) => `await forgetExpression(queryRunner, ${text(table)}, ${text(column)});`),
		...[...created].reverse().flatMap(renderDrop),
	];
}

/** Rows that hold nothing but the default lose nothing; of a column that had to be filled each row loses its value. */
function lossOf(table: string, name: string, column: ColumnShape | undefined): string {
	const isDefault = column?.default === null ? "IS NULL" : `<=> '${column?.default?.replaceAll("'", "''")}'`;
	const isPlain = column !== undefined && column.default !== "CURRENT_TIMESTAMP";
	const held = isPlain ? ` WHERE NOT (\`${name}\` ${isDefault})` : "";
	const sql = `SELECT COUNT(*) AS found FROM \`${table}\`${held}`;
	return `{ what: ${text(`value(s) of ${table}.${name}`)}, sql: ${text(sql)} }`;
}

function rowsOf(table: string): string {
	const sql = `SELECT COUNT(*) AS found FROM \`${table}\``;
	return `{ what: ${text(`row(s) of ${table}`)}, sql: ${text(sql)} }`;
}

/** One that the host made meanwhile stays. */
function renderDrop(table: string): string[] {
	return [
		`if (created.has(${text(table)})) {`,
		`${SAFETY_ASSURED}the table is this migration's own`,
		`await queryRunner.query(${text(`DROP TABLE IF EXISTS \`${table}\``)});`,
		`await disclaimTable(queryRunner, ${text(table)});`,
		`emit(queryRunner, "dropped", ${text(table)}, "dropped");`,
		"}",
	];
}
