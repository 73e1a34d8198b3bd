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
export * from "./entities";
export * from "./entities/enums";
export { migrations } from "./migrations";
