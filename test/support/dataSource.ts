import { DataSource, type Logger } from "typeorm";
import { entities } from "../../src/entities";
import { migrations } from "../../src/migrations";
import type { TestDatabase } from "./database";

/** A host's own plain TypeORM DataSource with this module's entities and migrations in it. */
export async function openPlainDataSource(database: TestDatabase): Promise<DataSource> {
	const [{ version }] = (await database.rows("SELECT VERSION() AS version")) as [{ version: string }];
	const dataSource = new DataSource({
		type: /mariadb/i.test(version) ? "mariadb" : "mysql",
		url: database.url,
		timezone: "Z",
		entities,
		migrations,
		migrationsTransactionMode: "none",
		logger: silentLogger,
	});
	return dataSource.initialize();
}

const nothing = () => undefined;

const silentLogger: Logger = {
	logQuery: nothing,
	logQueryError: nothing,
	logQuerySlow: nothing,
	logSchemaBuild: nothing,
	logMigration: nothing,
	log: nothing,
};
