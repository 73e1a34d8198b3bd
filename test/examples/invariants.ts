import assert from "node:assert/strict";
import type { TestDatabase } from "../../testing/database";
import type { Container } from "./application";

interface Row {
	readonly label: string;
	readonly status: string;
	readonly containerId: string | null;
	readonly port: number | null;
}

/** Statuses in which a row claims that its container runs; every other one that a row may rest in claims that none does. */
const RUNNING = "running";
const AT_REST = ["stopped", "error", "expired"];

async function rowsOf(database: TestDatabase): Promise<Row[]> {
	return database.rows<Row>(
		`SELECT CONCAT('workspace-', id) AS label, status, container_id AS containerId, assigned_port AS port FROM workspaces
		UNION ALL
		SELECT CONCAT('preview-', id), status, container_id, assigned_port FROM preview_environments`,
	);
}

/** What holds at every moment, whatever is going on. */
export async function assertExact(database: TestDatabase): Promise<void> {
	const ports = (await rowsOf(database)).flatMap(({ port, label }) => (port === null ? [] : [{ port, label }]));
	for (const { port, label } of ports) {
		const holders = ports.filter((other) => other.port === port);
		assert.equal(
			holders.length,
			1,
			`port ${port} of ${label} is held by ${holders.map((other) => other.label).join()}`,
		);
	}
	const beyond = await database.rows<{ what: string }>(
		`SELECT CONCAT(COUNT(*), ' workspaces of user ', user_id) AS what FROM workspaces GROUP BY user_id
			HAVING COUNT(*) > (SELECT max_workspaces FROM resource_limits WHERE user_id IS NULL)
		UNION ALL
		SELECT CONCAT(COUNT(*), ' previews of workspace ', workspace_id) FROM preview_environments
			WHERE status IN ('creating', 'running') GROUP BY workspace_id
			HAVING COUNT(*) > (SELECT max_previews_per_workspace FROM resource_limits WHERE user_id IS NULL)`,
	);
	assert.deepEqual(beyond, [], "limits are exceeded");
}

/** What holds where nothing is going on: each row says what Docker says. */
export async function assertTrue(database: TestDatabase, containers: ReadonlyMap<string, Container>): Promise<void> {
	await assertExact(database);
	const rows = await rowsOf(database);
	for (const { label, status, containerId, port } of rows) {
		const state = `${label} is ${status} on port ${port} in container ${containerId}`;
		const container = containers.get(containerId ?? "");
		if (status === RUNNING) assert.equal(container?.port, port ?? undefined, `${state}: no such container is there`);
		else {
			assert.ok(AT_REST.includes(status), `${state}: nothing ends that`);
			assert.equal(port, null, `${state}: nothing is on the port`);
		}
	}
	const known = new Set(rows.map(({ containerId }) => containerId));
	const strays = [...containers.values()].filter(
		({ id, label }) => /^(workspace|preview)-/.test(label) && !known.has(id),
	);
	assert.deepEqual(strays, [], "containers that no row knows");
}
