export { createDataSource, WorkspacesDataSource } from "./dataSource";
export { ConnectionError, RefusedOperationError, SettingsError } from "./errors";
export { type DataSourceSettings, type ResolvedSettings, readSettings } from "./settings";
export type { TlsMode } from "./tls";
