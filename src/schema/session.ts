import type { QueryRunner } from "typeorm";
import { ERROR, hasNumber } from "../mysql/errorNumbers";
import { MIGRATING_VARIABLES, NO_LIMIT, variableSql } from "../mysql/session";
import { literal } from "./ddl";

const KEY = "dployr-workspaces-db:session";

/** The statements that set a session up and back; undefined where nothing differs. */
interface SetUp {
	readonly set: string | undefined;
	readonly restore: string | undefined;
}

/**
 * Does the work in a session that is set up for migrations, and sets it back: three statements, six where the session
 * limits the rows of an answer, and none where it is set up already.
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
		// The connection may be gone, and the settings with it; the first error is the one to throw.
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
	const different = Object.entries(MIGRATING_VARIABLES).flatMap(([name, wanted]) => {
		const value = found.get(name);
		return value === undefined || isSame(value, wanted) ? [] : [{ name, value, wanted }];
	});
	const assign = (values: readonly (readonly [name: string, value: string])[]) =>
		values.length
			? `SET SESSION ${values.map(([name, value]) => `${name} = ${variableSql(value)}`).join(", ")}`
			: undefined;
	return {
		set: assign(different.map(({ name, wanted }) => [name, wanted])),
		restore: assign(different.map(({ name, value }) => [name, value])),
	};
}

/**
 * Each variable that this server has. Limits of the session's refuse this question, or cut its answer: then they are
 * lifted first.
 */
async function readVariables(queryRunner: QueryRunner): Promise<ReadonlyMap<string, string>> {
	const names = Object.keys(MIGRATING_VARIABLES);
	const read = async () => {
		const sql = `SHOW SESSION VARIABLES WHERE Variable_name IN (${names.map(literal).join(", ")})`;
		const rows = (await queryRunner.query(sql)) as { Variable_name: string; Value: string }[];
		// Servers differ in the case of the names.
		return new Map(rows.map(({ Variable_name: name, Value: value }) => [name.toLowerCase(), value]));
	};
	const found = await read().catch((error: unknown) => {
		if (!hasNumber(error, ERROR.TOO_BIG_SELECT)) throw error;
		return new Map<string, string>();
	});
	if (Number(found.get("sql_select_limit") ?? 0) >= names.length) return found;
	const [limits] = (await queryRunner.query(
		"SELECT @@SESSION.sql_select_limit AS sql_select_limit, IF(@@SESSION.sql_big_selects, 'ON', 'OFF') AS sql_big_selects",
	)) as Record<string, string>[];
	await send(queryRunner, `SET SESSION sql_select_limit = ${NO_LIMIT}, sql_big_selects = ON`);
	return new Map([
		...(await read()),
		...Object.entries(limits ?? {}).map(([name, value]) => [name, `${value}`] as const),
	]);
}

function isSame(found: string, wanted: string): boolean {
	if (/^\d/.test(wanted)) return Number(found) === Number(wanted);
	return found === wanted;
}
