import type { QueryRunner } from "typeorm";
import type { ActualTable, ColumnShape, ForeignKeyShape, IndexShape, Server, Snapshot } from "./shape";
import { CURRENT_TIMESTAMP } from "./shape";

/** What one row of the look says depends on its kind. */
interface Row {
	readonly kind: "server" | "table" | "column" | "index" | "key";
	readonly tableName: string;
	/** Of a column in its table, of a column in its index. */
	readonly position: number | string;
	readonly name: string;
	readonly a: string | null;
	readonly b: string | null;
	readonly c: string | null;
	readonly d: string | null;
	readonly e: string | null;
}

/** What the server is, as one row more of the look. */
const SERVER = `SELECT 'server' AS kind, '' AS tableName, 0 AS position, '' AS name,
		@@version AS a, @@collation_database AS b, @@SESSION.explicit_defaults_for_timestamp AS c, NULL AS d, NULL AS e
UNION ALL `;

/** One statement, since each costs a round trip: these views are cheap to read and dear to ask one by one. */
const LOOK = (names: string) => `SELECT 'table' AS kind, TABLE_NAME AS tableName, 0 AS position, TABLE_NAME AS name,
		ENGINE AS a, TABLE_COLLATION AS b, NULL AS c, NULL AS d, NULL AS e
	FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (${names})
UNION ALL SELECT 'column', TABLE_NAME, ORDINAL_POSITION, COLUMN_NAME,
		COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, GENERATION_EXPRESSION
	FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (${names})
UNION ALL SELECT 'index', TABLE_NAME, SEQ_IN_INDEX, INDEX_NAME, COLUMN_NAME, NON_UNIQUE, NULL, NULL, NULL
	FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (${names})
UNION ALL SELECT 'key', k.TABLE_NAME, k.ORDINAL_POSITION, k.CONSTRAINT_NAME,
		k.COLUMN_NAME, k.REFERENCED_TABLE_NAME, r.DELETE_RULE, r.UPDATE_RULE, NULL
	FROM information_schema.KEY_COLUMN_USAGE k
	JOIN information_schema.REFERENTIAL_CONSTRAINTS r
		ON r.CONSTRAINT_SCHEMA = DATABASE() AND r.TABLE_NAME = k.TABLE_NAME AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
	WHERE k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME IN (${names}) AND k.REFERENCED_TABLE_NAME IS NOT NULL`;

/** Reads the named tables from information_schema; those that are not there are left out. One statement. */
export async function inspect(
	queryRunner: QueryRunner,
	tableNames: readonly string[],
	knownServer?: Server,
): Promise<Snapshot> {
	const look = LOOK(tableNames.map((name) => `'${name}'`).join(", "));
	const found = (await queryRunner.query(knownServer ? look : SERVER + look)) as Row[];
	const server = knownServer ?? toServer(found.find((row) => row.kind === "server"));
	const inOrder = [...found].sort((one, other) => Number(one.position) - Number(other.position));
	const tables = inOrder.filter((row) => row.kind === "table");
	const shapes = tables.map((table) => {
		const own = inOrder.filter((row) => row.tableName === table.tableName);
		return toTable(table, (kind) => own.filter((row) => row.kind === kind), server);
	});
	return { server, tables: new Map(shapes.map((shape) => [shape.name, shape])) };
}

function toTable(table: Row, own: (kind: Row["kind"]) => Row[], server: Server): ActualTable {
	const indexes = groupIndexes(own("index"));
	return {
		name: table.tableName,
		engine: table.a,
		collation: table.b ?? "",
		columns: own("column").map((row) => toColumn(row, server)),
		primaryKey: indexes.find((index) => index.name === "PRIMARY")?.columns ?? [],
		indexes: byName(indexes.filter((index) => index.name !== "PRIMARY")),
		foreignKeys: byName(own("key").map(toForeignKey)),
	};
}

function byName<Part extends { readonly name: string }>(parts: readonly Part[]): Part[] {
	return [...parts].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function toServer(row: Row | undefined): Server {
	const collation = row?.b ?? "";
	return {
		family: /mariadb/i.test(row?.a ?? "") ? "mariadb" : "mysql",
		collation: collation.startsWith("utf8mb4_") ? collation : "utf8mb4_unicode_ci",
		implicitTimestamps: Number(row?.c) === 0,
	};
}

function groupIndexes(indexRows: readonly Row[]): IndexShape[] {
	const found = new Map<string, { name: string; columns: string[]; unique: boolean }>();
	for (const { name, a: column, b: nonUnique } of indexRows) {
		const known = found.get(name);
		if (known) known.columns.push(column ?? "");
		else found.set(name, { name, columns: [column ?? ""], unique: Number(nonUnique) === 0 });
	}
	return [...found.values()];
}

function toForeignKey({ name, a: column, b: references, c: onDelete, d: onUpdate }: Row): ForeignKeyShape {
	type Action = ForeignKeyShape["onDelete"];
	return {
		name,
		column: column ?? "",
		references: references ?? "",
		onDelete: onDelete as Action,
		onUpdate: onUpdate as Action,
	};
}

function toColumn({ name, a: type, b: nullable, c: defaultValue, d, e: expression }: Row, server: Server): ColumnShape {
	const extra = (d ?? "").toLowerCase();
	return {
		name,
		type: normalizeType(type ?? "", server),
		nullable: nullable === "YES",
		default: normalizeDefault(defaultValue, server),
		onUpdate: extra.includes("on update current_timestamp"),
		autoIncrement: extra.includes("auto_increment"),
		generated: expression ? expression : null,
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
function normalizeDefault(value: string | null, server: Server): string | null {
	if (value === null || (server.family === "mariadb" && value === "NULL")) return null;
	if (/^current_timestamp(\(\d*\))?$/i.test(value)) return CURRENT_TIMESTAMP;
	const quoted = /^'(.*)'$/s.exec(value);
	return server.family === "mariadb" && quoted ? (quoted[1] ?? "").replaceAll("''", "'") : value;
}
