export {
	AlreadyExistsError,
	InvalidTransitionError,
	InvalidValueError,
	LimitReachedError,
	NoFreePortError,
	NotFoundError,
	UnknownProviderError,
	ValueTooLongError,
	WorkspacesError,
	type WorkspacesErrorCode,
} from "./errors";
