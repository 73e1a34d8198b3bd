import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { createDataSource, entities, migrations, Workspace } from "dployr-workspaces-db";

const imported = await import("dployr-workspaces-db");
const required = createRequire(import.meta.url)("dployr-workspaces-db");
for (const name of Object.keys(required)) assert.equal(imported[name], required[name], name);
assert.equal(entities.length, 6);
assert.ok(migrations.length >= 4);

const dataSource = await createDataSource().initialize();
try {
	const [{ userId } = {}] = await dataSource.query("SELECT MAX(id) AS userId FROM dashboard_users");
	const workspaces = dataSource.getRepository(Workspace);
	const { id } = await workspaces.save({ userId, projectName: "from-esm" });
	assert.ok((await workspaces.findOneByOrFail({ id })) instanceof required.Workspace);
	console.log(`workspace ${id} written and read`);
} finally {
	await dataSource.destroy();
}
