/** What a statement of TypeORM's comparison does to which table. */
export type ComparedStatement =
	| { readonly kind: "create table" | "drop table"; readonly table: string; readonly sql: string }
	| {
			readonly kind: "add column" | "drop column" | "change column" | "add index" | "drop index";
			readonly table: string;
			readonly name: string;
			readonly sql: string;
	  }
	| {
			readonly kind: "add foreign key" | "drop foreign key";
			readonly table: string;
			readonly name: string;
			readonly sql: string;
	  }
	| {
			readonly kind: "rename column";
			readonly table: string;
			readonly from: string;
			readonly name: string;
			readonly sql: string;
	  }
	/** What TypeORM notes about generated columns; the migration does it by helpers of its own. */
	| { readonly kind: "note"; readonly table: string; readonly sql: string }
	| { readonly kind: "other"; readonly table: string; readonly sql: string };

const PATTERNS: readonly [RegExp, (found: readonly string[], sql: string) => ComparedStatement][] = [
	[/^CREATE TABLE `(.+?)` /, ([table = ""], sql) => ({ kind: "create table", table, sql })],
	[/^DROP TABLE `(.+?)`/, ([table = ""], sql) => ({ kind: "drop table", table, sql })],
	[
		/^CREATE ((?:UNIQUE |FULLTEXT |SPATIAL )?INDEX) `(.+?)` ON `(.+?)` (\(.+\))$/,
		([type = "", name = "", table = "", columns = ""]) => ({
			kind: "add index",
			table,
			name,
			sql: `ALTER TABLE \`${table}\` ADD ${type} \`${name}\` ${columns}`,
		}),
	],
	[
		/^DROP INDEX `(.+?)` ON `(.+?)`$/,
		([name = "", table = ""]) => ({
			kind: "drop index",
			table,
			name,
			sql: `ALTER TABLE \`${table}\` DROP INDEX \`${name}\``,
		}),
	],
	[
		/^ALTER TABLE `(.+?)` ADD CONSTRAINT `(.+?)` FOREIGN KEY /,
		([table = "", name = ""], sql) => ({ kind: "add foreign key", table, name, sql }),
	],
	[
		/^ALTER TABLE `(.+?)` DROP INDEX `(.+?)`$/,
		([table = "", name = ""], sql) => ({ kind: "drop index", table, name, sql }),
	],
	[
		/^ALTER TABLE `(.+?)` DROP FOREIGN KEY `(.+?)`$/,
		([table = "", name = ""], sql) => ({ kind: "drop foreign key", table, name, sql }),
	],
	[
		/^ALTER TABLE `(.+?)` DROP COLUMN `(.+?)`$/,
		([table = "", name = ""], sql) => ({ kind: "drop column", table, name, sql }),
	],
	[
		/^ALTER TABLE `(.+?)` MODIFY COLUMN `(.+?)` /,
		([table = "", name = ""], sql) => ({ kind: "change column", table, name, sql }),
	],
	[
		/^ALTER TABLE `(.+?)` CHANGE `(.+?)` `(.+?)` /,
		([table = "", from = "", name = ""]) => ({
			kind: "rename column",
			table,
			from,
			name,
			sql: `ALTER TABLE \`${table}\` RENAME COLUMN \`${from}\` TO \`${name}\``,
		}),
	],
	[
		/^ALTER TABLE `(.+?)` ADD (?:UNIQUE |FULLTEXT |SPATIAL )?INDEX `(.+?)` /,
		([table = "", name = ""], sql) => ({ kind: "add index", table, name, sql }),
	],
	[/^ALTER TABLE `(.+?)` ADD `(.+?)` /, ([table = "", name = ""], sql) => ({ kind: "add column", table, name, sql })],
	[/^(?:INSERT INTO|DELETE FROM) `typeorm_metadata`/, (_found, sql) => ({ kind: "note", table: "", sql })],
	[/^ALTER TABLE `(.+?)` /, ([table = ""], sql) => ({ kind: "other", table, sql })],
];

export function readStatement(sql: string): ComparedStatement {
	for (const [pattern, read] of PATTERNS) {
		const found = pattern.exec(sql);
		if (found) return read(found.slice(1), sql);
	}
	throw new Error(`This statement has to be written by hand: ${sql}`);
}

/** What it does, for the report of a run. */
export function describe(statement: ComparedStatement): string {
	switch (statement.kind) {
		case "create table":
			return "created";
		case "drop table":
			return "dropped";
		case "add column":
			return `added column ${statement.name}`;
		case "drop column":
			return `dropped column ${statement.name}`;
		case "change column":
			return `changed column ${statement.name}`;
		case "rename column":
			return `column ${statement.from} is named ${statement.name}`;
		case "add index":
			return `added index ${statement.name}`;
		case "drop index":
			return `dropped index ${statement.name}`;
		case "add foreign key":
			return `added foreign key ${statement.name}`;
		case "drop foreign key":
			return `dropped foreign key ${statement.name}`;
		default:
			return "changed";
	}
}
