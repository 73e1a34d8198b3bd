import path from "node:path";
import { parseArgs } from "node:util";
import { createDataSource } from "../src/dataSource";
import { createTestDatabase } from "../testing/database";
import type { Draft } from "./migrations/draft";
import { compareEntities, type GenerateOptions, writeMigration } from "./migrations/generate";
import { renderMigration } from "./migrations/render";

const USAGE = `Usage: npm run migration:generate -- <Name> [options]

Writes a migration for what separates the entities from the migrations, on a database of its own.

  --check                       write nothing; exit code 1 where there is something to write
  --rename <table.column=name>  the column has a new name, and keeps its values; may be repeated
  --allow-data-loss             write also what loses data`;

const PROJECT = path.join(__dirname, "..");

interface Wanted extends GenerateOptions {
	readonly name: string;
	readonly check: boolean;
}

function readArguments(): Wanted {
	const { values, positionals } = parseArgs({
		allowPositionals: true,
		options: {
			check: { type: "boolean", default: false },
			rename: { type: "string", multiple: true, default: [] },
			"allow-data-loss": { type: "boolean", default: false },
		},
	});
	const [name = ""] = positionals;
	const isNamed = values.check ? positionals.length <= 1 : positionals.length === 1;
	if (!isNamed) throw new Error(USAGE);
	if (!values.check && !/^[A-Z][A-Za-z0-9]*[A-Za-z]$/.test(name)) {
		throw new Error(
			`${name}: a migration's name is words in PascalCase that say what it does, without digits at the end`,
		);
	}
	const renamed = values.rename.map((text): [string, string] => {
		const [, from, to] = /^(\w+\.\w+)=(\w+)$/.exec(text) ?? [];
		if (!from || !to) throw new Error(`--rename ${text}: expected <table>.<column>=<new name>`);
		return [from, to];
	});
	return {
		name,
		check: values.check,
		allowDataLoss: values["allow-data-loss"],
		renamed: new Map(renamed),
	};
}

/** On the server that TEST_DATABASE_URL names, else on a private one that is started and stopped. */
async function onServer<Result>(work: () => Promise<Result>): Promise<Result> {
	if (process.env["TEST_DATABASE_URL"]) return work();
	const { HOST, startServer, stopServer } = await import("../src/testing/server/private-server.mjs");
	const { SERVERS } = await import("./lib/project.mjs");
	const folder = path.join(SERVERS, "generate");
	const server = await startServer(folder, { throwaway: true, say: console.log });
	try {
		process.env["TEST_DATABASE_URL"] = `mysql://root:${encodeURIComponent(server.password)}@${HOST}:${server.port}`;
		return await work();
	} finally {
		await stopServer(folder);
	}
}

async function compare(options: GenerateOptions): Promise<Draft | undefined> {
	const database = await createTestDatabase();
	try {
		const { host, port, username, password, name } = database;
		const log = () => undefined;
		const dataSource = createDataSource({ host, port, username, password, database: name, log });
		await dataSource.initialize();
		try {
			await dataSource.runMigrations();
			return await compareEntities(dataSource, options);
		} finally {
			await dataSource.destroy();
		}
	} finally {
		await database.drop();
	}
}

async function main(): Promise<number> {
	const { name, check, ...options } = readArguments();
	const changes = await onServer(() => compare(options));
	if (!changes) {
		console.log("Entities and migrations match: nothing to generate");
		return 0;
	}
	if (check) {
		console.log(`Entities and migrations differ:\n\n${renderMigration("ToGenerate", changes)}`);
		return 1;
	}
	const { file, className } = writeMigration(PROJECT, name, changes);
	console.log(`Wrote ${file} and listed ${className}. Review it, then: npm run docs && npm test`);
	return 0;
}

main().then(
	(exitCode) => {
		process.exitCode = exitCode;
	},
	(error: unknown) => {
		console.error(error instanceof Error ? error.message : error);
		process.exitCode = 1;
	},
);
