import type { DataSource } from "typeorm";
import { copiesNote, inspectPrivileges, lacks } from "../deploy/privileges";
import { isClusterNode } from "../mysql/cluster";
import { VARIABLES } from "./serverVariables";

/** What a server says of itself, each in words. */
export interface ServerFacts {
	readonly server: string;
	readonly tls: string;
	readonly privileges: string;
	readonly cluster: string;
	readonly clock: string;
	/** Server variables that matter to a run, by name: those that this server has. */
	readonly variables: Readonly<Record<string, string>>;
	/** What a run would fail or be refused for. */
	readonly problems: readonly string[];
	readonly remarks: readonly string[];
}

/** Seconds by which the clocks of server and machine may differ before it is remarked on. */
const SKEW = 2;

/** Asks the server of a connected DataSource: six statements, none of which changes anything. */
export async function examineServer(dataSource: DataSource): Promise<ServerFacts> {
	const queryRunner = dataSource.createQueryRunner();
	try {
		const rows: Rows = (sql) => queryRunner.query(sql);
		const [version] = await rows("SELECT VERSION() AS version, @@version_comment AS comment");
		const names = Object.keys(VARIABLES).map((name) => `'${name}'`);
		const variables = await pairs(rows, `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names.join(", ")})`);
		const ssl = await pairs(rows, "SHOW SESSION STATUS LIKE 'Ssl\\_%'");
		const wsrep = await pairs(rows, "SHOW GLOBAL STATUS LIKE 'wsrep\\_%'");
		const granted = await inspectPrivileges(queryRunner);
		const { database, user } = granted;
		const note = copiesNote(granted);
		const clock = await compareClocks(rows);
		const missing = lacks(granted);
		const found = findings(variables);
		return {
			server: `${version?.["version"] ?? ""} ${version?.["comment"] ?? ""}`.trim(),
			tls: ssl.get("ssl_cipher") ? `${ssl.get("ssl_version")}, ${ssl.get("ssl_cipher")}` : "none",
			privileges: missing[0] ?? `${user} has what a migration needs on ${database}`,
			cluster: clusterText(wsrep),
			clock: clock.text,
			variables: Object.fromEntries(variables),
			problems: [...missing, ...found.problems],
			remarks: [...(note ? [note] : []), ...clock.remarks, ...found.remarks],
		};
	} finally {
		await queryRunner.release();
	}
}

/** Servers differ in the case of the names. */
async function pairs(rows: Rows, sql: string): Promise<Map<string, string>> {
	const found = await rows(sql);
	return new Map(found.map((row) => [(row["Variable_name"] ?? "").toLowerCase(), row["Value"] ?? ""]));
}

function findings(variables: ReadonlyMap<string, string>) {
	const found = Object.entries(VARIABLES).flatMap(([name, examine]) => {
		const value = variables.get(name);
		const finding = value === undefined ? undefined : examine(value);
		return finding ? [{ ...finding, text: `${name} is ${value}: ${finding.text}` }] : [];
	});
	const texts = (isProblem: boolean) => found.filter((one) => one.isProblem === isProblem).map(({ text }) => text);
	return { problems: texts(true), remarks: texts(false) };
}

type Rows = (sql: string) => Promise<Record<string, string>[]>;

async function compareClocks(rows: Rows): Promise<{ readonly text: string; readonly remarks: string[] }> {
	const sent = Date.now();
	const [row] = await rows("SELECT UNIX_TIMESTAMP(NOW(3)) AS now");
	const difference = Number(row?.["now"]) - (sent + Date.now()) / 2000;
	const shown = Math.abs(difference).toFixed(1);
	if (Math.abs(difference) <= SKEW) return { text: `within ${SKEW} s of this machine's`, remarks: [] };
	const text = `${shown} s ${difference > 0 ? "ahead of" : "behind"} this machine's`;
	return { text, remarks: [`the server's clock is ${text}: expiries count by the server's clock`] };
}

function clusterText(wsrep: ReadonlyMap<string, string>): string {
	if (!isClusterNode(wsrep.get("wsrep_provider_name"))) return "not a node of a Galera cluster";
	const size = wsrep.get("wsrep_cluster_size");
	return `Galera, ${size} node${size === "1" ? "" : "s"}, ${wsrep.get("wsrep_cluster_status")}, ${wsrep.get("wsrep_local_state_comment")}`;
}
