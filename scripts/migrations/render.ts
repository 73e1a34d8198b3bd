import type { ColumnShape, ForeignKeyShape, TableShape } from "../../src/schema";
import type { Draft } from "./draft";
import { SAFETY_ASSURED } from "./lint";
import { type ComparedStatement, describe } from "./statements";

/** The dashboard's table, which a migration only refers to. */
const DASHBOARD_USERS = "dashboard_users";

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

/** What `src/schema/index.ts` has for generated migrations. */
const HELPERS = [
	"alterTable",
	"converge",
	"dropColumns",
	"dropIndexes",
	"dropTables",
	"foreignKey",
	"idColumn",
	"index",
	"narrowColumn",
	"notNull",
	"nullable",
	"rememberExpression",
	"renameColumn",
	"type TableShape",
	"unique",
	"virtual",
];

function imports(body: string): string {
	const used = HELPERS.filter((name) => new RegExp(`\\b${name.replace("type ", "")}\\b[(<, ]`).test(body));
	return [
		'import type { MigrationInterface, QueryRunner } from "typeorm";',
		`import { ${used.join(", ")} } from "../schema";`,
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
	const isReferred = shapes.some(({ foreignKeys }) =>
		foreignKeys.some(({ references }) => references === DASHBOARD_USERS),
	);
	const options = `{ create: ${created.length > 0}${isReferred ? `, parents: [${text(DASHBOARD_USERS)}]` : ""} }`;
	return [
		...steps.flatMap((step) => renderStep(step, reasons.get(step.sql))),
		...(shapes.length ? [`await converge(queryRunner, [${tables}], ${options});`] : []),
		...generated.map(
			({ table, column, expression }) =>
				`await rememberExpression(queryRunner, ${text(table)}, ${text(column)}, ${text(expression)});`,
		),
	];
}

/** A statement that no helper finds out by itself. */
function renderStep(step: ComparedStatement, reason: string | undefined): string[] {
	const { table } = step;
	if (step.kind === "rename column") {
		const { from, name: to } = step;
		return [`await renameColumn(queryRunner, ${object({ table, from, to })});`];
	}
	const isOnline = /index|foreign key/.test(step.kind);
	return [
		"await alterTable(queryRunner, {",
		`table: ${text(table)},`,
		`what: [${text(describe(step))}],`,
		...(reason === undefined ? [] : [`${SAFETY_ASSURED}${reason}`]),
		`parts: [${text(partOf(step))}],`,
		`algorithm: ${text(isOnline ? "INPLACE" : "INSTANT")},`,
		...(step.kind === "add foreign key" ? ["skipForeignKeyChecks: true,"] : []),
		"});",
	];
}

function partOf({ sql, table }: ComparedStatement): string {
	return sql.replace(`ALTER TABLE \`${table}\` `, "");
}

function object(values: Readonly<Record<string, string>>): string {
	return `{ ${Object.entries(values)
		.map(([name, value]) => `${name}: ${text(value)}`)
		.join(", ")} }`;
}

function renderDown({ revert, shapes, created }: Draft): string[] {
	const steps = revert.filter((step) => !created.includes(step.table));
	const columnOf = (step: ComparedStatement) =>
		"name" in step
			? shapes.find(({ name }) => name === step.table)?.columns.find(({ name }) => name === step.name)
			: undefined;
	return [
		...steps.flatMap((step) => renderRevert(step, columnOf(step))),
		...(created.length
			? [
					`${SAFETY_ASSURED}only tables that this module made, and no rows unless that was allowed`,
					`await dropTables(queryRunner, [${created.map(text).join(", ")}]);`,
				]
			: []),
	];
}

/** A column that had to be given a value is in no shape. */
function renderRevert(step: ComparedStatement, column: ColumnShape | undefined): string[] {
	const { table } = step;
	switch (step.kind) {
		case "drop column":
			return [
				`${SAFETY_ASSURED}this module made the column, and it holds nothing unless that was allowed`,
				`await dropColumns(queryRunner, { table: ${text(table)}, columns: [${column ? renderColumn(column) : `{ name: ${text(step.name)}, nullable: false, default: null }`}] });`,
			];
		case "drop index":
			return [`await dropIndexes(queryRunner, ${text(table)}, [${text(step.name)}]);`];
		case "change column":
			return [
				`await narrowColumn(queryRunner, ${object({ table, column: step.name, definition: definitionOf(step) })});`,
			];
		default:
			return renderStep(step, undefined);
	}
}

function definitionOf(step: ComparedStatement): string {
	return /^ALTER TABLE `.+?` MODIFY COLUMN (.*)$/s.exec(step.sql)?.[1] ?? "";
}
