import assert from "node:assert/strict";
import { test } from "node:test";
import { createOutput } from "../../src/cli/output";
import { duration, shortened, showEvents } from "../../src/cli/runEvents";
import type { DeployEvent } from "../../src/deploy";

const STEP = {
	number: 3,
	total: 9,
	table: "workspace_logs",
	what: ["add index idx_created"],
	sql: "ALTER TABLE …",
	algorithm: "INPLACE",
	rows: 1_040_000,
} as const;

const LINE = "3/9 workspace_logs: add index idx_created (1.0 M rows, in place)";
const ERASE = "\r\u001B[K";

const RUN: DeployEvent[] = [
	{ kind: "step", ...STEP },
	...[1, 2, 9, 10, 11, 19, 20].map((seconds) => ({ kind: "stepRunning" as const, ...STEP, seconds })),
	{ kind: "stepRunning", ...STEP, seconds: 31, percent: 41.6 },
	{ kind: "stepDone", ...STEP, milliseconds: 31_400 },
	{ kind: "waiting", for: "table", table: "workspaces", who: "held by session 7", seconds: 2, timeout: 60 },
	{ kind: "waiting", for: "lock", who: "held by session 8", seconds: 30, timeout: 600 },
	{ kind: "removing", table: "resource_limits", row: '{"id":52}' },
];

function show(options: { json?: boolean; quiet?: boolean; isTTY?: boolean; columns?: number }, events = RUN) {
	const { json = false, quiet = false, isTTY = false, columns = 200 } = options;
	let [stdout, stderr] = ["", ""];
	const output = createOutput({
		json,
		quiet,
		stdout: { write: (text) => (stdout += text) },
		stderr: { isTTY, columns, write: (text) => (stderr += text) },
	});
	const onEvent = showEvents(output);
	for (const event of events) onEvent(event);
	return { stdout, stderr };
}

test("without a terminal: a line at the start, every ten seconds, and at the end", () => {
	const { stdout, stderr } = show({});
	assert.equal(stdout, "");
	assert.deepEqual(stderr.trimEnd().split("\n"), [
		LINE,
		`${LINE}: 10 s`,
		`${LINE}: 20 s`,
		`${LINE}: 31 s, 42 %`,
		"3/9 workspace_logs: done in 31 s",
		"workspaces is in use: held by session 7; waiting up to 58 s",
		"another run migrates this database: held by session 8; waiting up to 9 min 30 s",
		'removing from resource_limits: {"id":52}',
	]);
	assert.deepEqual(show({ quiet: true }), { stdout: "", stderr: "" });
});

test("on a terminal: one line that moves and never wraps, and what stays above it", () => {
	const { stderr } = show({ isTTY: true }, RUN.slice(0, 3));
	assert.equal(stderr, `${LINE}${ERASE}${LINE}: 1 s${ERASE}${LINE}: 2 s`);
	const all = show({ isTTY: true }).stderr;
	assert.ok(
		all.includes(`: 31 s, 42 %${ERASE}3/9 workspace_logs: done in 31 s
workspaces is in use`),
		all,
	);
	for (const line of show({ isTTY: true, columns: 40 }, RUN.slice(0, 9)).stderr.split(ERASE)) {
		assert.ok(line.length < 40, line);
	}
	assert.deepEqual(show({ isTTY: true, quiet: true }), { stdout: "", stderr: "" });
});

test("as JSON: the same, one object a line on standard output", () => {
	const { stdout, stderr } = show({ json: true });
	assert.equal(stderr, "");
	const events = stdout
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line));
	assert.deepEqual(
		events.map(({ event, seconds }) => [event, seconds]),
		[
			["step", undefined],
			["stepRunning", 10],
			["stepRunning", 20],
			["stepRunning", 31],
			["stepDone", undefined],
			["waiting", 2],
			["waiting", 30],
			["removing", undefined],
		],
	);
	assert.deepEqual(events[0], { event: "step", ...STEP });
});

test("a remark does not tear the line that moves", () => {
	let stderr = "";
	const output = createOutput({
		json: false,
		quiet: false,
		stderr: { isTTY: true, write: (text) => (stderr += text) },
	});
	output.line("moving");
	output.remark("remark");
	output.line("");
	output.line("");
	assert.equal(stderr, `moving${ERASE}remark\nmoving${ERASE}`);
});

test("counts and times as people say them", () => {
	assert.deepEqual([0, 9_999, 12_400, 999_499, 2_340_000].map(shortened), ["0", "9999", "12 k", "999 k", "2.3 M"]);
	assert.deepEqual([0.04, 9.96, 59.6, 7_380].map(duration), ["0.0 s", "10.0 s", "60 s", "2 h 3 min"]);
	assert.deepEqual([600, 179.6, 605].map(duration), ["10 min", "3 min", "10 min 5 s"]);
});
