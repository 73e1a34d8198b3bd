export {
	ConnectionError,
	createDataSource,
	type DataSourceSettings,
	RefusedOperationError,
	type ResolvedSettings,
	readSettings,
	SettingsError,
	type TlsMode,
	WorkspacesDataSource,
} from "./connection";
export {
	type CheckItem,
	checkSchema,
	type DeployOptions,
	type DeployResult,
	formatCheck,
	formatReport,
	type MigrationPlan,
	type MigrationReport,
	planMigrations,
	revertMigrationSafely,
	runMigrationsSafely,
	type SchemaCheck,
	type TableReport,
} from "./deploy";
export {
	DashboardUser,
	entities,
	PreviewEnvironment,
	ResourceLimit,
	UserApiKey,
	Workspace,
	WorkspaceLog,
} from "./entities";
export {
	PREVIEW_STATUSES,
	type PreviewStatus,
	WORKSPACE_LOG_ACTIONS,
	WORKSPACE_STATUSES,
	type WorkspaceLogAction,
	type WorkspaceStatus,
} from "./entities/enums";
export type { JsonValue } from "./entities/WorkspaceLog";
export { migrations } from "./migrations";
