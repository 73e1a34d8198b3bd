export { type CheckItem, checkSchema, formatCheck, type SchemaCheck } from "./check";
export { type MigrationPlan, planMigrations } from "./plan";
export { formatReport, type MigrationReport, type TableReport } from "./report";
export { type DeployOptions, type DeployResult, revertMigrationSafely, runMigrationsSafely } from "./run";
