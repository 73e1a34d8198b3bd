import type { DataSource } from "typeorm";
import { openDataSource } from "./connection";
import { createTestDatabase, type TestDatabase } from "./database";

/** Gives a test a database of its own and a DataSource on it, and drops both. */
export async function withDatabase(
	work: (database: TestDatabase, dataSource: DataSource) => Promise<void>,
	options?: Parameters<typeof createTestDatabase>[0],
): Promise<void> {
	const database = await createTestDatabase(options);
	try {
		const dataSource = await openDataSource(database);
		try {
			await work(database, dataSource);
		} finally {
			await dataSource.destroy();
		}
	} finally {
		await database.drop();
	}
}
