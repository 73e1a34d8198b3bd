import type { QueryRunner } from "typeorm";
import { redactSql } from "../mysql/redact";

interface Session {
	id: number | string;
	user: string;
	host: string | null;
	seconds: number | string | null;
	/** What it executes, as far as this user may see it; null where it executes nothing just now. */
	statement: string | null;
}

/** Sessions that a message names at most. */
const MOST = 5;

/** Sessions that hold a metadata lock on the table; needs rights on performance_schema, MySQL only. */
const HOLDERS = (
	table: string,
) => `SELECT t.PROCESSLIST_ID AS id, t.PROCESSLIST_USER AS user, t.PROCESSLIST_HOST AS host,
		t.PROCESSLIST_TIME AS seconds, t.PROCESSLIST_INFO AS statement
	FROM performance_schema.metadata_locks l JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID
	WHERE l.OBJECT_SCHEMA = DATABASE() AND l.OBJECT_NAME = '${table}' AND l.LOCK_STATUS = 'GRANTED'
		AND t.PROCESSLIST_ID <> CONNECTION_ID() LIMIT ${MOST}`;

/** Open transactions of all databases; needs PROCESS. */
const TRANSACTIONS = `SELECT trx_mysql_thread_id AS id, TIMESTAMPDIFF(SECOND, trx_started, NOW()) AS seconds
	FROM information_schema.INNODB_TRX ORDER BY trx_started`;

/** Names the sessions that may hold a table, as far as this user may see them: up to four statements. */
export async function blockers(queryRunner: QueryRunner, table: string): Promise<string> {
	const name = (words: string, sessions: readonly Session[]) =>
		`${words} ${sessions.slice(0, MOST).map(describeSession).join(", ")}`;
	const holders = await rowsOrNone<Session>(queryRunner, HOLDERS(table));
	if (holders.length) return name("held by", holders);
	const others = await otherSessions(queryRunner).catch(() => []);
	const transactions = await rowsOrNone<Pick<Session, "id" | "seconds">>(queryRunner, TRANSACTIONS);
	const open = transactions.flatMap(({ id, seconds }) =>
		others.filter((session) => Number(session.id) === Number(id)).map((session) => ({ ...session, seconds })),
	);
	if (open.length) return name("open transactions in this database:", open);
	if (others.length) return name("other sessions in this database:", others);
	return "the session that holds it is not visible to this user";
}

async function rowsOrNone<Row>(queryRunner: QueryRunner, sql: string): Promise<Row[]> {
	return (await queryRunner.query(sql).catch(() => [])) as Row[];
}

/** What everybody may see: the other sessions of the same user in this database, longest idle or busy first. */
async function otherSessions(queryRunner: QueryRunner): Promise<Session[]> {
	const [self] = (await queryRunner.query("SELECT CONNECTION_ID() AS id, DATABASE() AS name")) as {
		id: number | string;
		name: string;
	}[];
	const sessions = await visibleSessions(queryRunner);
	return sessions
		.filter((session) => session.database === self?.name && Number(session.id) !== Number(self?.id))
		.sort((one, other) => Number(other.seconds) - Number(one.seconds));
}

interface VisibleSession extends Session {
	readonly database: string | null;
}

/**
 * The sessions that this user may see: one statement. Not from MySQL's information_schema.PROCESSLIST, which fails
 * while any session of the server sends a character of four bytes.
 */
export async function visibleSessions(queryRunner: QueryRunner): Promise<VisibleSession[]> {
	const rows = (await queryRunner.query("SHOW PROCESSLIST")) as {
		Id: number | string;
		User: string;
		Host: string | null;
		db: string | null;
		Time: number | string | null;
		Info: string | null;
	}[];
	return rows.map(({ Id, User, Host, db, Time, Info }) => ({
		id: Id,
		user: User,
		host: Host,
		seconds: Time,
		database: db,
		statement: Info,
	}));
}

/** Characters of a statement that a message shows. */
const SHOWN = 100;

export function describeSession({ id, user, host, seconds, statement }: Session): string {
	const shown = redactSql(statement ?? "")
		.replaceAll(/\s+/g, " ")
		.trim();
	const cut = shown.length > SHOWN ? `${shown.slice(0, SHOWN)}…` : shown;
	const who = `${user}@${(host ?? "?").replace(/:\d+$/, "")}`;
	// MySQL gives a session that has just begun to wait -1.
	const time = seconds === null ? "?" : Math.max(0, Number(seconds));
	return `session ${id} (${who}, for ${time} s${cut && `: ${cut}`})`;
}
