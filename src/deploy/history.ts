import { type DataSource, Migration, type MigrationInterface, type QueryRunner } from "typeorm";
import { ForeignHistoryError, MigrationError, RefusedOperationError, WorkspacesError } from "../errors";
import { ERROR, hasNumber, messageOf } from "../mysql/errorNumbers";
import { NO_LIMIT } from "../mysql/session";
import { quote } from "../schema/ddl";
import { write } from "../schema/execute";
import { createMetadata } from "../schema/ownership";
import { refuseMissingPrivileges } from "./privileges";

/** Follows the name of a migration in TypeORM's table while it is reverted: it counts as pending from then on. */
const HALF_REVERTED = " (half reverted)";

/** A row of TypeORM's table. */
export interface HistoryRow {
	readonly id: number;
	/** The migration's name, without the mark of one that is half reverted. */
	readonly name: string;
	readonly isHalfReverted: boolean;
}

/** TypeORM's table of the migrations that were run, as it is written in a statement. */
export function historyTable({ options }: DataSource): string {
	return quote(options.migrationsTableName ?? "migrations");
}

/**
 * What was run, in that order; nothing before the first run. One statement, where TypeORM sends three.
 *
 * @throws ForeignHistoryError where the table is another program's, MissingPrivilegesError where it may not be read
 */
export async function readHistory(queryRunner: QueryRunner): Promise<HistoryRow[]> {
	const table = historyTable(queryRunner.dataSource);
	try {
		// With a limit of its own, the answer is not cut by the session's.
		const sql = `SELECT id, timestamp, name FROM ${table} ORDER BY id LIMIT ${NO_LIMIT}`;
		const rows = (await queryRunner.query(sql)) as { id: number; name: string }[];
		return rows.map(({ id, name }) => ({
			id,
			name: name.replace(HALF_REVERTED, ""),
			isHalfReverted: name.endsWith(HALF_REVERTED),
		}));
	} catch (error) {
		if (hasNumber(error, ERROR.NO_SUCH_TABLE)) return [];
		if (hasNumber(error, ERROR.BAD_FIELD_ERROR)) throw new ForeignHistoryError(table, { cause: error });
		// Without SELECT on the database the server does not say whether the table is there.
		if (hasNumber(error, ERROR.TABLEACCESS_DENIED_ERROR)) await refuseMissingPrivileges(queryRunner, "run");
		throw error;
	}
}

/** When each migration of the history was run, by its name; empty where TypeORM made the table, which does not say. */
export async function readAppliedAt(queryRunner: QueryRunner): Promise<Map<string, Date>> {
	const sql = `SELECT name, UNIX_TIMESTAMP(applied_at) AS seconds FROM ${historyTable(queryRunner.dataSource)} LIMIT ${NO_LIMIT}`;
	try {
		const rows = (await queryRunner.query(sql)) as { name: string; seconds: unknown }[];
		const known = rows.filter(({ seconds }) => seconds !== null);
		return new Map(known.map(({ name, seconds }) => [name, new Date(Number(seconds) * 1000)]));
	} catch (error) {
		if (hasNumber(error, ERROR.NO_SUCH_TABLE, ERROR.BAD_FIELD_ERROR)) return new Map();
		throw error;
	}
}

/** A migration's name in the history. */
export function nameOf(migration: MigrationInterface): string {
	return migration.name ?? migration.constructor.name;
}

/** The migrations of a DataSource in the order in which TypeORM runs them: that of the timestamps in their names. */
export function knownMigrations({ migrations }: DataSource): Migration[] {
	const all = migrations.map((instance) => {
		const name = nameOf(instance);
		return new Migration(undefined, Number(name.slice(-13)), name, instance);
	});
	return all.sort((one, other) => one.timestamp - other.timestamp);
}

/** The migrations that were not run, or that were half reverted. */
export function pendingAfter(dataSource: DataSource, history: readonly HistoryRow[]): Migration[] {
	const done = new Set(history.filter((row) => !row.isHalfReverted).map((row) => row.name));
	return knownMigrations(dataSource).filter(({ name }) => !done.has(name));
}

/** The migration of a row. @throws RefusedOperationError where this release has none. */
export function migrationOf(dataSource: DataSource, { id, name }: HistoryRow): Migration {
	const known = knownMigrations(dataSource).find((candidate) => candidate.name === name);
	if (!known) throw new RefusedOperationError(`${name} is not in this release: revert it with the one that ran it`);
	return new Migration(id, known.timestamp, name, known.instance);
}

/**
 * Before a run: makes the tables of notes, as TypeORM does, and removes the rows of migrations that are run again.
 *
 * @throws MigrationError where the server does not let it
 */
export async function prepareHistory(queryRunner: QueryRunner, history: readonly HistoryRow[]): Promise<void> {
	try {
		await makeHistory(queryRunner, history);
	} catch (error) {
		if (error instanceof WorkspacesError) throw error;
		const reason = messageOf(error);
		throw new MigrationError(`nothing was changed: the history of migrations cannot be written: ${reason}`, {
			cause: error,
		});
	}
}

async function makeHistory(queryRunner: QueryRunner, history: readonly HistoryRow[]): Promise<void> {
	const table = historyTable(queryRunner.dataSource);
	if (!history.length) {
		await write(
			queryRunner,
			`CREATE TABLE IF NOT EXISTS ${table} (\`id\` int NOT NULL AUTO_INCREMENT, \`timestamp\` bigint NOT NULL, ` +
				"`name` varchar(255) NOT NULL, `applied_at` timestamp NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (`id`)) ENGINE=InnoDB",
		);
		await createMetadata(queryRunner);
	}
	const half = history.filter((row) => row.isHalfReverted).map(({ id }) => id);
	if (half.length) await write(queryRunner, `DELETE FROM ${table} WHERE id IN (${half.join(", ")})`);
}

export async function recordRun(queryRunner: QueryRunner, { name, timestamp }: Migration): Promise<void> {
	const table = historyTable(queryRunner.dataSource);
	await write(queryRunner, `INSERT INTO ${table} (timestamp, name) VALUES (?, ?)`, [timestamp, name]);
}

/** Marks a migration before it is reverted: where that is interrupted, either command goes on with it. */
export async function markHalfReverted(queryRunner: QueryRunner, { id, name }: HistoryRow): Promise<void> {
	await rename(queryRunner, id, name + HALF_REVERTED);
}

export async function unmarkHalfReverted(queryRunner: QueryRunner, { id, name }: HistoryRow): Promise<void> {
	await rename(queryRunner, id, name);
}

async function rename(queryRunner: QueryRunner, id: number, name: string): Promise<void> {
	const table = historyTable(queryRunner.dataSource);
	await write(queryRunner, `UPDATE ${table} SET name = ? WHERE id = ?`, [name, id]);
}

export async function recordRevert(queryRunner: QueryRunner, { id }: HistoryRow): Promise<void> {
	await write(queryRunner, `DELETE FROM ${historyTable(queryRunner.dataSource)} WHERE id = ?`, [id]);
}
