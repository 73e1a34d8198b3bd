export { LAST_INSTANT, refusal } from "./check";
export { type Executor, execute, executeWith, sessionOf } from "./execute";
export { checkNames } from "./options";
export { fragment } from "./parameters";
export { type ChangeResult, change, type EntityClass, type Statement, select, selectRows } from "./statement";
