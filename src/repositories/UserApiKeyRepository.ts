import { Repository } from "typeorm";
import { UserApiKey } from "../entities";
import { UnknownProviderError } from "../errors";
import { EncryptedSecret } from "./EncryptedSecret";
import { managerOf, type RepositorySource } from "./source";
import { rows, run, select, update, upsert } from "./sql";

/** The providers whose keys are kept. */
export const API_KEY_PROVIDERS = ["anthropic", "openai"] as const;
export type ApiKeyProvider = (typeof API_KEY_PROVIDERS)[number];

const COLUMNS = {
	anthropic: { encrypted: "anthropicKeyEncrypted", iv: "anthropicKeyIv" },
	openai: { encrypted: "openaiKeyEncrypted", iv: "openaiKeyIv" },
} as const;

/** One provider's statements touch no column of another's. */
function statementsFor(provider: ApiKeyProvider) {
	const { encrypted, iv } = COLUMNS[provider];
	const key = { [encrypted]: `:${encrypted}`, [iv]: `:${iv}` };
	return {
		encrypted,
		iv,
		set: upsert(UserApiKey, { userId: ":userId", ...key }, key),
		find: select(UserApiKey, { columns: [encrypted, iv], where: "userApiKey.userId = :userId" }),
		has: rows<{ present: unknown }>(UserApiKey, (dataSource) =>
			dataSource
				.createQueryBuilder(UserApiKey, "userApiKey")
				.select("1", "present")
				.where(`userApiKey.userId = :userId AND userApiKey.${encrypted} IS NOT NULL AND userApiKey.${iv} IS NOT NULL`)
				.getQuery(),
		),
		clear: update(
			UserApiKey,
			{ [encrypted]: "NULL", [iv]: "NULL" },
			`userId = :userId AND (${encrypted} IS NOT NULL OR ${iv} IS NOT NULL)`,
		),
	};
}

const STATEMENTS = { anthropic: statementsFor("anthropic"), openai: statementsFor("openai") };

/**
 * Users' keys for AI providers, as the dashboard encrypted them. Every method takes one provider and throws
 * UnknownProviderError for any but `anthropic` and `openai`.
 */
export class UserApiKeyRepository extends Repository<UserApiKey> {
	/** On a DataSource, or in a transaction by its manager. */
	static from(source: RepositorySource): UserApiKeyRepository {
		return new UserApiKeyRepository(UserApiKey, managerOf(source));
	}

	/**
	 * Sets the key, whether there was one or not; the other provider's stays. 1 statement.
	 *
	 * @param encrypted at most 512 bytes
	 * @param iv at most 16 bytes
	 * @throws UnknownProviderError, ValueTooLongError, InvalidValueError, NotFoundError (of the user)
	 */
	async setKey(userId: number, provider: ApiKeyProvider, encrypted: Buffer, iv: Buffer): Promise<void> {
		const statements = statementsOf(provider);
		await run(this, statements.set, { userId, [statements.encrypted]: encrypted, [statements.iv]: iv });
	}

	/** The key, or null. 1 statement. */
	async findKey(userId: number, provider: ApiKeyProvider): Promise<EncryptedSecret | null> {
		const statements = statementsOf(provider);
		const [row] = await run(this, statements.find, { userId });
		return EncryptedSecret.of(row?.[statements.encrypted], row?.[statements.iv]);
	}

	/** Whether there is a key; reads none. 1 statement. */
	async hasKey(userId: number, provider: ApiKeyProvider): Promise<boolean> {
		const found = await run(this, statementsOf(provider).has, { userId });
		return found.length > 0;
	}

	/** Removes the key and returns whether there was one; the other provider's stays. 1 statement. */
	async clearKey(userId: number, provider: ApiKeyProvider): Promise<boolean> {
		const { affected } = await run(this, statementsOf(provider).clear, { userId });
		return affected > 0;
	}
}

function statementsOf(provider: ApiKeyProvider) {
	if (!API_KEY_PROVIDERS.includes(provider)) throw new UnknownProviderError(API_KEY_PROVIDERS);
	return STATEMENTS[provider];
}
