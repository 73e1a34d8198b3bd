export {
	type Change,
	type Expressions,
	insert,
	insertSelected,
	remove,
	rows,
	select,
	update,
	upsert,
} from "./build";
export { aliasOf } from "./selection";
export { run, type Sender } from "./send";
export type { EntityClass, Statement, Values } from "./statement";
export { inTransaction } from "./transaction";
