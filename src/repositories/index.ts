export { EncryptedSecret } from "./EncryptedSecret";
export type { EffectiveLimits } from "./effectiveLimits";
export { DEFAULT_PORT_RANGE, type PortRange, PortRepository } from "./PortRepository";
export {
	type NewPreview,
	PreviewEnvironmentRepository,
	type StartedPreview,
} from "./PreviewEnvironmentRepository";
export { type LimitChanges, ResourceLimitRepository } from "./ResourceLimitRepository";
export type { RepositorySource } from "./source";
export { PREVIEW_TRANSITIONS, WORKSPACE_TRANSITIONS } from "./transitions";
export { API_KEY_PROVIDERS, type ApiKeyProvider, UserApiKeyRepository } from "./UserApiKeyRepository";
export { type LogPage, type LogPageOptions, type NewLogEntry, WorkspaceLogRepository } from "./WorkspaceLogRepository";
export {
	type NewWorkspace,
	type StartedWorkspace,
	WorkspaceRepository,
	type WorkspaceResources,
	type WorkspaceRoute,
} from "./WorkspaceRepository";
