const express = require("express");
const { createPool, ensureSchema } = require("./database");
const { workspaceRoutes } = require("./workspaces");

/** Stands for the dashboard's sessions: a real application never believes a header. */
const authenticate = (pool) => async (req, res, next) => {
	try {
		const [[user]] = await pool.query("SELECT id, username, is_admin FROM dashboard_users WHERE username = ?", [
			req.get("X-User") ?? "",
		]);
		if (!user) return res.status(401).json({ error: "Nobody is logged in" });
		req.user = user;
		return next();
	} catch (error) {
		return next(error);
	}
};

async function main() {
	const pool = createPool();
	const closers = [() => pool.end()];
	await ensureSchema(pool);

	const app = express();
	app.use(express.json(), authenticate(pool));

	// dployr-workspaces-db: begin
	const db = require("dployr-workspaces-db");

	const dataSource = await db.createDataSource().initialize();
	await dataSource.runMigrations();
	const workspaces = db.WorkspaceRepository.from(dataSource);
	const ports = db.PortRepository.from(dataSource);
	const limits = db.ResourceLimitRepository.from(dataSource);
	const log = db.WorkspaceLogRepository.from(dataSource);
	app.use(workspaceRoutes({ workspaces, ports, limits, log }));

	closers.push(async () => {
		await workspaces.markAllStopping();
		await dataSource.destroy();
	});
	// dployr-workspaces-db: end

	const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
		console.log(`The dashboard listens on http://127.0.0.1:${server.address().port}`);
	});

	const shutDown = async () => {
		await new Promise((done) => {
			server.close(done);
			server.closeIdleConnections();
		});
		for (const close of closers.reverse()) await close();
	};
	for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => shutDown().catch(fail));
}

function fail(error) {
	console.error(`Error: ${error.message}`);
	process.exit(1);
}

main().catch(fail);
