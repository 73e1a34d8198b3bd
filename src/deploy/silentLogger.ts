import type { DataSource } from "typeorm";

/** Keeps TypeORM's own lines about migrations off the log while `work` runs: the report says it better. */
export async function withSilentLogger<Result>(dataSource: DataSource, work: () => Promise<Result>): Promise<Result> {
	const { logger } = dataSource;
	const silent = { value: () => undefined };
	dataSource.logger = Object.create(logger, { logSchemaBuild: silent, logMigration: silent });
	try {
		return await work();
	} finally {
		dataSource.logger = logger;
	}
}
