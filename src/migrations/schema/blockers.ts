import type { QueryRunner } from "typeorm";

interface Session {
	id: number | string;
	user: string;
	host: string | null;
	seconds: number | string | null;
}

/** Sessions that hold a metadata lock on the table; needs rights on performance_schema, MySQL only. */
const HOLDERS = (
	table: string,
) => `SELECT t.PROCESSLIST_ID AS id, t.PROCESSLIST_USER AS user, t.PROCESSLIST_HOST AS host,
		t.PROCESSLIST_TIME AS seconds
	FROM performance_schema.metadata_locks l JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID
	WHERE l.OBJECT_SCHEMA = DATABASE() AND l.OBJECT_NAME = '${table}' AND l.LOCK_STATUS = 'GRANTED'
		AND t.PROCESSLIST_ID <> CONNECTION_ID() LIMIT 5`;

/** Sessions with an open transaction; needs PROCESS. */
const TRANSACTIONS = `SELECT p.ID AS id, p.USER AS user, p.HOST AS host,
		TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS seconds
	FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
	WHERE p.ID <> CONNECTION_ID() AND p.DB = DATABASE() ORDER BY t.trx_started LIMIT 5`;

/** What everybody may see: the other sessions of the same user in this database. */
const SESSIONS = `SELECT ID AS id, USER AS user, HOST AS host, TIME AS seconds FROM information_schema.PROCESSLIST
	WHERE ID <> CONNECTION_ID() AND DB = DATABASE() ORDER BY TIME DESC LIMIT 5`;

/** Names the sessions that may hold a table, as far as this user may see them: up to three statements. */
export async function blockers(queryRunner: QueryRunner, table: string): Promise<string> {
	const looks = [
		["held by", HOLDERS(table)],
		["open transactions in this database:", TRANSACTIONS],
		["other sessions in this database:", SESSIONS],
	] as const;
	for (const [words, sql] of looks) {
		const sessions = (await queryRunner.query(sql).catch(() => [])) as Session[];
		if (sessions.length) return `${words} ${sessions.map(describeSession).join(", ")}`;
	}
	return "the session that holds it is not visible to this user";
}

export function describeSession({ id, user, host, seconds }: Session): string {
	return `session ${id} (${user}@${(host ?? "?").replace(/:\d+$/, "")}, for ${seconds ?? "?"} s)`;
}
