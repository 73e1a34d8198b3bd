import { createDataSource, type DataSourceSettings, type WorkspacesDataSource } from "../../src";
import type { TestDatabase } from "./database";

/** The settings that lead to a test's database; every line that would be printed goes to `lines`. */
export function settingsOf(database: TestDatabase, lines: string[] = []): DataSourceSettings {
	const { host, port, username, password, name } = database;
	return { host, port, username, password, database: name, connectTimeout: 0, log: (line) => lines.push(line) };
}

/** The module's own DataSource on a test's database, connected. */
export function openDataSource(
	database: TestDatabase,
	settings: DataSourceSettings = {},
): Promise<WorkspacesDataSource> {
	return createDataSource({ ...settingsOf(database), ...settings }).initialize();
}

/** Connects, works, and disconnects whatever happens. */
export async function withDataSource<Result>(
	database: TestDatabase,
	settings: DataSourceSettings,
	work: (dataSource: WorkspacesDataSource) => Promise<Result>,
): Promise<Result> {
	const dataSource = await openDataSource(database, settings);
	try {
		return await work(dataSource);
	} finally {
		await dataSource.destroy();
	}
}
