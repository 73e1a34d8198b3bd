import type { QueryRunner } from "typeorm";
import { literal } from "./ddl";

/**
 * What a migrating session is set to, so that no default of the server or the account changes what a migration means.
 * Variables that a server does not have are left out. Sources:
 * https://dev.mysql.com/doc/refman/en/server-system-variables.html, https://mariadb.com/kb/en/server-system-variables/,
 * https://galeracluster.com/library/documentation/mysql-wsrep-options.html
 */
const WANTED: Readonly<Record<string, string>> = {
	// A statement that waits for a table makes every later query on it wait: it waits a second, and is sent again.
	lock_wait_timeout: "1",
	// Without it any ALTER gives the first TIMESTAMP that must not be NULL a default and ON UPDATE of its own.
	explicit_defaults_for_timestamp: "ON",
	sql_safe_updates: "OFF",
	sql_select_limit: "18446744073709551615",
	sql_auto_is_null: "OFF",
	sql_notes: "ON",
	sql_if_exists: "OFF",
	foreign_key_checks: "ON",
	unique_checks: "ON",
	check_constraint_checks: "ON",
	autocommit: "ON",
	max_statement_time: "0",
	max_execution_time: "0",
	transaction_read_only: "OFF",
	tx_read_only: "OFF",
	system_versioning_alter_history: "KEEP",
	wsrep_osu_method: "TOI",
	// What other nodes of a cluster committed is waited for.
	wsrep_sync_wait: "7",
	sql_mode: "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
};

const KEY = "dployr-workspaces-db:session";

/** The statements that set a session up and back; undefined where nothing differs. */
interface SetUp {
	readonly set: string | undefined;
	readonly restore: string | undefined;
}

/**
 * Does the work in a session that is set up for migrations, and sets it back: three statements, and none where this
 * session is set up already.
 */
export async function withMigrationSession<Result>(
	queryRunner: QueryRunner,
	work: () => Promise<Result>,
): Promise<Result> {
	if (queryRunner.data[KEY]) return work();
	const setUp = compareVariables(await readVariables(queryRunner));
	await send(queryRunner, setUp.set);
	queryRunner.data[KEY] = setUp;
	try {
		return await work();
	} finally {
		queryRunner.data[KEY] = undefined;
		// The connection may be gone, and the settings with it; the first error is the one to see.
		await send(queryRunner, setUp.restore).catch(() => undefined);
	}
}

/** Does the work in the session as it was before it was set up. */
export async function withoutMigrationSession<Result>(
	queryRunner: QueryRunner,
	work: () => Promise<Result>,
): Promise<Result> {
	const setUp = queryRunner.data[KEY] as SetUp | undefined;
	if (!setUp) return work();
	await send(queryRunner, setUp.restore);
	queryRunner.data[KEY] = undefined;
	try {
		return await work();
	} finally {
		queryRunner.data[KEY] = setUp;
		await send(queryRunner, setUp.set);
	}
}

async function send(queryRunner: QueryRunner, sql: string | undefined): Promise<void> {
	if (sql) await queryRunner.query(sql);
}

function compareVariables(found: ReadonlyMap<string, string>): SetUp {
	const different = Object.entries(WANTED).flatMap(([name, wanted]) => {
		const value = found.get(name);
		return value === undefined || isSame(value, wanted) ? [] : [{ name, value, wanted }];
	});
	const assign = (values: readonly (readonly [name: string, value: string])[]) =>
		values.length
			? `SET SESSION ${values.map(([name, value]) => `${name} = ${valueSql(value)}`).join(", ")}`
			: undefined;
	return {
		set: assign(different.map(({ name, wanted }) => [name, wanted])),
		restore: assign(different.map(({ name, value }) => [name, value])),
	};
}

async function readVariables(queryRunner: QueryRunner): Promise<ReadonlyMap<string, string>> {
	const names = Object.keys(WANTED).map(literal).join(", ");
	const rows = (await queryRunner.query(`SHOW SESSION VARIABLES WHERE Variable_name IN (${names})`)) as {
		Variable_name: string;
		Value: string;
	}[];
	return new Map(rows.map(({ Variable_name: name, Value: value }) => [name, value]));
}

function isSame(found: string, wanted: string): boolean {
	if (/^\d/.test(wanted)) return Number(found) === Number(wanted);
	return found === wanted;
}

function valueSql(value: string): string {
	return /^\d+(\.\d+)?$/.test(value) ? value : literal(value);
}
