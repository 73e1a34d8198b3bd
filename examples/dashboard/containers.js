const { createCipheriv, randomBytes } = require("node:crypto");

/** Stands for the dashboard's work with Docker: containers that start at once and hold nothing. */

const key = process.env.ENCRYPTION_KEY ? Buffer.from(process.env.ENCRYPTION_KEY, "hex") : randomBytes(32);

/** AES-256-GCM: the ciphertext followed by its tag of 16 bytes. */
function encrypt(secret) {
	const iv = randomBytes(16);
	const cipher = createCipheriv("aes-256-gcm", key, iv);
	return { encrypted: Buffer.concat([cipher.update(secret, "utf8"), cipher.final(), cipher.getAuthTag()]), iv };
}

async function startContainer(workspace) {
	const password = encrypt(randomBytes(12).toString("base64url"));
	return {
		containerId: randomBytes(32).toString("hex"),
		containerName: `workspace-${workspace.id}`,
		codeServerPasswordEncrypted: password.encrypted,
		codeServerPasswordIv: password.iv,
	};
}

async function stopContainer() {}

module.exports = { startContainer, stopContainer };
