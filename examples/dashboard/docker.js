const { randomBytes } = require("node:crypto");
const { request } = require("node:http");

/** Docker's API, as far as this dashboard needs it. */

/** Docker does not answer, or refuses. */
class DockerError extends Error {}

function call(method, path, body) {
	const socketPath = process.env.DOCKER_SOCKET ?? "docker.sock";
	return new Promise((done, fail) => {
		const sent = request({ socketPath, method, path, agent: false }, async (response) => {
			const text = Buffer.concat(await response.toArray()).toString();
			done({ status: response.statusCode, body: text ? JSON.parse(text) : undefined });
		});
		sent.on("error", (error) => fail(new DockerError(`Docker does not answer: ${error.message}`)));
		sent.end(body && JSON.stringify(body));
	});
}

function expected(answer, ...statuses) {
	if (statuses.includes(answer.status)) return answer.body;
	throw new DockerError(`Docker refuses: ${answer.body?.message ?? answer.status}`);
}

/** Every container of this dashboard: `{ id, name, label, port }`. */
async function list() {
	return expected(await call("GET", "/containers"), 200);
}

/** A name that no container had before, so that nobody takes one container for another. */
function newName(label) {
	return `${label}-${randomBytes(4).toString("hex")}`;
}

/** Starts a container, which binds the port. */
async function run({ name, label, port }) {
	return expected(await call("POST", "/containers", { name, label, port }), 201);
}

/** Removes a container by its id or name; that it is not there is fine, too. */
async function remove(idOrName) {
	expected(await call("DELETE", `/containers/${idOrName}`), 204, 404);
}

/** Removes every container with a label. */
async function removeLabelled(label) {
	for (const container of await list()) if (container.label === label) await remove(container.id);
}

module.exports = { DockerError, list, newName, remove, removeLabelled, run };
