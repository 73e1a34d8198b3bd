import { Repository } from "typeorm";
import { UserApiKey } from "../entities";
import { UnknownProviderError } from "../errors";
import { EncryptedSecret } from "./EncryptedSecret";
import { managerOf, type RepositoryClass, type RepositorySource } from "./source";
import { change, execute, select, selectRows } from "./sql";
import { orUpdate, upsert } from "./upsert";

/**
 * The providers whose keys are stored.
 *
 * @example
 * const provider = API_KEY_PROVIDERS.find((name) => name === req.params.provider);
 * if (!provider) return res.status(404).end();
 */
export const API_KEY_PROVIDERS = ["anthropic", "openai"] as const;
/** A provider whose keys are stored. */
export type ApiKeyProvider = (typeof API_KEY_PROVIDERS)[number];

/** One provider's statements touch no column of another's. */
function statementsFor<const Provider extends ApiKeyProvider>(provider: Provider) {
	const encrypted = `${provider}KeyEncrypted` as const;
	const iv = `${provider}KeyIv` as const;
	const [key, vector] = [`${provider}_key_encrypted`, `${provider}_key_iv`] as const;
	const values = [
		{ column: key, value: `:${encrypted}` },
		{ column: vector, value: `:${iv}` },
	];
	return {
		encrypted,
		iv,
		insert: change(
			UserApiKey,
			`INSERT INTO user_api_keys (user_id, ${key}, ${vector}) VALUES (:userId, :${encrypted}, :${iv}) ${orUpdate("user_api_keys", values)}` as string,
		),
		update: change(
			UserApiKey,
			`UPDATE user_api_keys SET ${key} = :${encrypted}, ${vector} = :${iv}
			WHERE user_id = :userId AND LAST_INSERT_ID(id) > 0` as string,
		),
		find: select(UserApiKey, { columns: [encrypted, iv], where: "user_id = :userId" }),
		has: selectRows<{ present: unknown }, UserApiKey>(UserApiKey)(
			`SELECT 1 AS present FROM user_api_keys WHERE user_id = :userId AND ${key} IS NOT NULL AND ${vector} IS NOT NULL`,
		),
		clear: change(
			UserApiKey,
			`UPDATE user_api_keys SET ${key} = NULL, ${vector} = NULL
			WHERE user_id = :userId AND (${key} IS NOT NULL OR ${vector} IS NOT NULL)`,
		),
	};
}

const STATEMENTS = { anthropic: statementsFor("anthropic"), openai: statementsFor("openai") };

/**
 * Users' keys for AI providers, as the dashboard encrypted them. Every method takes one provider and throws
 * UnknownProviderError for any but `anthropic` and `openai`.
 *
 * @example
 * const apiKeys = UserApiKeyRepository.from(dataSource);
 * const key = await apiKeys.findKey(userId, "anthropic");
 */
export class UserApiKeyRepository extends Repository<UserApiKey> {
	/**
	 * On a DataSource, or in a transaction by its manager.
	 *
	 * @example
	 * const hasKey = await UserApiKeyRepository.from(dataSource).hasKey(userId, "openai");
	 */
	static from<Result extends UserApiKeyRepository>(
		this: RepositoryClass<typeof UserApiKey, Result>,
		source: RepositorySource,
	): Result {
		return new this(UserApiKey, managerOf(source));
	}

	/**
	 * Sets the key, whether there was one or not; the other provider's stays. 1 statement.
	 *
	 * @param encrypted at most 512 bytes
	 * @param iv at most 16 bytes
	 * @throws UnknownProviderError, ValueTooLongError, InvalidValueError, NotFoundError (of the user),
	 * IdsExhaustedError
	 *
	 * @example
	 * const { encrypted, iv } = encrypt(req.body.key ?? "");
	 * await db.apiKeys.setKey(req.user.id, "anthropic", encrypted, iv);
	 */
	async setKey(userId: number, provider: ApiKeyProvider, encrypted: Buffer, iv: Buffer): Promise<void> {
		const statements = statementsOf(provider);
		const values = { userId, [statements.encrypted]: encrypted, [statements.iv]: iv };
		const { insert, update } = statements;
		await upsert(
			UserApiKey.entityName,
			() => execute(this, insert, values),
			() => execute(this, update, values),
		);
	}

	/**
	 * The key, or null. 1 statement.
	 *
	 * @example
	 * const secret = await db.apiKeys.findKey(userId, "anthropic");
	 * const environment = secret ? { ANTHROPIC_API_KEY: decrypt(secret.encrypted, secret.iv) } : {};
	 */
	async findKey(userId: number, provider: ApiKeyProvider): Promise<EncryptedSecret | null> {
		const statements = statementsOf(provider);
		const [row] = await execute(this, statements.find, { userId });
		return EncryptedSecret.of(row?.[statements.encrypted], row?.[statements.iv]);
	}

	/**
	 * Whether there is a key; reads none. 1 statement.
	 *
	 * @example
	 * const [anthropic, openai] = await Promise.all(API_KEY_PROVIDERS.map((name) => db.apiKeys.hasKey(userId, name)));
	 * res.render("settings", { saved: { anthropic, openai } });
	 */
	async hasKey(userId: number, provider: ApiKeyProvider): Promise<boolean> {
		const found = await execute(this, statementsOf(provider).has, { userId });
		return found.length > 0;
	}

	/**
	 * Removes the key and returns whether there was one; the other provider's stays. 1 statement.
	 *
	 * @example
	 * const hadOne = await db.apiKeys.clearKey(req.user.id, "openai");
	 * res.status(hadOne ? 204 : 404).end();
	 */
	async clearKey(userId: number, provider: ApiKeyProvider): Promise<boolean> {
		const { affected } = await execute(this, statementsOf(provider).clear, { userId });
		return affected > 0;
	}
}

function statementsOf(provider: ApiKeyProvider) {
	if (!API_KEY_PROVIDERS.includes(provider)) throw new UnknownProviderError(API_KEY_PROVIDERS);
	return STATEMENTS[provider];
}
