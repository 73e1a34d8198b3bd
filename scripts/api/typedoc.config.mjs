import { readdirSync } from "node:fs";
import { join } from "node:path";

const PROJECT = join(import.meta.dirname, "..", "..");
const files = readdirSync(join(PROJECT, "src", "migrations")).map((name) => /^(\d+)-(\w+)\.ts$/.exec(name));

const options = {
	name: "dployr-workspaces-db",
	entryPoints: ["../../src/index.ts", "../../src/testing/index.ts"],
	tsconfig: "tsconfig.json",
	out: "../../docs/api",
	readme: "none",
	disableSources: true,
	includeVersion: true,
	excludeExternals: true,
	excludePrivate: true,
	excludeProtected: true,
	hideGenerator: true,
	githubPages: false,
	validation: { notExported: true, invalidLink: true, notDocumented: true },
	treatValidationWarningsAsErrors: true,
	requiredToBeDocumented: ["Function", "Class", "Interface", "Method", "TypeAlias", "Variable", "Accessor"],
	// What types are made of, and what nobody names: each migration.
	intentionallyNotExported: [
		...["Algorithm", "AnyEntity", "Missing", "Resolving", "Scalar", "SettingName", "SnakeCase"],
		...["TlsClient", "ValueOf"],
		...files.flatMap((match) => (match ? [`${match[2]}${match[1]}`] : [])),
	],
};

export default options;
