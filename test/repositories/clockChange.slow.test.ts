import assert from "node:assert/strict";
import { test } from "node:test";
import { DataSource } from "typeorm";
import { createDataSource, entities, migrate } from "../../src";
import { addUsers, createTestDatabase } from "../../testing/database";
import { onPrivateServer } from "../support/privateServer";
import { repositoriesOf, STARTED } from "./context";

/** In Berlin, clocks showed 02:30 twice that night, an hour apart. */
const TWICE = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"];
/** An hour before clocks went from 02:00 to 03:00. */
const BEFORE_SPRING = "2026-03-29T00:30:00Z";

/** Works on a server in Berlin, through an application's DataSource whose sessions are in its zone. */
async function inBerlin(work: (host: DataSource, userId: number) => Promise<void>): Promise<void> {
	const zone = process.env["TZ"];
	process.env["TZ"] = "Europe/Berlin";
	try {
		await onPrivateServer([], async () => {
			const database = await createTestDatabase();
			const [userId = 0] = await addUsers(database, "berliner");
			const { host, port, username, password, name } = database;
			const own = await createDataSource({ host, port, username, password, database: name }).initialize();
			await migrate(own);
			const type = own.options.type as "mysql";
			await own.destroy();
			const application = new DataSource({ type, url: database.url, entities, poolSize: 1 });
			await application.initialize();
			try {
				await work(application, userId);
			} finally {
				await application.destroy();
				await database.drop();
			}
		});
	} finally {
		if (zone === undefined) delete process.env["TZ"];
		else process.env["TZ"] = zone;
	}
}

test("instants are right in the hour that comes twice, and across the one that never comes", () =>
	inBerlin(async (host, userId) => {
		const [zone] = await host.query<{ zone: string }[]>("SELECT CAST(FROM_UNIXTIME(1782864000) AS CHAR(13)) AS zone");
		assert.equal(zone?.zone, "2026-07-01 02");
		const { workspaces, previews, ports, limits } = repositoriesOf(host);
		await limits.setOwn(userId, { maxWorkspaces: 100, maxPreviewsPerWorkspace: 100, defaultPreviewLifetimeHours: 2 });
		const at = (instant: string) => host.query(`SET SESSION timestamp = ${Date.parse(instant) / 1000}`);
		for (const instant of [...TWICE, BEFORE_SPRING]) {
			await at(instant);
			const hour = 3_600_000;
			const now = Date.parse(instant);
			const id = await workspaces.createWithinLimit({ userId, projectName: instant, idleTimeoutMinutes: 30 });
			await ports.claimForWorkspace(id);
			await workspaces.markRunning(id, STARTED);
			const { startedAt, lastActivity } = (await workspaces.findById(id)) ?? {};
			assert.deepEqual([startedAt?.getTime(), lastActivity?.getTime()], [now, now], instant);
			const preview = await previews.createWithinLimit({ workspaceId: id, userId, previewHash: instant });
			assert.equal((await previews.findById(preview))?.expiresAt.getTime(), now + 2 * hour, instant);
			assert.equal((await previews.extendBy(preview, { hours: 1 })).getTime(), now + 3 * hour);
			for (const expiry of TWICE) {
				await previews.extendExpiry(preview, new Date(expiry));
				assert.deepEqual((await previews.findById(preview))?.expiresAt, new Date(expiry));
				assert.deepEqual(await previews.extendBy(preview, { hours: 1 }), new Date(Date.parse(expiry) + hour));
			}
			await previews.extendExpiry(preview, new Date(now + hour));
			assert.equal((await previews.findById(preview))?.expiresAt.getTime(), now + hour, instant);
			assert.deepEqual(await previews.listExpired(), []);
			assert.equal(await previews.beginExpiry(preview), false);
			await at(new Date(now + 29 * 60_000).toISOString());
			assert.deepEqual(await workspaces.listIdle(), []);
			await at(new Date(now + 31 * 60_000).toISOString());
			assert.equal((await workspaces.listIdle()).length, 1, instant);
			await at(new Date(now + hour + 1000).toISOString());
			assert.equal((await previews.listExpired()).length, 1, instant);
			assert.equal(await previews.beginExpiry(preview), true);
			await workspaces.deleteById(id);
		}
	}));
