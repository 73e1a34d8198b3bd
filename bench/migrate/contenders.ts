import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { TestDatabase } from "../../testing/database";

const ROOT = path.join(__dirname, "..", "..");
const OTHERS = path.join(__dirname, "others", "node_modules");
const CLI = path.join(ROOT, "node_modules", "typeorm", "cli.js");

/** One way to bring a database up, as a process. */
export interface Contender {
	readonly name: string;
	readonly command: (database: TestDatabase) => Command;
}

export interface Command {
	readonly args: readonly string[];
	readonly env: Readonly<Record<string, string>>;
}

/** This package's command. */
export const OWN: Contender = {
	name: "`dployr-workspaces-db migrate`",
	command: (database) => ({
		args: [path.join(ROOT, "dist", "src", "cli", "main.js"), "migrate", "--quiet"],
		env: variables(database),
	}),
};

/** TypeORM's CLI with this package's build. */
export const TYPEORM: Contender = {
	name: "`typeorm migration:run`",
	command: (database) => ({
		args: [CLI, "migration:run", "-d", path.join(ROOT, "dist", "ormconfig.js")],
		env: variables(database),
	}),
};

function variables({ host, port, username, password, name }: TestDatabase): Record<string, string> {
	return { DB_HOST: host, DB_PORT: String(port), DB_USERNAME: username, DB_PASSWORD: password, DB_DATABASE: name };
}

/** TypeORM's CLI with a plain DataSource whose one migration is the statements. */
export function plainTypeorm(folder: string, statements: readonly string[]): Contender {
	const file = write(
		folder,
		"typeorm.js",
		`const { DataSource } = require(${packageOf("typeorm")});
const { entities } = require(${JSON.stringify(path.join(ROOT, "dist", "src", "entities"))});
class Plain1795478400000 {
	async up(queryRunner) { for (const sql of ${JSON.stringify(statements)}) await queryRunner.query(sql); }
	async down() {}
}
exports.default = new DataSource({ type: process.env.TYPE, url: process.env.URL, entities, migrations: [Plain1795478400000] });
`,
	);
	return {
		name: "`typeorm migration:run`, plain DataSource",
		command: ({ url }) => ({
			args: [CLI, "migration:run", "-d", file],
			env: { URL: url, TYPE: process.env["BENCH_TYPE"] ?? "mariadb" },
		}),
	};
}

/** A script with Knex's `migrate.latest`. */
export function knex(folder: string, statements: readonly string[]): Contender {
	const file = write(
		folder,
		"knex.js",
		`const knex = require(${packageOf("knex", OTHERS)})({ client: "mysql2", connection: process.env.URL });
const everything = {
	config: { transaction: false },
	async up(knex) { for (const sql of ${JSON.stringify(statements)}) await knex.raw(sql); },
	async down() {},
};
const migrationSource = {
	getMigrations: async () => ["everything"],
	getMigrationName: (name) => name,
	getMigration: async () => everything,
};
knex.migrate.latest({ migrationSource }).finally(() => knex.destroy());
`,
	);
	return script("Knex, a script", file);
}

/** A script with Drizzle's `migrate`. */
export function drizzle(folder: string, statements: readonly string[]): Contender {
	const migrationsFolder = path.join(folder, "drizzle");
	mkdirSync(path.join(migrationsFolder, "meta"), { recursive: true });
	write(migrationsFolder, "0000_everything.sql", statements.join("\n--> statement-breakpoint\n"));
	const entry = { idx: 0, version: "5", when: 1_795_478_400_000, tag: "0000_everything", breakpoints: true };
	write(
		path.join(migrationsFolder, "meta"),
		"_journal.json",
		JSON.stringify({ version: "7", dialect: "mysql", entries: [entry] }),
	);
	const file = write(
		folder,
		"drizzle.js",
		`const { createConnection } = require(${packageOf("mysql2/promise.js")});
const { drizzle } = require(${packageOf("drizzle-orm/mysql2/index.cjs", OTHERS)});
const { migrate } = require(${packageOf("drizzle-orm/mysql2/migrator.cjs", OTHERS)});
(async () => {
	const connection = await createConnection(process.env.URL);
	await migrate(drizzle(connection), { migrationsFolder: ${JSON.stringify(migrationsFolder)} });
	await connection.end();
})();
`,
	);
	return script("Drizzle, a script", file);
}

/** What reads the records through mysql2, and nothing else. */
export function bare(folder: string, statements: readonly string[]): Contender {
	const file = write(
		folder,
		"bare.js",
		`const { createConnection } = require(${packageOf("mysql2/promise.js")});
(async () => {
	const connection = await createConnection(process.env.URL);
	const records = await connection.query("SELECT id, timestamp, name FROM migrations").catch(() => undefined);
	if (!records) {
		await connection.query("CREATE TABLE migrations (id INT AUTO_INCREMENT PRIMARY KEY, timestamp BIGINT, name VARCHAR(255))");
		for (const sql of ${JSON.stringify(statements)}) await connection.query(sql);
		await connection.query("INSERT INTO migrations (timestamp, name) VALUES (1, 'everything')");
	}
	await connection.end();
})();
`,
	);
	return script("bare mysql2 script", file);
}

function script(name: string, file: string): Contender {
	return { name, command: ({ url }) => ({ args: [file], env: { URL: url } }) };
}

/** The path of a package as a literal: the scripts are not in this project's folder. */
function packageOf(name: string, folder = path.join(ROOT, "node_modules")): string {
	return JSON.stringify(path.join(folder, name));
}

function write(folder: string, name: string, content: string): string {
	const file = path.join(folder, name);
	writeFileSync(file, content);
	return file;
}
