/** What went wrong, for programs: these words stay the same from release to release. */
export type WorkspacesErrorCode =
	| "LIMIT_REACHED"
	| "ALREADY_EXISTS"
	| "NOT_FOUND"
	| "NO_FREE_PORT"
	| "UNKNOWN_PROVIDER"
	| "INVALID_TRANSITION"
	| "VALUE_TOO_LONG"
	| "INVALID_VALUE";

/**
 * What every error of the repositories' own is. `code` tells which; the message names the thing and never a value
 * that was given; `cause` is the driver's error where there was one, free of values too.
 */
export abstract class WorkspacesError extends Error {
	abstract readonly code: WorkspacesErrorCode;

	constructor(message: string, options?: ErrorOptions) {
		super(message, options);
		this.name = new.target.name;
	}
}

/** The user has as many workspaces, or the workspace as many active previews, as the limits allow. */
export class LimitReachedError extends WorkspacesError {
	readonly code = "LIMIT_REACHED";

	constructor(
		readonly entity: string,
		/** How many there may be. */
		readonly limit: number,
	) {
		super(`${entity} not created: the limit of ${limit} is reached; delete or stop one, or raise the limit`);
	}
}

/** A row with the same values in columns that are unique together is there already. */
export class AlreadyExistsError extends WorkspacesError {
	readonly code = "ALREADY_EXISTS";

	constructor(
		readonly entity: string,
		/** The properties that are unique together; empty where the server does not tell. */
		readonly properties: readonly string[],
		options?: ErrorOptions,
	) {
		const same = properties.length ? ` with the same ${properties.join(" and ")}` : "";
		super(`${entity} exists already${same}; use the one that is there, or delete it first`, options);
	}
}

/** The row that was to be changed, or one that was to be referred to, does not exist (any more). */
export class NotFoundError extends WorkspacesError {
	readonly code = "NOT_FOUND";

	constructor(
		readonly entity: string,
		options?: ErrorOptions,
	) {
		super(`${entity} not found: there is none with that id, or it was deleted meanwhile`, options);
	}
}

/** Workspaces and previews hold every port of the range. */
export class NoFreePortError extends WorkspacesError {
	readonly code = "NO_FREE_PORT";

	constructor(
		readonly from: number,
		readonly to: number,
	) {
		super(`No free port from ${from} to ${to}: stop a workspace or a preview, or widen the range`);
	}
}

/** The provider is none whose keys are kept. */
export class UnknownProviderError extends WorkspacesError {
	readonly code = "UNKNOWN_PROVIDER";

	constructor(known: readonly string[]) {
		super(`Unknown provider of API keys: keys are kept for ${known.join(" and ")}`);
	}
}

/** The status does not allow the change: somebody else was faster, or the order of the calls is wrong. */
export class InvalidTransitionError extends WorkspacesError {
	readonly code = "INVALID_TRANSITION";

	constructor(
		readonly entity: string,
		readonly id: number,
		/** The status that it has. */
		readonly from: string,
		/** What it was to become or to undergo. */
		readonly to: string,
		/** Why not, where the status alone does not say it. */
		reason = "",
	) {
		super(
			`${entity} ${id} is ${from} and cannot become ${to}${reason && `: ${reason}`}; read it again before going on`,
		);
	}
}

/** The value does not fit into its column. */
export class ValueTooLongError extends WorkspacesError {
	readonly code = "VALUE_TOO_LONG";

	constructor(
		readonly entity: string,
		readonly property: string,
		/** What fits, in `unit`; undefined where only the server knew. */
		readonly maximum: number | undefined,
		readonly unit: "characters" | "bytes",
		options?: ErrorOptions,
	) {
		const fits = maximum === undefined ? "" : `: at most ${maximum} ${unit} fit`;
		super(`${entity}.${property} is too long${fits}`, options);
	}
}

/** The value is missing, or is none that its column or parameter takes. */
export class InvalidValueError extends WorkspacesError {
	readonly code = "INVALID_VALUE";

	constructor(
		readonly entity: string,
		readonly property: string,
		/** What is taken. */
		expected: string,
		options?: ErrorOptions,
	) {
		super(`${entity}.${property} must be ${expected}`, options);
	}
}
