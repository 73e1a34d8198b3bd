import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionLostError, ReadOnlyServerError, TooManyConnectionsError } from "../../src";
import { isConnectionLost, isOutOfConnections, serverFailure } from "../../src/mysql/failure";

function driverError(message: string, properties: object): Error {
	return Object.assign(new Error(message), properties);
}

/** What a failed statement says, with the class of the error that it means. */
const FAILURES: readonly [string, Error, (new (...given: never[]) => Error) | undefined][] = [
	["a connection that the driver closes", driverError("Connection lost", { fatal: true }), ConnectionLostError],
	["a server that goes down", driverError("Server shutdown in progress", { errno: 1053 }), ConnectionLostError],
	["a session that was killed", driverError("Connection was killed", { errno: 1927 }), ConnectionLostError],
	["a session that MySQL killed", driverError("Session was killed", { errno: 3169 }), ConnectionLostError],
	["a session that was idle for too long", driverError("disconnected", { errno: 4031 }), ConnectionLostError],
	["an aborted connection", driverError("Aborted connection", { errno: 1152 }), ConnectionLostError],
	["a read that failed", driverError("error reading packets", { errno: 1158 }), ConnectionLostError],
	["a read that took too long", driverError("timeout reading packets", { errno: 1159 }), ConnectionLostError],
	["a write that failed", driverError("error writing packets", { errno: 1160 }), ConnectionLostError],
	["a write that took too long", driverError("timeout writing packets", { errno: 1161 }), ConnectionLostError],
	["a full server", driverError("Too many connections", { errno: 1040, fatal: true }), TooManyConnectionsError],
	["a full account", driverError("max_user_connections", { errno: 1203 }), TooManyConnectionsError],
	[
		"a full account of its own limit",
		driverError("User 'a' has exceeded the 'max_user_connections' resource", { errno: 1226 }),
		TooManyConnectionsError,
	],
	["an account without statements", driverError("exceeded the 'max_questions' resource", { errno: 1226 }), undefined],
	["a read-only server", driverError("running with the --read-only option", { errno: 1290 }), ReadOnlyServerError],
	["a read-only replica", driverError("running with the --super-read-only", { errno: 1290 }), ReadOnlyServerError],
	["another option", driverError("running with the --secure-file-priv option", { errno: 1290 }), undefined],
	["a read-only transaction", driverError("in a READ ONLY transaction", { errno: 1792 }), ReadOnlyServerError],
	["a read-only mode", driverError("Running in read-only mode", { errno: 1836 }), ReadOnlyServerError],
	["a statement that was killed alone", driverError("Query execution was interrupted", { errno: 1317 }), undefined],
	["a duplicate", driverError("Duplicate entry", { errno: 1062 }), undefined],
];

for (const [what, cause, expected] of FAILURES) {
	test(`${what} is ${expected ? `a ${expected.name}` : "no failure of the server's"}`, () => {
		const failure = serverFailure(cause);
		assert.equal(failure?.constructor, expected);
		assert.equal(failure?.cause, expected && cause);
		assert.equal(failure?.name, expected?.name);
	});
}

test("whatever is no error is no failure", () => {
	for (const value of [undefined, null, "fatal", { fatal: true }]) {
		assert.equal(isConnectionLost(value), false);
		assert.equal(isOutOfConnections(value), false);
		assert.equal(serverFailure(value), undefined);
	}
});
