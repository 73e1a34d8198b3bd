import type { DataSource } from "typeorm";
import { createTestDatabase, type TestDatabase } from "./database";
import { openPlainDataSource } from "./dataSource";

/** Gives a test a database of its own and a DataSource on it, and drops both. */
export async function withDatabase(
	work: (database: TestDatabase, dataSource: DataSource) => Promise<void>,
	options?: Parameters<typeof createTestDatabase>[0],
): Promise<void> {
	const database = await createTestDatabase(options);
	try {
		const dataSource = await openPlainDataSource(database);
		try {
			await work(database, dataSource);
		} finally {
			await dataSource.destroy();
		}
	} finally {
		await database.drop();
	}
}
