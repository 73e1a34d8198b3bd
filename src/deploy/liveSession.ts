import type { PoolConnection } from "mysql2";
import { QueryFailedError, type QueryRunner } from "typeorm";
import { serverFailure } from "../mysql/failure";
import { withoutSecrets } from "../mysql/redact";
import { WorkspacesDriver } from "../typeorm/driver";
import type { Mysql2 } from "../typeorm/internals";
import { startLiveness } from "../typeorm/liveness";
import { connectionOptionsOf } from "./sideConnection";

/** Milliseconds, as DB_ANSWER_TIMEOUT has it by default for the connections of this package's own DataSource. */
const ANSWER_TIMEOUT = 10_000;

/**
 * Does the work in a session that is given up where its server goes silent, and fails with an error of this package
 * where the session or the server is lost. The pool of this package's own DataSource does both by itself.
 */
export async function withLiveSession<Result>(queryRunner: QueryRunner, work: () => Promise<Result>): Promise<Result> {
	const { dataSource } = queryRunner;
	if (dataSource.driver instanceof WorkspacesDriver) return work();
	const { mysql } = dataSource.driver as unknown as { readonly mysql: Mysql2 };
	const connection: PoolConnection = await queryRunner.connect();
	const options = connectionOptionsOf(dataSource);
	const liveness = startLiveness({
		mysql2: mysql,
		connection: options,
		answerTimeout: ANSWER_TIMEOUT,
		onLost: () => undefined,
	});
	liveness.watch(connection);
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof QueryFailedError)) throw error;
		throw serverFailure(withoutSecrets(error.driverError)) ?? error;
	} finally {
		liveness.stop();
	}
}
