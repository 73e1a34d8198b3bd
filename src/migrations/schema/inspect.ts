import type { QueryRunner } from "typeorm";
import type { ActualTable, ColumnShape, ForeignKeyShape, IndexShape, Server, Snapshot } from "./shape";
import { CURRENT_TIMESTAMP } from "./shape";

interface TableRow {
	tableName: string;
	engine: string | null;
	collation: string | null;
}
interface ColumnRow {
	tableName: string;
	name: string;
	type: string;
	nullable: "YES" | "NO";
	defaultValue: string | null;
	extra: string;
	expression: string | null;
}
interface IndexRow {
	tableName: string;
	name: string;
	columnName: string;
	nonUnique: number | string;
}
interface ForeignKeyRow extends ForeignKeyShape {
	tableName: string;
}

/**
 * Reads the named tables from information_schema; those that are not there are left out. Five statements, four where
 * the server is known already.
 */
export async function inspect(
	queryRunner: QueryRunner,
	tableNames: readonly string[],
	knownServer?: Server,
): Promise<Snapshot> {
	const server = knownServer ?? (await inspectServer(queryRunner));
	const names = tableNames.map((name) => `'${name}'`).join(", ");
	const here = (column: string) => `${column} = DATABASE() AND TABLE_NAME IN (${names})`;
	const tables = await rows<TableRow>(
		queryRunner,
		`SELECT TABLE_NAME AS tableName, ENGINE AS engine, TABLE_COLLATION AS collation
		FROM information_schema.TABLES WHERE ${here("TABLE_SCHEMA")}`,
	);
	const columns = await rows<ColumnRow>(
		queryRunner,
		`SELECT TABLE_NAME AS tableName, COLUMN_NAME AS name, COLUMN_TYPE AS type, IS_NULLABLE AS nullable,
			COLUMN_DEFAULT AS defaultValue, EXTRA AS extra, GENERATION_EXPRESSION AS expression
		FROM information_schema.COLUMNS WHERE ${here("TABLE_SCHEMA")} ORDER BY TABLE_NAME, ORDINAL_POSITION`,
	);
	const indexes = await rows<IndexRow>(
		queryRunner,
		`SELECT TABLE_NAME AS tableName, INDEX_NAME AS name, COLUMN_NAME AS columnName, NON_UNIQUE AS nonUnique
		FROM information_schema.STATISTICS WHERE ${here("TABLE_SCHEMA")} ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`,
	);
	const foreignKeys = await rows<ForeignKeyRow>(
		queryRunner,
		`SELECT k.TABLE_NAME AS tableName, k.CONSTRAINT_NAME AS name, k.COLUMN_NAME AS \`column\`,
			k.REFERENCED_TABLE_NAME AS \`references\`, r.DELETE_RULE AS onDelete, r.UPDATE_RULE AS onUpdate
		FROM information_schema.KEY_COLUMN_USAGE k
		JOIN information_schema.REFERENTIAL_CONSTRAINTS r
			ON r.CONSTRAINT_SCHEMA = DATABASE() AND r.TABLE_NAME = k.TABLE_NAME AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
		WHERE k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME IN (${names}) AND k.REFERENCED_TABLE_NAME IS NOT NULL
		ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME`,
	);
	const shapes = tables.map((table): ActualTable => {
		const own = <Row extends { tableName: string }>(all: Row[]) =>
			all.filter((row) => row.tableName === table.tableName);
		const allIndexes = groupIndexes(own(indexes));
		return {
			name: table.tableName,
			engine: table.engine,
			collation: table.collation ?? "",
			columns: own(columns).map((column) => toColumn(column, server)),
			primaryKey: allIndexes.find((candidate) => candidate.name === "PRIMARY")?.columns ?? [],
			indexes: allIndexes.filter((candidate) => candidate.name !== "PRIMARY"),
			foreignKeys: own(foreignKeys).map(({ tableName: _, ...shape }) => shape),
		};
	});
	return { server, tables: new Map(shapes.map((shape) => [shape.name, shape])) };
}

async function inspectServer(queryRunner: QueryRunner): Promise<Server> {
	const variables = await rows<{ name: string; value: string }>(
		queryRunner,
		"SHOW VARIABLES WHERE Variable_name IN ('version', 'collation_database', 'explicit_defaults_for_timestamp')",
	);
	const value = (name: string) => Object.values(variables.find((row) => Object.values(row)[0] === name) ?? {})[1] ?? "";
	const collation = value("collation_database");
	return {
		family: /mariadb/i.test(value("version")) ? "mariadb" : "mysql",
		collation: collation.startsWith("utf8mb4_") ? collation : "utf8mb4_unicode_ci",
		implicitTimestamps: value("explicit_defaults_for_timestamp") === "OFF",
	};
}

async function rows<Row>(queryRunner: QueryRunner, sql: string): Promise<Row[]> {
	return (await queryRunner.query(sql)) as Row[];
}

function groupIndexes(indexRows: IndexRow[]): IndexShape[] {
	const byName = new Map<string, { name: string; columns: string[]; unique: boolean }>();
	for (const row of indexRows) {
		const known = byName.get(row.name);
		if (known) known.columns.push(row.columnName);
		else byName.set(row.name, { name: row.name, columns: [row.columnName], unique: Number(row.nonUnique) === 0 });
	}
	return [...byName.values()];
}

function toColumn(row: ColumnRow, server: Server): ColumnShape {
	const extra = row.extra.toLowerCase();
	return {
		name: row.name,
		type: normalizeType(row.type, server),
		nullable: row.nullable === "YES",
		default: normalizeDefault(row, server),
		onUpdate: extra.includes("on update current_timestamp"),
		autoIncrement: extra.includes("auto_increment"),
		generated: row.expression ? row.expression : null,
	};
}

/** MariaDB stores JSON as LONGTEXT with a CHECK, and older servers show a display width behind integer types. */
function normalizeType(type: string, server: Server): string {
	if (type.startsWith("enum(")) return type;
	const lower = type.toLowerCase();
	if (server.family === "mariadb" && lower === "longtext") return "json";
	return lower.replace(/^((?:tiny|small|medium|big)?int)\(\d+\)/, "$1");
}

/** MariaDB writes defaults as expressions (`'stopped'`, `NULL`, `current_timestamp()`), MySQL as bare text. */
function normalizeDefault(row: ColumnRow, server: Server): string | null {
	const value = row.defaultValue;
	if (value === null || (server.family === "mariadb" && value === "NULL")) return null;
	if (/^current_timestamp(\(\d*\))?$/i.test(value)) return CURRENT_TIMESTAMP;
	const quoted = /^'(.*)'$/s.exec(value);
	return server.family === "mariadb" && quoted ? (quoted[1] ?? "").replaceAll("''", "'") : value;
}
