import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { lintEntities, lintHiddenImports, lintTableNames } from "../../scripts/lint/project";
import { cloneProject, execute } from "../support/processes";

/** What breaks each import rule: a file, and what it says. */
const VIOLATIONS: Record<string, Record<string, string>> = {
	"errors-imports-nothing-of-ours": { "src/errors.ts": 'import type { Workspace } from "./entities";' },
	"mysql-imports-errors": { "src/mysql/planted.ts": 'export type { Workspace } from "../entities";' },
	"settings-imports-errors": { "src/settings/planted.ts": 'import { type migrate } from "../deploy";' },
	"schema-imports-mysql-errors": {
		"src/schema/planted.ts": 'export const settings = () => import("../dataSource");',
	},
	"typeorm-imports-mysql-settings-errors": { "src/typeorm/planted.ts": 'import "../dataSource";' },
	"deploy-imports-schema-typeorm-mysql-errors": { "src/deploy/planted.ts": 'export * from "../entities";' },
	"entities-imports-nothing-of-ours": { "src/entities/planted.ts": 'import { errors } from "../errors";' },
	"migrations-imports-schema": { "src/migrations/planted.ts": 'import enums = require("../entities");' },
	"repositories-imports-entities-mysql-errors": { "src/repositories/planted.ts": 'import { check } from "../deploy";' },
	"repositories/sql-imports-mysql-errors": { "src/repositories/sql/planted.ts": 'import { source } from "../source";' },
	"every-folder-has-rules": { "src/planted/planted.ts": 'import { WorkspacesError } from "../errors";' },
	"migrations-import-typeorm-and-schema-only": {
		"src/migrations/1999999999999-Planted.ts": 'import { readFileSync } from "node:fs";',
	},
	"no-file-cycle": {
		"src/mysql/one.ts": 'import type { two } from "./two";',
		"src/mysql/two.ts": 'import type { one } from "./one";',
	},
	"no-folder-cycle": {
		"bench/one/a.ts": 'import "../two/a";',
		"bench/two/a.ts": "",
		"bench/two/b.ts": 'import "../one/b";',
		"bench/one/b.ts": "",
	},
	"nothing-but-tests-imports-tests": { "scripts/planted.ts": 'import type {} from "../test/support/processes";' },
	"src-imports-src-only": { "src/cli/planted.ts": 'import "../../scripts/docs";' },
	"src-imports-runtime-dependencies-only": { "src/cli/planted2.ts": 'import { parse } from "yaml";' },
	"no-unresolvable": { "testing/planted.ts": 'import "./nowhere";' },
};

describe("the import rules", () => {
	let clone: ReturnType<typeof cloneProject>;
	before(() => {
		clone = cloneProject();
	});
	after(() => clone.remove());

	const cruise = async () => {
		const command = readFileSync(path.join(clone.path, "package.json"), "utf8").match(/depcruise ([^&"]*)/)?.[1] ?? "";
		const program = path.join(clone.path, "node_modules", ".bin", "depcruise");
		const { output } = await execute([program, ...command.trim().split(" "), "--output-type", "err"], {
			cwd: clone.path,
		});
		return output;
	};

	it("hold, and each of them finds what breaks it", async () => {
		assert.match(await cruise(), /no dependency violations found/);
		for (const [file, source] of Object.values(VIOLATIONS).flatMap((files) => Object.entries(files))) {
			const place = path.join(clone.path, file);
			mkdirSync(path.dirname(place), { recursive: true });
			writeFileSync(place, `${source}\n`);
		}
		const found = await cruise();
		for (const [rule, files] of Object.entries(VIOLATIONS)) {
			const [file = ""] = Object.keys(files);
			const named = found
				.split("\n")
				.some((line) => line.includes(`error ${rule}: ${rule === "no-folder-cycle" ? path.dirname(file) : file}`));
			assert.ok(named, `${rule} does not find ${file}:\n${found}`);
		}
		for (const [, rule = ""] of found.matchAll(/error ([^:]+):/g))
			assert.ok(rule in VIOLATIONS, `${rule} has no violation here`);
	});
});

describe("the project's lint", () => {
	const file = "src/schema/planted.ts";

	it("finds a table that the engine names, and nothing that only looks like one", () => {
		const named = lintTableNames(
			[
				{
					file,
					source: 'import "dployr-workspaces-db";\n// WorkspacesDriver\nconst sql = "SELECT 1 FROM workspaces";\n',
				},
				{ file: "src/repositories/planted.ts", source: "SELECT 1 FROM workspaces" },
			],
			["workspaces", "dashboard_users"],
		);
		assert.deepEqual(named, [`${file}:3: the engine names workspaces; hand it in`]);
	});

	it("finds an entity class that is in no list", () => {
		const source =
			'@Entity("notes")\n@Index("idx", ["a"])\nexport class Note {\n}\n@Entity()\nexport class Workspace {\n}\n';
		assert.deepEqual(lintEntities([{ file, source }], ["Workspace"]), [`${file}: Note is not in \`entities\``]);
	});

	it("finds the imports that the import rules do not see", () => {
		const hidden = [
			'export type A = import("../deploy").Plan;',
			'const a: import("../deploy").Plan[] = [];',
			'type B = typeof import("../deploy");',
			'export type C = Map<string, import("../deploy").Plan>;',
		];
		for (const source of hidden) assert.equal(lintHiddenImports([{ file, source }]).length, 1, source);
		const visible = [
			'const { plan } = require("../deploy") as typeof import("../deploy");',
			'const a = await import("../deploy");',
			'import type { Plan } from "../deploy";',
		];
		for (const source of visible) assert.deepEqual(lintHiddenImports([{ file, source }]), [], source);
		assert.equal(lintHiddenImports([{ file: "src/schema/planted.mts", source: "" }]).length, 1);
		assert.equal(lintHiddenImports([{ file: "src/index.mts", source: 'export * from "./deploy.js";\n' }]).length, 1);
	});
});
