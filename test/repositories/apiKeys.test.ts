import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { API_KEY_PROVIDERS, type ApiKeyProvider, EncryptedSecret } from "../../src";
import { addUsers } from "../../testing/database";
import { type Context, openContext } from "./context";

let context: Context;

async function addUser(): Promise<number> {
	const [user = 0] = await addUsers(context.database, randomBytes(8).toString("hex"));
	return user;
}

describe("API keys", () => {
	before(async () => {
		context = await openContext();
	});
	after(() => context.close());

	for (const provider of API_KEY_PROVIDERS) {
		test(`${provider}: set, replaced, read, tested for and cleared`, async () => {
			const { keys } = context;
			const user = await addUser();
			assert.equal(await keys.findKey(user, provider), null);
			assert.equal(await keys.hasKey(user, provider), false);
			assert.equal(await keys.clearKey(user, provider), false);
			for (const [encrypted, iv] of [
				[Buffer.from([0, 255, 39, 92, 10, 26]), randomBytes(16)],
				[randomBytes(512), Buffer.alloc(16)],
			] as const) {
				await keys.setKey(user, provider, encrypted, iv);
				assert.deepEqual(await keys.findKey(user, provider), new EncryptedSecret(encrypted, iv));
				assert.equal(await keys.hasKey(user, provider), true);
			}
			assert.equal(await keys.clearKey(user, provider), true);
			assert.equal(await keys.clearKey(user, provider), false);
			assert.equal(await keys.findKey(user, provider), null);
			assert.equal(await keys.hasKey(user, provider), false);
		});
	}

	test("one provider's key is nothing to the other's, nor to another user's", async () => {
		const { keys } = context;
		const [user, other] = [await addUser(), await addUser()];
		const [a, b, c] = [randomBytes(40), randomBytes(40), randomBytes(40)];
		const iv = randomBytes(16);
		await keys.setKey(user, "anthropic", a, iv);
		await keys.setKey(user, "openai", b, iv);
		await keys.setKey(other, "openai", c, iv);
		assert.equal(await keys.clearKey(user, "openai"), true);
		assert.deepEqual((await keys.findKey(user, "anthropic"))?.encrypted, a);
		assert.deepEqual((await keys.findKey(other, "openai"))?.encrypted, c);
	});

	test("an unknown provider is refused by every method", async () => {
		const { keys, ada } = context;
		for (const name of ["mistral", "", undefined, "constructor", "__proto__"]) {
			const provider = name as ApiKeyProvider;
			const error = { code: "UNKNOWN_PROVIDER", name: "UnknownProviderError" };
			await assert.rejects(keys.setKey(ada, provider, Buffer.alloc(1), Buffer.alloc(16)), error);
			await assert.rejects(keys.findKey(ada, provider), error);
			await assert.rejects(keys.hasKey(ada, provider), error);
			await assert.rejects(keys.clearKey(ada, provider), error);
		}
	});

	test("a key that does not fit or is none is refused, and so is one of nobody", async () => {
		const { keys, ada } = context;
		const [key, iv] = [Buffer.alloc(20), Buffer.alloc(16)];
		const rejects = (encrypted: unknown, usedIv: unknown, error: object) =>
			assert.rejects(keys.setKey(ada, "openai", encrypted as Buffer, usedIv as Buffer), error);
		await rejects(Buffer.alloc(513), iv, {
			code: "VALUE_TOO_LONG",
			property: "openaiKeyEncrypted",
			maximum: 512,
			unit: "bytes",
		});
		await rejects(key, Buffer.alloc(17), { code: "VALUE_TOO_LONG", property: "openaiKeyIv", maximum: 16 });
		for (const none of [null, undefined, "text", [1]]) {
			await rejects(none, iv, { code: "INVALID_VALUE", property: "openaiKeyEncrypted" });
			await rejects(key, none, { code: "INVALID_VALUE", property: "openaiKeyIv" });
		}
		assert.equal(await keys.hasKey(ada, "openai"), false);
		await assert.rejects(keys.setKey(999_999, "openai", key, iv), { code: "NOT_FOUND", entity: "DashboardUser" });
	});
});
