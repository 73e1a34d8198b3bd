/** What migrations are made of: the one file of this folder that they import. */

export {
	alterTable,
	changeRows,
	type DeletedRows,
	deleteRows,
	isDuplicate,
	type RenamedColumn,
	type RowChange,
	renameColumn,
	whileDuplicate,
} from "./change";
export type { Algorithm } from "./clause";
export { enumType } from "./columnType";
export { emit } from "./context";
export { type ConvergeOptions, converge } from "./converge";
export { ownedTables, rememberExpression } from "./ownership";
export {
	type DroppedColumns,
	dropColumns,
	dropIndexes,
	dropTables,
	type NarrowedColumn,
	narrowColumn,
	type RemovedValues,
	removeEnumValues,
} from "./remove";
export { rowsIfAny } from "./rows";
export {
	type ColumnShape,
	CURRENT_TIMESTAMP,
	createdAt,
	type ForeignKeyShape,
	foreignKey,
	type IndexShape,
	idColumn,
	index,
	notNull,
	nullable,
	type TableShape,
	unique,
	updatedAt,
	virtual,
} from "./shape";
