import type { QueryRunner } from "typeorm";

/**
 * Makes the server end the session's transaction (on MySQL the session) after a minute without a statement. Otherwise its
 * locks would stay until the server notices that the application has vanished, which may take eight hours.
 */
const BOUND = [
	"SET SESSION",
	"/*M!100600 idle_transaction_timeout = IF(@@idle_transaction_timeout BETWEEN 1 AND 60, @@idle_transaction_timeout, 60) */",
	"/*!80000 wait_timeout = CAST(LEAST(@@wait_timeout, 60) AS UNSIGNED) */",
].join(" ");

/** One statement. */
export async function boundSession(session: QueryRunner): Promise<void> {
	await session.query(BOUND);
}
