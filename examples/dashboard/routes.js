const { Router } = require("express");
const { WorkspacesError } = require("dployr-workspaces-db");
const { DockerError } = require("./docker");
const lifecycle = require("./lifecycle");
const { db } = require("./store");

const HTTP_STATUS = {
	LIMIT_REACHED: 409,
	ALREADY_EXISTS: 409,
	INVALID_TRANSITION: 409,
	NOT_FOUND: 404,
	NO_FREE_PORT: 503,
	CONNECTION_FAILED: 503,
};

/** Express 4 does not look at the promise that a handler returns. */
const handled = (handler) => (req, res, next) => handler(req, res).catch(next);

/** Puts the user's own row into `req[name]`, or answers that there is none. */
const owned = (name, find) => (req, res, next, id) => {
	find(Number(id))
		.then((row) => {
			if (row?.userId !== req.user.id) return res.status(404).json({ error: `No such ${name}` });
			req[name] = row;
			return next();
		})
		.catch(next);
};

const record = ({ id, projectName }, user, action, details) =>
	db.logs.append({ workspaceId: id, userId: user.id, projectName, action, details });

function workspaceRoutes(router) {
	router.param(
		"id",
		owned("workspace", (id) => db.workspaces.findById(id)),
	);
	router.get(
		"/workspaces",
		handled(async (req, res) => res.json(await db.workspaces.listByUser(req.user.id))),
	);
	router.post(
		"/workspaces",
		handled(async (req, res) => {
			const id = await db.workspaces.createWithinLimit({ userId: req.user.id, projectName: req.body.projectName });
			const workspace = await db.workspaces.findById(id);
			// The user may be deleted between two statements, and the workspace with them.
			if (!workspace) return res.status(404).json({ error: "No such workspace" });
			await record(workspace, req.user, "create");
			return res.status(201).json(workspace);
		}),
	);
}

function workspaceActionRoutes(router) {
	router.post(
		"/workspaces/:id/start",
		handled(async ({ workspace, user }, res) => {
			let port;
			try {
				port = await lifecycle.startWorkspace(workspace.id);
			} catch (error) {
				const isRefused = error instanceof WorkspacesError;
				if (!isRefused) await record(workspace, user, "error", { message: error.message });
				throw error;
			}
			await record(workspace, user, "start", { port });
			res.json({ port });
		}),
	);
	router.post(
		"/workspaces/:id/stop",
		handled(async ({ workspace, user }, res) => {
			await lifecycle.stopWorkspace(workspace.id);
			await record(workspace, user, "stop");
			res.status(204).end();
		}),
	);
	router.delete(
		"/workspaces/:id",
		handled(async ({ workspace, user }, res) => {
			await lifecycle.deleteWorkspace(workspace.id);
			await db.logs.append({ userId: user.id, projectName: workspace.projectName, action: "delete" });
			res.status(204).end();
		}),
	);
	router.post(
		"/workspaces/:id/heartbeat",
		handled(async (req, res) => {
			await db.workspaces.heartbeat(req.workspace.id, req.user.id);
			res.status(204).end();
		}),
	);
	router.get(
		"/workspaces/:id/log",
		handled(async (req, res) => {
			const { before, limit } = req.query;
			const page = { before: before && Number(before), limit: limit && Number(limit) };
			res.json(await db.logs.pageOfWorkspace(req.workspace.id, page));
		}),
	);
}

function previewRoutes(router) {
	router.param(
		"preview",
		owned("preview", (id) => db.previews.findById(id)),
	);
	router.get(
		"/workspaces/:id/previews",
		handled(async (req, res) => {
			res.json(await db.previews.listByWorkspaceAndUser(req.workspace.id, req.user.id));
		}),
	);
	router.post(
		"/workspaces/:id/previews",
		handled(async ({ workspace, user }, res) => {
			const id = await lifecycle.createPreview(workspace);
			await record(workspace, user, "preview_create");
			const preview = await db.previews.findById(id);
			if (!preview) return res.status(404).json({ error: "No such preview" });
			return res.status(201).json(preview);
		}),
	);
	router.post(
		"/previews/:preview/extend",
		handled(async ({ preview, body }, res) => {
			res.json({ expiresAt: await db.previews.extendBy(preview.id, { hours: body.hours }) });
		}),
	);
	router.delete(
		"/previews/:preview",
		handled(async ({ preview, user }, res) => {
			await lifecycle.deletePreview(preview.id);
			await record({ id: preview.workspaceId, projectName: preview.projectName }, user, "preview_delete");
			res.status(204).end();
		}),
	);
}

function adminRoutes(router) {
	router.use("/admin", (req, res, next) => {
		if (!req.user.is_admin) return res.status(403).json({ error: "For administrators only" });
		return next();
	});
	router.get(
		"/admin/limits",
		handled(async (_req, res) => res.json(await db.limits.findGlobal())),
	);
	router.put(
		"/admin/limits",
		handled(async (req, res) => {
			await db.limits.setGlobal(req.body);
			res.json(await db.limits.findGlobal());
		}),
	);
	router
		.route("/admin/limits/:userId")
		.get(handled(async (req, res) => res.json(await db.limits.findEffective(Number(req.params.userId)))))
		.put(
			handled(async (req, res) => {
				await db.limits.setOwn(Number(req.params.userId), req.body);
				res.json(await db.limits.findEffective(Number(req.params.userId)));
			}),
		)
		.delete(
			handled(async (req, res) => {
				await db.limits.removeOwn(Number(req.params.userId));
				res.status(204).end();
			}),
		);
	router.post(
		"/admin/jobs/:job",
		handled(async (req, res) => {
			if (!Object.hasOwn(jobs, req.params.job)) return res.status(404).json({ error: "No such job" });
			await jobs[req.params.job]();
			return res.status(204).end();
		}),
	);
}

/** What the dashboard does every five minutes. */
const regularJobs = [lifecycle.stopIdleWorkspaces, lifecycle.expirePreviews, lifecycle.finishInterrupted];

/** What an administrator may ask for. Nothing else should be going on while rows are compared with Docker. */
const jobs = {
	idle: lifecycle.stopIdleWorkspaces,
	expire: lifecycle.expirePreviews,
	finish: lifecycle.finishInterrupted,
	compare: lifecycle.compareWithDocker,
};

/** Answers with what the error says; Express knows it by its four parameters. */
function answerErrors(error, _req, res, next) {
	if (error instanceof DockerError) return res.status(502).json({ error: error.message });
	if (!(error instanceof WorkspacesError)) return next(error);
	return res.status(HTTP_STATUS[error.code] ?? 400).json({ code: error.code, error: error.message });
}

function routes() {
	const router = Router();
	workspaceRoutes(router);
	workspaceActionRoutes(router);
	previewRoutes(router);
	adminRoutes(router);
	return router;
}

module.exports = { answerErrors, regularJobs, routes };
