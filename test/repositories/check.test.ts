import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ColumnMetadata } from "typeorm/metadata/ColumnMetadata.js";
import { checkFor } from "../../src/repositories/sql/check";

/** The check of a parameter that is a column's. */
const checkOf = (type: string, column: object = {}) =>
	checkFor("Book", "title", { type, length: "", ...column } as unknown as ColumnMetadata);

/** The check of a parameter that is no column's. */
const checkNamed = (name: string) => checkFor("Book", name, undefined);

interface Domain {
	readonly check: ReturnType<typeof checkFor>;
	/** What is taken, and as what it is sent where that is something else. */
	readonly takes: readonly (readonly [given: unknown, sent?: unknown])[];
	readonly refuses: readonly unknown[];
	readonly expected: string;
}

const NO_INTEGER = [
	undefined,
	null,
	2 ** 31,
	-(2 ** 31) - 1,
	0.5,
	Number.NaN,
	Number.POSITIVE_INFINITY,
	[1],
	{},
	true,
	1n,
];
const NO_TEXT = [undefined, null, 1, ["a"], {}, Buffer.from("a")];
const NO_DATE = [
	undefined,
	null,
	0,
	new Date(999),
	new Date(2 ** 31 * 1000),
	new Date(Number.NaN),
	{ getTime: () => 5_000 },
];
const INTEGER = "an integer of 32 bits";
const DATE = "a Date from 1970 to 2038-01-19";

const DOMAINS: Readonly<Record<string, Domain>> = {
	"an int": {
		check: checkOf("int"),
		takes: [[0], [-(2 ** 31)], [2 ** 31 - 1]],
		refuses: NO_INTEGER,
		expected: INTEGER,
	},
	"a parameter of no column": { check: checkNamed("limit"), takes: [[7]], refuses: NO_INTEGER, expected: INTEGER },
	"a timestamp": {
		check: checkOf("timestamp"),
		takes: [
			[new Date(1_000), 1],
			[new Date(1_999), 1],
			[new Date(2 ** 31 * 1000 - 1), 2 ** 31 - 1],
		],
		refuses: NO_DATE,
		expected: DATE,
	},
	"an instant of no column": {
		check: checkNamed("olderThan"),
		takes: [[new Date(5_000), 5]],
		refuses: NO_DATE,
		expected: DATE,
	},
	"an enum": {
		check: checkOf("enum", { enum: ["new", "worn"] }),
		takes: [["new"], ["worn"]],
		refuses: [undefined, null, "", "old", 0, ["new"]],
		expected: "one of new, worn",
	},
	"a varbinary": {
		check: checkOf("varbinary", { length: "2" }),
		takes: [[Buffer.from("ab")], [Buffer.alloc(0)]],
		refuses: [undefined, null, "ab", new Uint8Array(2), [1]],
		expected: "a Buffer",
	},
	"a varchar": {
		check: checkOf("varchar", { length: "2" }),
		takes: [[""], ["ab"], ["🚀🚀"]],
		refuses: NO_TEXT,
		expected: "a string",
	},
	"a text": {
		check: checkOf("text"),
		takes: [[""], ["x".repeat(65_535)], ["🚀".repeat(16_383)]],
		refuses: NO_TEXT,
		expected: "a string",
	},
	"what has no type of its own": { check: checkOf("json"), takes: [["{}"]], refuses: NO_TEXT, expected: "a string" },
	"JSON of no column": { check: checkNamed("exceptJson"), takes: [["[]"]], refuses: NO_TEXT, expected: "a string" },
	"a list of no column": {
		check: checkNamed("workspaceIds"),
		takes: [[[]], [[1, 2]]],
		refuses: [undefined, null, 1, "1", { length: 0 }],
		expected: "a list of integers",
	},
};

function refusalOf(check: Domain["check"], value: unknown): Record<string, unknown> {
	try {
		check(value);
	} catch (error) {
		return error as Record<string, unknown>;
	}
	return assert.fail(`takes ${String(value)}`);
}

describe("the check of a value", () => {
	for (const [what, { check, takes, refuses, expected }] of Object.entries(DOMAINS)) {
		it(`takes what fits into ${what}`, () => {
			for (const [given, sent = given] of takes) assert.deepEqual(check(given), sent);
		});

		it(`refuses everything else for ${what}, and says what is taken, never what was given`, () => {
			for (const value of refuses) {
				const error = refusalOf(check, value);
				assert.deepEqual([error["code"], error["entity"]], ["INVALID_VALUE", "Book"]);
				const message = String(error["message"]);
				assert.match(message, new RegExp(`^Book\\.\\w+ must be ${expected}`));
				if (value === undefined && expected !== "a list of integers") assert.match(message, /: it is missing$/);
				if (value === null) assert.equal(message.endsWith(expected), expected !== "a list of integers");
			}
		});
	}

	it("says what to do with a string where a number or a date belongs, and only there", () => {
		assert.equal(
			refusalOf(checkOf("int"), "7")["message"],
			"Book.title must be an integer of 32 bits: got a string; use Number()",
		);
		assert.equal(
			refusalOf(checkOf("timestamp"), "2024")["message"],
			"Book.title must be a Date from 1970 to 2038-01-19: got a string; use new Date()",
		);
		assert.equal(refusalOf(checkOf("varbinary", { length: "2" }), "ab")["message"], "Book.title must be a Buffer");
		assert.match(String(refusalOf(checkNamed("workspaceIds"), ["1"])["message"]), /use Number\(\)$/);
	});

	it("refuses what is too long for its column, by its own measure", () => {
		const tooLong: [Domain["check"], unknown, number, string][] = [
			[checkOf("varchar", { length: "2" }), "abc", 2, "characters"],
			[checkOf("varchar", { length: "2" }), "🚀🚀🚀", 2, "characters"],
			[checkOf("varbinary", { length: "2" }), Buffer.alloc(3), 2, "bytes"],
			[checkOf("text"), "x".repeat(65_536), 65_535, "bytes"],
			[checkOf("text"), "🚀".repeat(16_384), 65_535, "bytes"],
		];
		for (const [check, value, maximum, unit] of tooLong) {
			const error = refusalOf(check, value);
			const found = [error["code"], error["entity"], error["property"], error["maximum"], error["unit"]];
			assert.deepEqual(found, ["VALUE_TOO_LONG", "Book", "title", maximum, unit]);
		}
	});
});
