const { Router } = require("express");
const { WorkspacesError } = require("dployr-workspaces-db");
const { startContainer, stopContainer } = require("./containers");

const HTTP_STATUS = {
	LIMIT_REACHED: 409,
	ALREADY_EXISTS: 409,
	INVALID_TRANSITION: 409,
	NOT_FOUND: 404,
	NO_FREE_PORT: 503,
};

/** Express 4 does not look at the promise that a handler returns. */
const handled = (handler) => (req, res, next) => handler(req, res).catch(next);

/** Workspaces of the user in `req.user`, and the limits for administrators. */
function workspaceRoutes({ workspaces, ports, limits, log }) {
	const router = Router();

	const record = ({ id, projectName }, user, action, details) =>
		log.append({ workspaceId: id, userId: user.id, projectName, action, details });

	router.param("id", (req, res, next, id) => {
		workspaces
			.findById(Number(id))
			.then((workspace) => {
				if (workspace?.userId !== req.user.id) return res.status(404).json({ error: "No such workspace" });
				req.workspace = workspace;
				return next();
			})
			.catch(next);
	});

	router.get(
		"/workspaces",
		handled(async (req, res) => {
			res.json(await workspaces.listByUser(req.user.id));
		}),
	);

	router.post(
		"/workspaces",
		handled(async (req, res) => {
			const id = await workspaces.createWithinLimit({ userId: req.user.id, projectName: req.body.projectName });
			const workspace = await workspaces.findById(id);
			await record(workspace, req.user, "create");
			res.status(201).json(workspace);
		}),
	);

	router.post(
		"/workspaces/:id/start",
		handled(async (req, res) => {
			const { workspace, user } = req;
			const port = await ports.claimForWorkspace(workspace.id);
			try {
				await workspaces.markRunning(workspace.id, await startContainer(workspace, port));
			} catch (error) {
				await workspaces.markFailed(workspace.id, error.message);
				await record(workspace, user, "error", { message: error.message });
				throw error;
			}
			await record(workspace, user, "start", { port });
			res.json({ port });
		}),
	);

	router.post(
		"/workspaces/:id/stop",
		handled(async (req, res) => {
			const { workspace, user } = req;
			// One that a shutdown of the dashboard left stopping is stopped from there.
			if (workspace.status !== "stopping") await workspaces.setStatus(workspace.id, "stopping");
			await stopContainer(workspace);
			await workspaces.markStopped(workspace.id);
			await record(workspace, user, "stop");
			res.status(204).end();
		}),
	);

	router.post(
		"/workspaces/:id/heartbeat",
		handled(async (req, res) => {
			await workspaces.heartbeat(req.workspace.id, req.user.id);
			res.status(204).end();
		}),
	);

	router.get(
		"/workspaces/:id/log",
		handled(async (req, res) => {
			const { before, limit } = req.query;
			const page = { before: before && Number(before), limit: limit && Number(limit) };
			res.json(await log.pageOfWorkspace(req.workspace.id, page));
		}),
	);

	router.use("/admin", (req, res, next) => {
		if (!req.user.is_admin) return res.status(403).json({ error: "For administrators only" });
		return next();
	});

	router.get(
		"/admin/limits",
		handled(async (_req, res) => {
			res.json(await limits.findGlobal());
		}),
	);

	router.put(
		"/admin/limits",
		handled(async (req, res) => {
			await limits.setGlobal(req.body);
			res.json(await limits.findGlobal());
		}),
	);

	router
		.route("/admin/limits/:userId")
		.get(
			handled(async (req, res) => {
				res.json(await limits.findEffective(Number(req.params.userId)));
			}),
		)
		.put(
			handled(async (req, res) => {
				await limits.setOwn(Number(req.params.userId), req.body);
				res.json(await limits.findEffective(Number(req.params.userId)));
			}),
		)
		.delete(
			handled(async (req, res) => {
				await limits.removeOwn(Number(req.params.userId));
				res.status(204).end();
			}),
		);

	router.use((error, _req, res, next) => {
		if (!(error instanceof WorkspacesError)) return next(error);
		return res.status(HTTP_STATUS[error.code] ?? 400).json({ code: error.code, error: error.message });
	});

	return router;
}

module.exports = { workspaceRoutes };
