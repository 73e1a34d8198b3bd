import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { createDataSource, entities, migrations, Workspace, WorkspaceRepository } from "dployr-workspaces-db";

const imported = await import("dployr-workspaces-db");
const required = createRequire(import.meta.url)("dployr-workspaces-db");
for (const name of Object.keys(required)) assert.equal(imported[name], required[name], name);
assert.equal(entities.length, 6);
assert.ok(migrations.length >= 4);

const dataSource = await createDataSource().initialize();
try {
	const { insertId: userId } = await dataSource.query(
		"INSERT INTO dashboard_users (username, password_hash, system_username) VALUES ('esm', 'x', 'esm')",
	);
	const workspaces = WorkspaceRepository.from(dataSource);
	const id = await workspaces.createWithinLimit({ userId, projectName: "from-esm" });
	assert.ok((await workspaces.findById(id)) instanceof required.Workspace);
	assert.ok((await dataSource.getRepository(Workspace).findOneByOrFail({ id })) instanceof Workspace);
	console.log(`workspace ${id} written and read`);
} finally {
	await dataSource.destroy();
}
