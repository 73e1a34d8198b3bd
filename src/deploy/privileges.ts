import type { QueryRunner } from "typeorm";
import { MigrationError } from "../errors";

/** What a run sends needs these on the database. */
const RUN = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX", "REFERENCES"];

/** A revert may drop tables besides. */
const REVERT = [...RUN, "DROP"];

/** @throws MigrationError with the GRANT that is missing. One statement. */
export async function refuseMissingPrivileges(queryRunner: QueryRunner, work: "run" | "revert"): Promise<void> {
	const { missing, database, user } = await inspectPrivileges(queryRunner, work === "run" ? RUN : REVERT);
	if (!missing.length) return;
	throw new MigrationError(
		`${user} lacks ${missing.join(", ")} on ${database}; nothing was changed. ` +
			`As an administrator: GRANT ${missing.join(", ")} ON \`${database}\`.* TO ${user}`,
	);
}

export interface Privileges {
	readonly database: string;
	readonly user: string;
	/** Empty too where roles or grants on single tables leave it open: then the server decides. */
	readonly missing: readonly string[];
}

/** Reads what the session's user may do in its database: one statement. */
export async function inspectPrivileges(
	queryRunner: QueryRunner,
	required: readonly string[] = RUN,
): Promise<Privileges> {
	const rows = (await queryRunner.query("SHOW GRANTS")) as Record<string, string>[];
	const database = queryRunner.dataSource.driver.database ?? "";
	const user = Object.keys(rows[0] ?? {})[0]?.replace(/^Grants for (.*)@(.*)$/, "'$1'@'$2'") ?? "";
	const grants = rows.map((row) => Object.values(row)[0] ?? "");
	return { database, user, missing: missingPrivileges(grants, database, required) };
}

/** The required privileges that the grants of a user do not give on a database. */
export function missingPrivileges(grants: readonly string[], database: string, required: readonly string[]): string[] {
	const granted = new Set<string>();
	for (const grant of grants) {
		const [, privileges, scope] = /^GRANT (.+?) ON (.+?) TO /.exec(grant) ?? [];
		// A role may give anything, and so may a grant on a single table.
		if (!privileges || !scope) return [];
		if (isOtherScope(scope)) continue;
		if (scope === "*.*" || matches(scope, database)) {
			for (const privilege of privileges.split(", ")) granted.add(privilege.replace(/ PRIVILEGES$/, ""));
		} else if (!scope.endsWith(".*") && scope.startsWith(`\`${database}\`.`)) {
			return [];
		}
	}
	return granted.has("ALL") ? [] : required.filter((privilege) => !granted.has(privilege));
}

/** PROXY grants name an account, others a routine. */
function isOtherScope(scope: string): boolean {
	return scope.includes("@") || /^(FUNCTION|PROCEDURE|PACKAGE)/.test(scope);
}

/** In the database's place of a grant `_` and `%` are wildcards, unless escaped. */
function matches(scope: string, database: string): boolean {
	const [, pattern] = /^`(.+)`\.\*$/.exec(scope) ?? [];
	if (!pattern) return false;
	const source = pattern
		.replaceAll("``", "`")
		.replace(/\\([_%])|[_%]|[.*+?^${}()|[\]\\]/g, (found, escaped: string | undefined) => {
			if (escaped) return escaped;
			if (found === "_") return ".";
			return found === "%" ? ".*" : `\\${found}`;
		});
	return new RegExp(`^${source}$`, "i").test(database);
}
