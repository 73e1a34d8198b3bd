import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { DataSource } from "typeorm";
import type { WorkspacesDataSource } from "../../src/dataSource";
import { LossyChangeError } from "../../src/errors";
import type { WorkspacesDriver } from "../../src/typeorm/driver";
import type { CompareOptions } from "../../src/typeorm/schemaBuilder";
import { type Draft, draft } from "./draft";
import { nextTimestamp, register } from "./register";
import { renderMigration } from "./render";
import { readStatement } from "./statements";

export type GenerateOptions = Pick<CompareOptions, "renamed" | "allowDataLoss">;

/**
 * What separates the entities from a database that holds nothing but what the migrations made of it.
 *
 * @throws LossyChangeError where getting there would lose data, unless that is meant.
 */
export async function compareEntities(
	dataSource: WorkspacesDataSource,
	options: GenerateOptions = {},
): Promise<Draft | undefined> {
	const builder = (dataSource.driver as WorkspacesDriver).createSchemaBuilder({ ...options, isOwnDatabase: true });
	const { statements, losses } = await builder.compare();
	const { upQueries, downQueries } = statements;
	if (losses.length && !options.allowDataLoss) throw new LossyChangeError(losses);
	if (!upQueries.length) return undefined;
	const read = (queries: typeof upQueries) => queries.map(({ query }) => readStatement(query));
	return draft(dataSource as DataSource, read(upQueries), read(downQueries).reverse(), losses);
}

export interface Written {
	readonly file: string;
	readonly className: string;
}

/** Writes the migration into the project's folder, lists it, and lets the formatter lay both out. */
export function writeMigration(project: string, name: string, changes: Draft, now = Date.now()): Written {
	const folder = path.join(project, "src", "migrations");
	const index = path.join(folder, "index.ts");
	const list = readFileSync(index, "utf8");
	const timestamp = nextTimestamp(list, now);
	const className = `${name}${timestamp}`;
	const file = `${timestamp}-${name}.ts`;
	writeFileSync(path.join(folder, file), renderMigration(className, changes), { flag: "wx" });
	writeFileSync(index, register(list, file, className));
	const biome = path.join(project, "node_modules", "@biomejs", "biome", "bin", "biome");
	execFileSync(process.execPath, [biome, "check", "--write", "--reporter=summary", path.join(folder, file), index], {
		cwd: project,
		stdio: ["ignore", "ignore", "inherit"],
	});
	return { file: path.join("src", "migrations", file), className };
}
