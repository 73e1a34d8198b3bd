export type { EffectiveLimits } from "../entities/limitDefaults";
export { EncryptedSecret } from "./EncryptedSecret";
export type { Observation } from "./observation";
export { DEFAULT_PORT_RANGE, type PortChoice, type PortRange, PortRepository } from "./PortRepository";
export {
	type Extension,
	type NewPreview,
	PreviewEnvironmentRepository,
	type StartedPreview,
} from "./PreviewEnvironmentRepository";
export { type LimitChanges, ResourceLimitRepository } from "./ResourceLimitRepository";
export type { RepositoryClass, RepositorySource, WithOwner } from "./source";
export { type Row, toRow } from "./toRow";
export { PREVIEW_TRANSITIONS, WORKSPACE_TRANSITIONS } from "./transitions";
export { API_KEY_PROVIDERS, type ApiKeyProvider, UserApiKeyRepository } from "./UserApiKeyRepository";
export { type LogPage, type LogPageOptions, type NewLogEntry, WorkspaceLogRepository } from "./WorkspaceLogRepository";
export {
	type NewWorkspace,
	type OwnStart,
	type StartedWorkspace,
	WorkspaceRepository,
	type WorkspaceResources,
	type WorkspaceRoute,
} from "./WorkspaceRepository";
