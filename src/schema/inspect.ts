import type { QueryRunner } from "typeorm";
import { literal } from "./ddl";
import type {
	ActualColumn,
	ActualForeignKey,
	ActualIndex,
	ActualTable,
	ForeignKeyShape,
	Server,
	Snapshot,
} from "./shape";
import { CURRENT_TIMESTAMP } from "./shape";

/** What the columns of one row of the query mean depends on its kind. */
interface Row {
	readonly kind: "server" | "table" | "column" | "index" | "key" | "check";
	readonly tableName: string;
	/** Of a column in its table, of a column in its index. */
	readonly position: number | string;
	readonly name: string;
	readonly a: string | null;
	readonly b: string | null;
	readonly c: string | null;
	readonly d: string | null;
	readonly e: string | null;
	readonly f: string | null;
	readonly g: string | null;
	readonly h: string | null;
}

/**
 * One statement, since each costs a round trip. Every text is converted: with lower_case_table_names=1 names in MySQL's
 * information_schema have a collation that no UNION combines with another (error 1271). To MySQL, which keeps no CHECK
 * with a column, what MariaDB is asked besides is a comment.
 */
const QUERY = (names: string) => {
	const text = (...columns: string[]) => columns.map((column) => `CONVERT(${column} USING utf8mb4)`).join(", ");
	const here = (alias = "") => `${alias}TABLE_SCHEMA = DATABASE() AND ${alias}TABLE_NAME IN (${names})`;
	return `SELECT 'server' AS kind, '' AS tableName, 0 AS position, '' AS name, ${text("@@version")} AS a,
		${text("@@collation_database")} AS b, NULL AS c, NULL AS d, NULL AS e, NULL AS f, NULL AS g, NULL AS h
UNION ALL SELECT 'table', ${text("TABLE_NAME")}, 0, ${text("TABLE_NAME", "ENGINE", "TABLE_COLLATION", "TABLE_ROWS")},
		${text("TABLE_TYPE")}, NULL, NULL, NULL, NULL
	FROM information_schema.TABLES WHERE ${here()}
UNION ALL SELECT 'column', ${text("TABLE_NAME")}, ORDINAL_POSITION, ${text("COLUMN_NAME", "COLUMN_TYPE", "IS_NULLABLE")},
		${text("COLUMN_DEFAULT", "EXTRA", "GENERATION_EXPRESSION", "COLUMN_COMMENT", "CHARACTER_SET_NAME", "COLLATION_NAME")}
	FROM information_schema.COLUMNS WHERE ${here()}
UNION ALL SELECT 'index', ${text("TABLE_NAME")}, SEQ_IN_INDEX, ${text("INDEX_NAME", "COLUMN_NAME", "NON_UNIQUE")},
		${text("INDEX_TYPE", "SUB_PART", "COLLATION", "INDEX_COMMENT")}, NULL, NULL
	FROM information_schema.STATISTICS WHERE ${here()}
UNION ALL SELECT 'key', ${text("k.TABLE_NAME")}, k.ORDINAL_POSITION, ${text("k.CONSTRAINT_NAME", "k.COLUMN_NAME")},
		${text("k.REFERENCED_TABLE_NAME", "r.DELETE_RULE", "r.UPDATE_RULE", "k.REFERENCED_COLUMN_NAME")},
		k.REFERENCED_TABLE_SCHEMA = DATABASE(), NULL, NULL
	FROM information_schema.KEY_COLUMN_USAGE k
	JOIN information_schema.REFERENTIAL_CONSTRAINTS r
		ON r.CONSTRAINT_SCHEMA = DATABASE() AND r.TABLE_NAME = k.TABLE_NAME AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
	WHERE ${here("k.")} AND k.REFERENCED_TABLE_NAME IS NOT NULL
/*M! UNION ALL SELECT 'check', ${text("TABLE_NAME")}, 0, ${text("CONSTRAINT_NAME", "CHECK_CLAUSE")}, NULL, NULL, NULL, NULL,
		NULL, NULL, NULL
	FROM information_schema.CHECK_CONSTRAINTS
	WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME IN (${names}) AND LEVEL = 'Column' */`;
};

/** Reads the named tables from information_schema; those that are not there are left out. One statement. */
export async function inspect(queryRunner: QueryRunner, tableNames: readonly string[]): Promise<Snapshot> {
	const found = (await queryRunner.query(QUERY(tableNames.map(literal).join(", ")))) as Row[];
	const server = toServer(found.find((row) => row.kind === "server"));
	const inOrder = [...found].sort((one, other) => Number(one.position) - Number(other.position));
	const shapes = inOrder
		.filter((row) => row.kind === "table")
		.map((table) => {
			const own = inOrder.filter((row) => row.tableName === table.tableName);
			return toTable(table, (kind) => own.filter((row) => row.kind === kind), server);
		});
	return { server, tables: new Map(shapes.map((shape) => [shape.name, shape])) };
}

function toTable(table: Row, own: (kind: Row["kind"]) => Row[], server: Server): ActualTable {
	const indexes = groupByName(own("index")).map(toIndex);
	const checks = new Map(own("check").map(({ name, a: clause }) => [name, clause]));
	return {
		name: table.tableName,
		engine: table.a,
		isVersioned: table.d === "SYSTEM VERSIONED",
		collation: table.b ?? "",
		rows: Number(table.c ?? 0),
		columns: own("column").map((row) => ({ ...toColumn(row, table.b, server), check: checks.get(row.name) ?? null })),
		primaryKey: indexes.find((index) => index.name === "PRIMARY")?.columns ?? [],
		indexes: byName(indexes.filter((index) => index.name !== "PRIMARY")),
		foreignKeys: byName(groupByName(own("key")).map(toForeignKey)),
	};
}

function byName<Part extends { readonly name: string }>(parts: readonly Part[]): Part[] {
	return [...parts].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function groupByName(rows: readonly Row[]): (readonly [Row, ...Row[]])[] {
	const groups = new Map<string, [Row, ...Row[]]>();
	for (const row of rows) {
		const group = groups.get(row.name);
		if (group) group.push(row);
		else groups.set(row.name, [row]);
	}
	return [...groups.values()];
}

function toServer(row: Row | undefined): Server {
	const collation = row?.b ?? "";
	return {
		family: /mariadb/i.test(row?.a ?? "") ? "mariadb" : "mysql",
		collation: collation.startsWith("utf8mb4_") ? collation : "utf8mb4_unicode_ci",
	};
}

function toIndex(rows: readonly [Row, ...Row[]]): ActualIndex {
	const isPlain = ({ a: column, c: type, d: prefix, e: order, f: comment }: Row) =>
		column !== null && type === "BTREE" && prefix === null && order === "A" && !comment;
	return {
		name: rows[0].name,
		columns: rows.map(({ a: column }) => column ?? ""),
		unique: Number(rows[0].b) === 0,
		isPlain: rows.every(isPlain),
	};
}

function toForeignKey(rows: readonly [Row, ...Row[]]): ActualForeignKey {
	type Action = ForeignKeyShape["onDelete"];
	const [{ name, a: column, b: references, c: onDelete, d: onUpdate, e: referred, f: isHere }] = rows;
	return {
		name,
		column: column ?? "",
		references: references ?? "",
		onDelete: onDelete as Action,
		onUpdate: onUpdate as Action,
		isPlain: rows.length === 1 && referred?.toLowerCase() === "id" && Number(isHere) === 1,
	};
}

function toColumn(row: Row, tableCollation: string | null, server: Server): Omit<ActualColumn, "check"> {
	const { name, a: type, b: nullable, c: defaultValue, e: expression, f: comment, g: characterSet, h: collation } = row;
	const extra = (row.d ?? "").toLowerCase();
	const normalized = normalizeType(type ?? "", server);
	const isOwn = collation !== tableCollation && normalized !== "json";
	return {
		name,
		type: normalized,
		nullable: nullable === "YES",
		default: normalizeDefault(defaultValue, server),
		onUpdate: extra.includes("on update current_timestamp"),
		autoIncrement: extra.includes("auto_increment"),
		generated: expression ? expression : null,
		comment: comment ?? "",
		characterSet: isOwn ? characterSet : null,
		collation: isOwn ? collation : null,
	};
}

/**
 * MariaDB stores JSON as LONGTEXT with a CHECK, and marks times in the format that it had before 10.1. Older servers show
 * a display width behind integer types.
 */
function normalizeType(type: string, server: Server): string {
	if (type.startsWith("enum(")) return type;
	const lower = type.toLowerCase().replace(" /* mariadb-5.3 */", "");
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
