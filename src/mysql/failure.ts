import { ConnectionLostError, ReadOnlyServerError, TooManyConnectionsError, type WorkspacesError } from "../errors";
import { ERROR, hasNumber } from "./errorNumbers";

/** The server ended the session, or is about to. */
export const SESSION_ENDED: readonly number[] = [
	ERROR.SERVER_SHUTDOWN,
	ERROR.ABORTING_CONNECTION,
	ERROR.NET_READ_ERROR,
	ERROR.NET_READ_INTERRUPTED,
	ERROR.NET_ERROR_ON_WRITE,
	ERROR.NET_WRITE_INTERRUPTED,
	ERROR.CONNECTION_KILLED,
	ERROR.SESSION_WAS_KILLED,
	ERROR.CLIENT_INTERACTION_TIMEOUT,
];

/** Codes of a connection that broke. */
const BROKEN = ["PROTOCOL_CONNECTION_LOST", "ECONNRESET", "EPIPE", "ETIMEDOUT"];

/** Whether the session is gone that the statement was sent in. */
export function isConnectionLost(error: unknown): boolean {
	if (!(error instanceof Error)) return false;
	const { fatal, code = "" } = error as { fatal?: unknown; code?: string };
	// mysql2 sets it on an error after which it closes the connection; before 3.23 it does so too late.
	return fatal === true || BROKEN.includes(code) || hasNumber(error, ...SESSION_ENDED);
}

/** Whether the server or the account admits no further connection for now. */
export function isOutOfConnections(error: unknown): boolean {
	if (hasNumber(error, ERROR.CON_COUNT_ERROR, ERROR.TOO_MANY_USER_CONNECTIONS)) return true;
	// An account may be limited in its statements, too.
	return hasNumber(error, ERROR.USER_LIMIT_REACHED) && /connections/.test((error as Error).message);
}

function isReadOnly(error: unknown): boolean {
	if (hasNumber(error, ERROR.READ_ONLY_MODE, ERROR.CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)) return true;
	// The server's options prevent other statements, too.
	return hasNumber(error, ERROR.OPTION_PREVENTS_STATEMENT) && /read[-_]only/i.test((error as Error).message);
}

/**
 * The error for a failure of the server or of the connection, whatever the statement was; undefined where the statement
 * itself is at fault.
 *
 * @param cause the driver's error, without values
 */
export function serverFailure(cause: unknown): WorkspacesError | undefined {
	if (isOutOfConnections(cause)) {
		return new TooManyConnectionsError(
			"The database server admits no further connection: try again later, raise max_connections or the account's " +
				"limit, or lower DB_POOL_SIZE",
			{ cause },
		);
	}
	if (isReadOnly(cause)) return new ReadOnlyServerError({ cause });
	return isConnectionLost(cause) ? new ConnectionLostError({ cause }) : undefined;
}
