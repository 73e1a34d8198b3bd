import assert from "node:assert/strict";
import { copyFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { after, before, test } from "node:test";
import { createTestDatabase, type TestDatabase } from "../../testing/database";
import { execute, npm, packProject, type Tarball, temporaryFolder } from "../support/processes";

/** Documents for contributors, which the tarball does not have. */
const CONTRIBUTORS = ["CONTRIBUTING.md", "bench/README.md"];
const INSTALLED = "node_modules/dployr-workspaces-db";

let tarball: Tarball;
let consumer: ReturnType<typeof temporaryFolder>;
let database: TestDatabase;

before(async () => {
	database = await createTestDatabase();
	tarball = await packProject();
	consumer = temporaryFolder();
	cpSync(join(__dirname, "consumer"), consumer.path, { recursive: true });
	copyFileSync(join(consumer.path, "strict.ts"), join(consumer.path, "strict.mts"));
	await npm(consumer.path, "ci");
	await npm(consumer.path, "install", tarball.path, "node@26");
});

after(async () => {
	tarball?.remove();
	consumer?.remove();
	await database?.drop();
});

/** Runs a program of the consumer's in the consumer's folder, on the test's database. */
async function run(...command: [string, ...string[]]): Promise<string> {
	const env = {
		DB_HOST: database.host,
		DB_PORT: String(database.port),
		DB_USERNAME: database.username,
		DB_PASSWORD: database.password,
		DB_DATABASE: database.name,
		NO_COLOR: "1",
		TEST_DATABASE_URL: database.url.replace(/\/[^/]*$/, ""),
	};
	const { code, output } = await execute(command, { cwd: consumer.path, env });
	assert.equal(code, 0, `${command.join(" ")}: ${output}`);
	return output;
}

const bin = (name: string): string => join("node_modules", ".bin", name);

test("the tarball holds the build and what goes with it, and nothing else", () => {
	const needed =
		/^(dist\/(ormconfig|src\/.+)\.(js|d\.ts)(\.map)?|dist\/src\/.+\.(mjs|d\.mts)(\.map)?|src\/.+\.m?[tj]s|docs\/.+\.(md|html)|examples\/.+|schema\.sql|package\.json|(README|CHANGELOG|SECURITY)\.md|LICENSE)$/;
	assert.deepEqual(
		tarball.files.filter((path) => !needed.test(path)),
		[],
	);
	for (const path of [
		"dist/ormconfig.js",
		"dist/src/index.js",
		"dist/src/index.mjs",
		"dist/src/index.d.ts",
		"docs/schema.html",
		"LICENSE",
	]) {
		assert.ok(tarball.files.includes(path), path);
	}
});

test("npm would publish it", async () => {
	const output = await npm(consumer.path, "publish", tarball.path, "--dry-run");
	assert.match(output, /^\+ dployr-workspaces-db@\d+\.\d+\.\d+$/m);
});

test("a debugger and an editor get from the build to the source", () => {
	const maps = tarball.files.filter((path) => path.startsWith("dist/src/") && path.endsWith(".map"));
	assert.ok(maps.some((path) => path.endsWith(".d.ts.map")) && maps.some((path) => path.endsWith(".js.map")));
	for (const map of maps) {
		const { sources } = JSON.parse(readFileSync(join(consumer.path, INSTALLED, map), "utf8")) as { sources: string[] };
		for (const source of sources) assert.ok(tarball.files.includes(posix.join(posix.dirname(map), source)), map);
	}
});

test("links in the documents lead to files of the tarball, and two of them to the repository, as npm shows them", () => {
	const documents = tarball.files.filter((path) => path.endsWith(".md") && !path.startsWith("docs/contributing/"));
	const targets = documents.flatMap((path) =>
		[...readFileSync(join(consumer.path, INSTALLED, path), "utf8").matchAll(/\]\((?!https?:|#)([^)\s#]+)/g)].map(
			([, link = ""]) => posix.join(posix.dirname(path), link),
		),
	);
	const isThere = (target: string) => tarball.files.some((path) => path === target || path.startsWith(`${target}/`));
	assert.ok(targets.length > 20);
	assert.deepEqual([...new Set(targets.filter((target) => !isThere(target)))].sort(), CONTRIBUTORS);
});

test("it wants no other Node than TypeORM does", () => {
	const engines = (name: string) =>
		JSON.parse(readFileSync(join(consumer.path, "node_modules", name, "package.json"), "utf8")).engines.node;
	assert.equal(engines("dployr-workspaces-db"), engines("typeorm"));
});

test("three packages are all that it needs at run time", () => {
	const { dependencies } = JSON.parse(readFileSync(join(consumer.path, INSTALLED, "package.json"), "utf8"));
	assert.deepEqual(Object.keys(dependencies).sort(), ["mysql2", "reflect-metadata", "typeorm"]);
});

test("publint and attw find nothing", async () => {
	assert.match(await run(bin("publint"), "run", INSTALLED, "--strict"), /All good!/);
	await run(bin("attw"), tarball.path, "--no-definitely-typed", "--no-emoji");
});

test("typeorm migration:run takes the installed ormconfig.js", async () => {
	const typeorm = (command: string) => run(bin("typeorm"), command, "-d", `${INSTALLED}/dist/ormconfig.js`);
	await typeorm("migration:run");
	const [limits] = await database.rows<{ number: number }>("SELECT COUNT(*) AS number FROM resource_limits");
	assert.equal(Number(limits?.number), 1);
	assert.match(await typeorm("migration:show"), /\[X\] \d+ CreateWorkspaceTables/);
	assert.equal(JSON.parse(await run(bin("dployr-workspaces-db"), "check", "--json")).ok, true);
});

test("typeorm takes the DataSource by its name, wherever the package lies", async () => {
	const byName = "$(node -p 'require.resolve(\"dployr-workspaces-db/ormconfig\")')";
	assert.match(await run("sh", "-c", `${bin("typeorm")} migration:show -d "${byName}"`), /^\[.\] (\d+ )?Create/m);
});

test("CommonJS JavaScript uses it under Jest", async () => {
	assert.match(await run(bin("jest"), "--ci", "--watchman=false"), /Tests: +4 passed, 4 total/);
});

test("an ES module uses it, with the same classes", async () => {
	assert.match(await run(process.execPath, "esm.mjs"), /workspace \d+ written and read/);
});

/** What a compiler of TypeScript may be set to. Old ones know no later target. */
const RESOLUTIONS = {
	nodenext: { module: "nodenext", moduleResolution: "nodenext", files: ["strict.ts", "strict.mts"] },
	bundler: { module: "esnext", moduleResolution: "bundler", files: ["strict.ts"] },
	node10: { module: "commonjs", moduleResolution: "node10", files: ["strict.ts"] },
};

for (const { typescript, types, resolutions } of [
	{ typescript: "5.4", types: "20", resolutions: ["nodenext", "node10"] as const },
	{ typescript: "7", types: "26", resolutions: ["nodenext", "bundler"] as const },
]) {
	test(`TypeScript ${typescript} compiles against it with @types/node ${types}, libraries included`, async () => {
		const folder = temporaryFolder();
		try {
			for (const name of ["strict.ts", "strict.mts"]) copyFileSync(join(consumer.path, name), join(folder.path, name));
			writeFileSync(join(folder.path, "package.json"), '{ "private": true }');
			await npm(folder.path, "install", `typescript@${typescript}`, `@types/node@${types}`, tarball.path);
			for (const resolution of resolutions) {
				const { files, ...options } = RESOLUTIONS[resolution];
				const checks = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true };
				const compilerOptions = { target: "es2022", types: ["node"], ...checks, ...options };
				writeFileSync(join(folder.path, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
				const { code, output } = await execute([bin("tsc"), "-p", "."], { cwd: folder.path });
				assert.equal(code, 0, `${resolution}: ${output}`);
			}
		} finally {
			folder.remove();
		}
	});
}

test("strict TypeScript compiles against it as CommonJS and as an ES module, and both run, on a new Node as well", async () => {
	await run(bin("tsc"), "-p", ".");
	const newNode = join("node_modules", "node", "bin", "node");
	assert.match(await run(newNode, "--version"), /^v26\./);
	for (const node of [process.execPath, newNode]) {
		for (const file of ["strict.js", "strict.mjs"]) {
			assert.equal(await run(node, join("out", file)), "from-esm is stopped on no port\n");
		}
	}
});
