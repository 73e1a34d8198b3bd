#!/usr/bin/env node
import { parseArgs } from "node:util";
import { createDataSource } from "../dataSource";
import { check, formatCheck, plan } from "../deploy";

const USAGE = `Usage: dployr-workspaces-db <command>

  plan           print the SQL that typeorm migration:run would execute on this database, and change nothing
  check [--json] say whether this database is up to date; exit code 1 when it is not

The connection comes from DB_HOST, DB_PORT, DB_USERNAME, DB_PASSWORD and DB_DATABASE, also in a .env file.`;

type DataSource = ReturnType<typeof createDataSource>;

async function printPlan(dataSource: DataSource): Promise<number> {
	const { migrations, statements } = await plan(dataSource);
	if (!migrations.length) {
		console.log("-- No migrations are pending");
		return 0;
	}
	console.log(`-- ${migrations.length} pending: ${migrations.join(", ")}`);
	for (const statement of statements) console.log(`${statement};`);
	return 0;
}

async function printCheck(dataSource: DataSource, json: boolean): Promise<number> {
	const result = await check(dataSource);
	console.log(json ? JSON.stringify(result, null, 2) : formatCheck(result));
	return result.ok ? 0 : 1;
}

async function main(): Promise<number> {
	const { values, positionals } = parseArgs({
		allowPositionals: true,
		options: { json: { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false } },
	});
	const [command] = positionals;
	if (values.help || positionals.length !== 1 || (command !== "plan" && command !== "check")) {
		console.error(USAGE);
		return values.help ? 0 : 2;
	}
	const dataSource = createDataSource();
	await dataSource.initialize();
	try {
		return await (command === "plan" ? printPlan(dataSource) : printCheck(dataSource, values.json));
	} finally {
		await dataSource.destroy();
	}
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
