export type { Progress, Step } from "../schema/context";
export { check, formatCheck, type SchemaCheck } from "./check";
export { migrate } from "./migrate";
export { type MigrationPlan, type PlanOptions, plan } from "./plan";
export type { CheckItem, Product, RowCheck } from "./product";
export { type DeployEvent, describeEvent, formatReport, type MigrationReport, type TableReport } from "./report";
export { type RevertOptions, revert } from "./revert";
export type { DeployOptions, DeployResult } from "./run";
export { type MigrationStatus, status } from "./status";
