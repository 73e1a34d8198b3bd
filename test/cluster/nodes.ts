import { createConnection } from "mysql2/promise";
import type { DataSource } from "typeorm";
import { readCluster } from "../../scripts/lib/cluster.mjs";
import type { DataSourceSettings, WorkspacesDataSource } from "../../src";
import type { TestDatabase } from "../../testing/database";
import { openDataSource } from "../../testing/dataSource";
import { stateOf } from "../support/snapshot";

/** The folder of the cluster that `npm run test:cluster` has formed. */
export function clusterFolder(): string {
	const folder = process.env["TEST_CLUSTER"];
	if (!folder) throw new Error("TEST_CLUSTER is not set: run these tests through `npm run test:cluster`");
	return folder;
}

/** A test's database as each node has it: the first one's is where it was made. */
export function onNodes(database: TestDatabase): [TestDatabase, TestDatabase, TestDatabase] {
	const { nodes } = readCluster(clusterFolder()) ?? { nodes: [] };
	const ports = nodes.map(({ port }) => port) as [number, number, number];
	const at = (port: number) => ({ ...database, port, url: database.url.replace(`:${database.port}/`, `:${port}/`) });
	return [at(ports[0]), at(ports[1]), at(ports[2])];
}

/** A DataSource on each node. */
export function openOnNodes(database: TestDatabase, settings?: DataSourceSettings): Promise<WorkspacesDataSource[]> {
	return Promise.all(onNodes(database).map((node) => openDataSource(node, settings)));
}

/** Waits until each node has what was committed on any of them. */
export async function untilApplied(dataSources: readonly DataSource[]): Promise<void> {
	for (const dataSource of dataSources) {
		await dataSource.query("SET STATEMENT wsrep_sync_wait = 7 FOR SELECT COUNT(*) FROM dashboard_users");
	}
}

/** What is in the database on each node, once it has all that was committed; each counts ids in steps of its own. */
export async function stateOnNodes(nodes: readonly TestDatabase[]): Promise<unknown[]> {
	const states: unknown[] = [];
	for (const node of nodes) {
		const connection = await createConnection({ uri: node.url, timezone: "Z" });
		try {
			await connection.query("SET time_zone = '+00:00', wsrep_sync_wait = 7");
			const rows = async <Row>(sql: string) => (await connection.query(sql))[0] as Row[];
			states.push(await stateOf({ ...node, connection, rows }, { sameIds: false }));
		} finally {
			connection.destroy();
		}
	}
	return states;
}
