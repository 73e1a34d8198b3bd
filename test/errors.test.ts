import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import * as everything from "../src";
import * as errors from "../src/errors";

type ErrorClass = new (...given: never[]) => errors.WorkspacesError;

/** What their constructors take, where that is not a message. */
const GIVEN: Readonly<Record<string, readonly unknown[]>> = {
	ConnectionLostError: [],
	ReadOnlyServerError: [],
	LossyChangeError: [[{ statement: "ALTER", reason: "values are deleted", remedy: "keep them" }]],
	IncompatibleSchemaError: [["the table a is missing"]],
	DataLossError: [["3 rows"]],
	MissingPrivilegesError: ["'a'@'%'", "b", ["ALTER"]],
	LockTimeoutError: ["a", "session 7", 3],
	InvalidTransitionError: ["Workspace", 7, { from: "running", to: "starting" }],
	ValueTooLongError: ["Workspace", "projectName", { maximum: 100, unit: "characters" }],
	AlreadyExistsError: ["Workspace", ["userId"]],
	UnknownProviderError: [["anthropic"]],
	UnknownPropertyError: ["Workspace", "cpu", ["cpuLimit"]],
};

const classes = Object.entries(errors).filter(
	([name]) => name !== "WorkspacesError" && name.endsWith("Error"),
) as unknown as [string, ErrorClass][];

test("every error has its class's name, a code of its own or its parent's, and a message, and is exported", () => {
	assert.ok(classes.length >= 20);
	const codes = classes.flatMap(([name, Class]) => {
		const error = new Class(...((GIVEN[name] ?? ["message", "of", "it"]) as never[]));
		assert.ok(error instanceof errors.WorkspacesError, name);
		assert.equal(error.name, name);
		assert.match(error.code, /^[A-Z]+(_[A-Z]+)*$/);
		assert.doesNotMatch(error.message, /undefined|\[object/, name);
		if (error instanceof errors.MigrationError) assert.equal(inspect(error), error.message, `${name} is printed whole`);
		assert.equal((everything as Record<string, unknown>)[name], Class, `${name} is exported`);
		return classes.some(
			([, Parent]) => Parent !== Class && error instanceof Parent && !(error instanceof errors.MigrationError),
		)
			? []
			: [error.code];
	});
	assert.equal(new Set(codes).size, codes.length, `${codes}`);
});
