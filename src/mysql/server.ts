import { ConnectionError } from "../errors";

/** The server that answers, as TypeORM must know it. */
export interface ServerIdentity {
	readonly type: "mariadb" | "mysql";
	/** Digits and dots only. */
	readonly version: string;
	/** Whether it keeps the names of databases and tables in lower case (`lower_case_table_names = 1`). */
	readonly hasLowerCaseNames: boolean;
}

/** One statement that asks what the server is. */
export const SERVER_QUERY =
	"SELECT VERSION() AS version, @@version_comment AS comment, @@lower_case_table_names AS lowerCaseNames";

/** Its answer. */
export interface ServerRow {
	readonly version: string;
	readonly comment: string;
	readonly lowerCaseNames: number | string;
}

/** What foreign keys without a name, INSTANT changes and generated columns were measured to need. */
const OLDEST = { mariadb: "10.6", mysql: "8.0" } as const;
const NAMES = { mariadb: "MariaDB", mysql: "MySQL" } as const;

/** Servers that speak the protocol and call themselves MySQL, without being one where it matters here. */
const OTHERS = /tidb|vitess|oceanbase|singlestore|memsql|dolt|starrocks|doris|clickhouse/i;

/** @throws ConnectionError where this package does not support the server. */
export function identify({ version, comment, lowerCaseNames }: ServerRow): ServerIdentity {
	const other = OTHERS.exec(`${version} ${comment}`)?.[0];
	if (other) throw unsupported(`${other} (${version})`);
	const type = /mariadb/i.test(version) ? "mariadb" : "mysql";
	const digits = /^\d+\.\d+(\.\d+)?/.exec(version.replace(/^5\.5\.5-/, ""))?.[0];
	if (!digits || isBelow(digits, OLDEST[type])) throw unsupported(`${NAMES[type]} ${digits ?? version}`);
	return { type, version: digits, hasLowerCaseNames: Number(lowerCaseNames) === 1 };
}

function unsupported(name: string): ConnectionError {
	return new ConnectionError(
		`The server is ${name}, which is not supported: use MariaDB ${OLDEST.mariadb} or MySQL ${OLDEST.mysql}, or a later one`,
	);
}

function isBelow(version: string, oldest: string): boolean {
	const [major = 0, minor = 0] = version.split(".").map(Number);
	const [oldestMajor = 0, oldestMinor = 0] = oldest.split(".").map(Number);
	return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}
