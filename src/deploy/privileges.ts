import type { QueryRunner } from "typeorm";
import { grantSql, MissingPrivilegesError } from "../errors";

/** What a run sends needs these on the database. */
const RUN = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX", "REFERENCES"];

/** A revert may drop tables besides, and locks what it counts the rows of. */
const REVERT = [...RUN, "DROP", "LOCK TABLES"];

/** Empty copies of tables, on which changes are tried. */
const COPIES = ["CREATE", "ALTER", "INDEX", "DROP"];

/**
 * Asks what the session's user may do: one statement.
 *
 * @throws MissingPrivilegesError with the GRANT that is missing
 */
export async function refuseMissingPrivileges(queryRunner: QueryRunner, work: "run" | "revert"): Promise<Privileges> {
	const privileges = await inspectPrivileges(queryRunner, work);
	const { missing, database, user } = privileges;
	if (missing.length) throw new MissingPrivilegesError(user, database, missing);
	return privileges;
}

export interface Privileges {
	readonly database: string;
	/** As the server writes it: `'name'@'host'`. */
	readonly user: string;
	/** Empty too where roles or grants on single tables leave it open: then the server decides. */
	readonly missing: readonly string[];
	/** Whether copies of tables may be made and removed again. */
	readonly canCopy: boolean;
	/** The privileges for copies that were not granted. A role may give them; roles are not asked. */
	readonly missingForCopies: readonly string[];
}

/** What the user lacks, with the GRANT: at most one problem. */
export function lacks({ user, database, missing }: Privileges): string[] {
	if (!missing.length) return [];
	return [
		`${user} lacks ${missing.join(", ")} on ${database}. As an administrator: ${grantSql(user, database, missing)}`,
	];
}

/** What is worth knowing where no copies may be made; undefined where they may. */
export function copiesNote({ user, database, missingForCopies: missing }: Privileges): string | undefined {
	if (!missing.length) return undefined;
	return (
		`no change is tried on an empty copy of its table first, since ${user} was not granted ${missing.join(", ")} on ` +
		`${database}: a step that the server refuses would end the run there. ` +
		`As an administrator: ${grantSql(user, database, missing)}`
	);
}

/** The account as information_schema writes it; a name may hold an @, a host may not. */
const GRANTEE =
	"CONCAT('''', SUBSTRING(CURRENT_USER(), 1, CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)) - 1), " +
	"'''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')";

/**
 * What the account was granted, globally and on the database, where `_` and `%` are wildcards as in LIKE. A grant on a
 * single table or a role in force stands as `?`: what it gives is not asked.
 */
const QUERY = `SELECT ${GRANTEE} AS user, DATABASE() AS name, PRIVILEGE_TYPE AS privilege
	FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = ${GRANTEE}
UNION SELECT ${GRANTEE}, DATABASE(), PRIVILEGE_TYPE
	FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE = ${GRANTEE} AND DATABASE() LIKE TABLE_SCHEMA
UNION SELECT ${GRANTEE}, DATABASE(), '?'
	FROM information_schema.TABLE_PRIVILEGES WHERE GRANTEE = ${GRANTEE} AND TABLE_SCHEMA = DATABASE()
UNION SELECT ${GRANTEE}, DATABASE(), '?' FROM DUAL WHERE COALESCE(CURRENT_ROLE(), 'NONE') <> 'NONE'`;

/** Asks what the session's user may do in its database: one statement. */
export async function inspectPrivileges(queryRunner: QueryRunner, work: "run" | "revert" = "run"): Promise<Privileges> {
	const rows = (await queryRunner.query(QUERY)) as { user: string; name: string; privilege: string }[];
	const granted = new Set(rows.map((row) => row.privilege));
	const required = work === "run" ? RUN : REVERT;
	const missingForCopies = COPIES.filter((privilege) => !granted.has(privilege));
	return {
		user: rows[0]?.user ?? "",
		database: rows[0]?.name ?? "",
		missing: granted.has("?") ? [] : required.filter((privilege) => !granted.has(privilege)),
		canCopy: !missingForCopies.length,
		missingForCopies,
	};
}
