const express = require("express");
const { ensureSchema } = require("./database");
const { compareWithDocker } = require("./lifecycle");
const { answerErrors, regularJobs, routes } = require("./routes");
const { db, pool } = require("./store");

const RETRY_MS = Number(process.env.RETRY_MS ?? 5_000);
const JOBS_MS = 5 * 60_000;

/** Why workspaces cannot be touched yet; undefined when they can. */
let missing = "the dashboard has just started";
let stopped = false;

// recipe: boot
/** Tries until it works: what is missing, or a refused migration, does not take the dashboard down. */
async function boot() {
	try {
		await ensureSchema(pool);
		await db.migrate();
		await compareWithDocker();
		missing = undefined;
		console.log("Workspaces are ready");
	} catch (error) {
		missing = error.message;
		console.error(`Workspaces are not ready: ${missing}`);
		if (!stopped) setTimeout(boot, RETRY_MS).unref();
	}
}
// end of the recipe

function refuseUntilReady(_req, res, next) {
	if (missing === undefined) return next();
	return res.status(503).json({ error: `Workspaces are not available: ${missing}` });
}

/** Stands for the dashboard's sessions: a real application never believes a header. */
async function authenticate(req, res, next) {
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
}

async function runJobs() {
	if (missing !== undefined) return;
	for (const job of regularJobs) await job().catch((error) => console.error(error.message));
}

const app = express();
app.get("/", (_req, res) => res.send("The dashboard"));
app.use(express.json(), refuseUntilReady, authenticate, routes(), answerErrors);

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
	console.log(`The dashboard listens on http://127.0.0.1:${server.address().port}`);
});
const booted = boot();
setInterval(runJobs, JOBS_MS).unref();

// recipe: shut down
async function shutDown() {
	stopped = true;
	await new Promise((done) => {
		server.close(done);
		server.closeIdleConnections();
	});
	// Workspaces run on, as their rows say; the next start compares them with Docker.
	await booted;
	await db.close();
	await pool.end();
}
// end of the recipe

for (const signal of ["SIGINT", "SIGTERM"]) {
	process.once(signal, () => {
		shutDown().catch((error) => {
			console.error(`Error: ${error.message}`);
			process.exit(1);
		});
	});
}
