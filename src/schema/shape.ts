/** What a column is, in terms that MariaDB and MySQL share. */
export interface ColumnShape {
	readonly name: string;
	/** As `COLUMN_TYPE` gives it, without display width: `int`, `varchar(100)`, `enum('a','b')`, `json`. */
	readonly type: string;
	readonly nullable: boolean;
	/** `CURRENT_TIMESTAMP`, a literal without quotes, or null where there is none. */
	readonly default: string | null;
	readonly onUpdate: boolean;
	readonly autoIncrement: boolean;
	/** The expression of a VIRTUAL generated column, as it is written in a definition. */
	readonly generated: string | null;
}

export interface IndexShape {
	readonly name: string;
	readonly columns: readonly string[];
	readonly unique: boolean;
}

/** A foreign key on one column to the `id` of another table. */
export interface ForeignKeyShape {
	readonly name: string;
	readonly column: string;
	readonly references: string;
	readonly onDelete: "CASCADE" | "SET NULL" | "RESTRICT" | "NO ACTION";
	readonly onUpdate: "CASCADE" | "SET NULL" | "RESTRICT" | "NO ACTION";
}

export interface TableShape {
	readonly name: string;
	readonly columns: readonly ColumnShape[];
	/** Secondary indexes; the primary key is always `id`. */
	readonly indexes: readonly IndexShape[];
	readonly foreignKeys: readonly ForeignKeyShape[];
}

/** A column as a database has it, with what a change of it keeps. */
export interface ActualColumn extends ColumnShape {
	readonly comment: string;
	/** Both null where the type holds no text, or they are the table's own. */
	readonly characterSet: string | null;
	readonly collation: string | null;
	/** The condition that MariaDB keeps with the column; null where there is none, and on MySQL, which keeps it with the table. */
	readonly check: string | null;
}

/** A column as the server has it once it is made. */
export function newColumn(column: ColumnShape): ActualColumn {
	const check = column.type === "json" ? `json_valid(\`${column.name}\`)` : null;
	return { ...column, comment: "", characterSet: null, collation: null, check };
}

/** An index as a database has it. */
export interface ActualIndex extends IndexShape {
	/** Whether it is no more than its columns: a BTREE without prefixes, expressions, descending columns or a comment. */
	readonly isPlain: boolean;
}

/** A foreign key as a database has it. */
export interface ActualForeignKey extends ForeignKeyShape {
	/** Whether it has one column that refers to the `id` of a table in the same database. */
	readonly isPlain: boolean;
}

/** A table as a database has it. */
export interface ActualTable extends TableShape {
	readonly columns: readonly ActualColumn[];
	readonly indexes: readonly ActualIndex[];
	readonly foreignKeys: readonly ActualForeignKey[];
	/** Null for a view. */
	readonly engine: string | null;
	/** Whether MariaDB keeps the rows as they were, too: a unique index then finds them as well. */
	readonly isVersioned: boolean;
	readonly collation: string;
	readonly primaryKey: readonly string[];
	/** As the server estimates them. */
	readonly rows: number;
}

/** What the statements of a migration depend on. */
export interface Server {
	readonly family: "mariadb" | "mysql";
	/** The collation of new tables: the database's own when that is utf8mb4, else utf8mb4_unicode_ci. */
	readonly collation: string;
}

/** The part of a database that a migration reads. */
export interface Snapshot {
	readonly server: Server;
	readonly tables: ReadonlyMap<string, ActualTable>;
}

const plain = { default: null, onUpdate: false, autoIncrement: false, generated: null };

export const CURRENT_TIMESTAMP = "CURRENT_TIMESTAMP";

export function idColumn(): ColumnShape {
	return { ...plain, name: "id", type: "int", nullable: false, autoIncrement: true };
}

export function notNull(name: string, type: string): ColumnShape {
	return { ...plain, name, type, nullable: false };
}

export function nullable(name: string, type: string, defaultValue: string | null = null): ColumnShape {
	return { ...plain, name, type, nullable: true, default: defaultValue };
}

export function createdAt(): ColumnShape {
	return nullable("created_at", "timestamp", CURRENT_TIMESTAMP);
}

export function updatedAt(): ColumnShape {
	return { ...nullable("updated_at", "timestamp", CURRENT_TIMESTAMP), onUpdate: true };
}

export function virtual(name: string, type: string, expression: string): ColumnShape {
	return { ...nullable(name, type), generated: expression };
}

export function index(name: string, ...columns: string[]): IndexShape {
	return { name, columns, unique: false };
}

export function unique(name: string, ...columns: string[]): IndexShape {
	return { name, columns, unique: true };
}

export function foreignKey(
	name: string,
	column: string,
	references: string,
	onDelete: ForeignKeyShape["onDelete"],
): ForeignKeyShape {
	return { name, column, references, onDelete, onUpdate: "RESTRICT" };
}
