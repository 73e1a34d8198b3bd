import type { Migration, MigrationExecutor, QueryRunner } from "typeorm";
import { migrations } from "../migrations";
import { withShortLockWait } from "../migrations/schema/execute";

/**
 * Runs the pending migrations. Where all are the module's, the session is set up once: what a host's own migration waits
 * for is its own affair.
 */
export async function executePending(
	queryRunner: QueryRunner,
	executor: MigrationExecutor,
	pending: readonly Migration[],
): Promise<Migration[]> {
	const execute = () => executor.executePendingMigrations();
	const isOwn = ({ instance }: Migration) => migrations.some((own) => instance instanceof own);
	return pending.every(isOwn) ? withShortLockWait(queryRunner, execute) : execute();
}
