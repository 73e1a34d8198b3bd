export { type CheckItem, check, formatCheck, type SchemaCheck } from "./check";
export { type DeployOptions, type DeployResult, migrate, revert } from "./migrate";
export { type MigrationPlan, plan } from "./plan";
export { formatReport, type MigrationReport, type TableReport } from "./report";
