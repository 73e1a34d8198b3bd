import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionError, IncompatibleSchemaError, MigrationError, readSettings, SettingsError } from "../../src";
import { readArguments } from "../../src/cli/arguments";
import { COMMAND_NAMES, SETTING_OPTIONS } from "../../src/cli/commands";
import { failureOf } from "../../src/cli/failure";
import { helpOf } from "../../src/cli/help";
import { nearest } from "../../src/cli/nearest";
import { UsageError } from "../../src/cli/usage";
import { SETTING_NAMES, SETTINGS } from "../../src/settings/table";

test("a command with its options, the settings among them", () => {
	const args = ["--json", "migrate", "-q", "--host", "db", "--lock-timeout=5"];
	const { command, options, settings } = readArguments(args);
	assert.equal(command, "migrate");
	assert.deepEqual(options, { json: true, quiet: true });
	const { host, lockTimeout } = readSettings(settings, { DB_HOST: "weaker", DB_LOCK_TIMEOUT: "7" });
	assert.deepEqual([host, lockTimeout], ["db", 5]);
	assert.equal(readArguments(["--help"]).command, undefined);
	assert.equal(readArguments(["plan", "-h"]).command, "plan");
});

test("what is not known is named, with the nearest that is", () => {
	const refused: [string[], string][] = [
		[[], `a command is missing: one of ${COMMAND_NAMES.join(", ")}`],
		[["migrte"], "unknown command migrte; did you mean migrate?"],
		[["doc"], "unknown command doc; did you mean doctor?"],
		[["migrate", "--jsno"], "unknown option --jsno; did you mean --json?"],
		[["plan", "--conect-timeout", "5"], "unknown option --conect-timeout; did you mean --connect-timeout?"],
		[["help"], `unknown command help: one of ${COMMAND_NAMES.join(", ")}`],
		[["migrate", "--revert"], "unknown option --revert"],
		[["plan", "-x"], "unknown option -x"],
		[["plan", "--host"], "--host needs a value"],
		[["plan", "--host", "--json"], "--host needs a value"],
		[["plan", "--json=yes"], "--json takes no value"],
		[["plan", "now"], "plan takes no argument, and now was given"],
		[["plan", "--password", "x"], "--password is no option, since lists of processes would show it: set DB_PASSWORD"],
		[
			["plan", "--database-url=x"],
			"--database-url is no option, since lists of processes would show it: set DATABASE_URL",
		],
	];
	for (const [args, message] of refused) {
		assert.throws(
			() => readArguments(args),
			(error: unknown) => {
				assert.ok(error instanceof UsageError, args.join(" "));
				assert.equal(error.message, message);
				return true;
			},
		);
	}
	assert.equal(nearest("x", []), undefined);
});

test("every setting but secrets is an option, and the help has them all", () => {
	const secrets = SETTING_NAMES.filter((name) => SETTINGS[name].isSecret);
	assert.deepEqual(new Set([...SETTING_OPTIONS.values(), ...secrets]), new Set(SETTING_NAMES));
	const help = helpOf(undefined);
	for (const name of COMMAND_NAMES) assert.match(help, new RegExp(`^ {2}${name} +\\w`, "m"));
	for (const name of SETTING_NAMES) assert.match(help, new RegExp(`^ {2}${SETTINGS[name].variable}( |$)`, "m"));
	for (const option of SETTING_OPTIONS.keys()) assert.match(helpOf("plan"), new RegExp(` --${option} `));
	for (const line of help.split("\n")) assert.ok(line.length <= 100, line);
});

test("an exit code for each kind of failure", () => {
	assert.equal(failureOf(new UsageError("x")).exitCode, 2);
	assert.equal(failureOf(new SettingsError("x")).exitCode, 2);
	assert.equal(failureOf(new ConnectionError("x")).exitCode, 3);
	assert.deepEqual(failureOf(new MigrationError("x")), { exitCode: 1, code: "MIGRATION_FAILED", message: "x" });
	assert.deepEqual(failureOf(new IncompatibleSchemaError(["a", "b"])).problems, ["a", "b"]);
	const driver = Object.assign(new Error("Duplicate entry 'secret' for key 'name'"), {
		errno: 1062,
		code: "ER_DUP_ENTRY",
	});
	assert.deepEqual(failureOf(driver), { exitCode: 1, code: "FAILED", message: "Duplicate entry '…' for key 'name'" });
	assert.match(failureOf(new TypeError("a fault")).message, /^TypeError: a fault\n\s+at /);
});
