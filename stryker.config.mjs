import { testFiles } from "./scripts/lib/test-files.mjs";

/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
	// What is pure: it takes plain data, and its tests need no server.
	mutate: [
		"src/schema/{clause,columnType,columns,ddl,difference,foreignKeys,indexes,statements}.ts",
		"src/mysql/{failure,redact,retry,server}.ts",
		"src/settings/*.ts",
		"src/repositories/sql/check.ts",
		"src/repositories/transitions.ts",
	],
	plugins: ["@stryker-mutator/tap-runner"],
	testRunner: "tap",
	tap: {
		testFiles: testFiles({ withoutServer: true }).filter((file) =>
			/^test\/(schema|mysql|settings|repositories)\//.test(file),
		),
		nodeArgs: ["--import", "tsx", "--test-reporter=tap", "-r", "{{hookFile}}", "{{testFile}}"],
	},
	// It would rewrite tsconfig.json with an API that TypeScript 7 does not have.
	tsconfigFile: "none",
	ignorePatterns: ["/.server", "/dist"],
	tempDirName: ".stryker",
	reporters: ["clear-text", "progress"],
	clearTextReporter: { allowColor: false, logTests: false },
	thresholds: { high: 95, low: 85, break: 85 },
};
