/** For each folder of src, the folders that its files may import besides their own. Every arrow points down this list. */
const FOLDERS = {
	errors: [],
	mysql: ["errors"],
	settings: ["errors"],
	schema: ["mysql", "errors"],
	typeorm: ["mysql", "settings", "errors"],
	deploy: ["schema", "typeorm", "mysql", "errors"],
	entities: [],
	migrations: ["schema"],
	repositories: ["entities", "mysql", "errors"],
	"repositories/sql": ["mysql", "errors"],
};

/** @param {string} folder */
const pathOf = (folder) => `^src/${folder}(/|[.]ts$)`;

const folderRules = Object.entries(FOLDERS).map(([folder, allowed]) => ({
	name: `${folder}-imports-${allowed.join("-") || "nothing-of-ours"}`,
	severity: "error",
	from: { path: pathOf(folder) },
	to: { path: "^(src|testing|scripts|bench|test|examples)/", pathNot: [folder, ...allowed].map(pathOf) },
}));

/** @type {import("dependency-cruiser").IForbiddenRuleType[]} */
const forbidden = [
	...folderRules,
	{
		name: "every-folder-has-rules",
		severity: "error",
		from: { path: "^src/[^/]+/", pathNot: [...Object.keys(FOLDERS).map(pathOf), "^src/(cli|testing)/"] },
		to: {},
	},
	{
		name: "migrations-import-typeorm-and-schema-only",
		comment: "What a migration imports must not change later, or the migration would.",
		severity: "error",
		from: { path: "^src/migrations/[0-9]" },
		to: { pathNot: ["^src/schema/index[.]ts$", "node_modules/typeorm/"] },
	},
	{
		name: "no-file-cycle",
		comment: "Only entities that relate to each other name each other.",
		severity: "error",
		from: {},
		to: { circular: true, viaSomeNot: "^src/entities/(Workspace|PreviewEnvironment|WorkspaceLog)[.]ts$" },
	},
	{ name: "no-folder-cycle", severity: "error", scope: "folder", from: {}, to: { circular: true } },
	{
		name: "nothing-but-tests-imports-tests",
		severity: "error",
		from: { pathNot: "^test/" },
		to: { path: "^test/" },
	},
	{
		name: "src-imports-src-only",
		severity: "error",
		from: { path: "^src/" },
		to: { path: "^(testing|scripts|bench|examples)/" },
	},
	{
		name: "src-imports-runtime-dependencies-only",
		severity: "error",
		from: { path: "^src/" },
		to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
	},
	{
		name: "no-unresolvable",
		comment: "An example has node_modules of its own, where it is installed.",
		severity: "error",
		from: { pathNot: "^examples/" },
		to: { couldNotResolve: true },
	},
];

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
	forbidden,
	options: {
		parser: "swc",
		tsPreCompilationDeps: true,
		doNotFollow: { path: "node_modules" },
		exclude: { path: "^test/package/consumer/|^examples/.*/node_modules/" },
		enhancedResolveOptions: { extensions: [".ts", ".mts", ".js", ".mjs", ".cjs", ".json"] },
	},
};
