import { columnSql, foreignKeySql, indexSql, quote } from "../../src/schema/ddl";
import type { ColumnShape, Snapshot } from "../../src/schema/shape";

const HEADER = `-- The tables as the migrations leave them on an empty database, the same for MariaDB and MySQL.
-- Written by \`npm run docs\`; not for use on a server: run the migrations instead.
`;

/**
 * Renders tables that the migrations made, in a form that does not depend on the server: the order of keys, the way an
 * expression is spelled and the collation are taken from the definition or left out.
 *
 * @param expressions what TypeORM remembers of generated columns, by `table.column`.
 */
export function renderSchemaSql(
	{ tables }: Snapshot,
	order: readonly string[],
	expressions: ReadonlyMap<string, string>,
): string {
	const blocks = order.map((name) => {
		const table = tables.get(name);
		if (!table) throw new Error(`${name} was not made by the migrations`);
		const byName = <Part extends { name: string }>(parts: readonly Part[]) =>
			[...parts].sort((one, other) => (one.name < other.name ? -1 : 1));
		const column = (shape: ColumnShape): ColumnShape =>
			shape.generated ? { ...shape, generated: expressions.get(`${name}.${shape.name}`) ?? shape.generated } : shape;
		const lines = [
			...table.columns.map((shape) => columnSql(column(shape))),
			`PRIMARY KEY (${table.primaryKey.map(quote).join(", ")})`,
			...byName(table.indexes).map(indexSql),
			...byName(table.foreignKeys).map((key) => foreignKeySql(key, "mysql")),
		];
		return `CREATE TABLE ${quote(name)} (\n\t${lines.join(",\n\t")}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n`;
	});
	return [HEADER, ...blocks].join("\n");
}
