export { type Loss, LossyChangeError } from "./dataLoss";
export { createDataSource, WorkspacesDataSource } from "./dataSource";
export { ConnectionError, RefusedOperationError, SettingsError } from "./errors";
export { differencesOf } from "./schemaBuilder";
export { type DataSourceSettings, type ResolvedSettings, readSettings } from "./settings";
export type { TlsMode } from "./tls";
