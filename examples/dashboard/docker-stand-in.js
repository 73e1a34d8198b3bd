const { randomBytes } = require("node:crypto");
const { createServer } = require("node:http");

/**
 * Stands for Docker: a server on a Unix socket whose containers outlive the dashboard, as Docker's do. It refuses a
 * second container on a port, and knows which workspace or preview a container belongs to by its label.
 *
 * @param around what a test does around each call; it gets the call and what carries it out
 */
function createStandIn(around = (_call, perform) => perform()) {
	/** By id: `{ id, name, label, port }`. */
	const containers = new Map();

	const operations = {
		GET: () => ({ status: 200, body: [...containers.values()] }),
		POST(_id, { name, label, port }) {
			const taken = [...containers.values()].find((other) => other.port === port || other.name === name);
			if (taken) return { status: 409, body: { message: `${taken.name} is there already, on port ${taken.port}` } };
			const container = { id: randomBytes(32).toString("hex"), name, label, port };
			containers.set(container.id, container);
			return { status: 201, body: container };
		},
		DELETE(idOrName) {
			const found = [...containers.values()].find(({ id, name }) => id === idOrName || name === idOrName);
			return { status: found && containers.delete(found.id) ? 204 : 404 };
		},
	};

	const server = createServer(async (request, response) => {
		const chunks = await request.toArray();
		const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined;
		const id = request.url.split("/")[2];
		const call = { method: request.method, id, body };
		try {
			const answer = await around(call, async () => operations[request.method](id, body));
			response.writeHead(answer.status).end(answer.body && JSON.stringify(answer.body));
		} catch (error) {
			response.writeHead(500).end(JSON.stringify({ message: error.message }));
		}
	});
	return { server, containers };
}

module.exports = { createStandIn };

if (require.main === module) {
	const socket = process.env.DOCKER_SOCKET ?? "docker.sock";
	createStandIn().server.listen(socket, () => console.log(`Docker's stand-in listens on ${socket}`));
}
