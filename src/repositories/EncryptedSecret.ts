import { Confidential } from "../entities/confidential";

/**
 * A secret as the dashboard encrypted it: AES-256-GCM. No JSON, log or template shows it, and no copy has it.
 *
 * @example
 * const secret = await db.apiKeys.findKey(userId, "anthropic");
 * console.log(secret);                                            // EncryptedSecret {}
 * const key = secret && decrypt(secret.encrypted, secret.iv);
 */
export class EncryptedSecret extends Confidential {
	static override readonly entityName = "EncryptedSecret";
	static override readonly secrets = ["encrypted", "iv"];

	/** The ciphertext with its 16-byte tag, at most 512 bytes. */
	declare readonly encrypted: Buffer;
	/** 16 bytes. */
	declare readonly iv: Buffer;

	constructor(encrypted: Buffer, iv: Buffer) {
		super();
		Object.defineProperties(this, { encrypted: { value: encrypted }, iv: { value: iv } });
	}

	/**
	 * Of two columns that are NULL together; null where one is.
	 *
	 * @example
	 * const row = await dataSource.getRepository(UserApiKey).findOne({
	 *   select: { id: true, openaiKeyEncrypted: true, openaiKeyIv: true },
	 *   where: { userId },
	 * });
	 * const secret = EncryptedSecret.of(row?.openaiKeyEncrypted, row?.openaiKeyIv);
	 */
	static of(encrypted: Buffer | null | undefined, iv: Buffer | null | undefined): EncryptedSecret | null {
		return encrypted && iv ? new EncryptedSecret(encrypted, iv) : null;
	}
}
