import { Confidential } from "../entities/confidential";

/** A secret as the dashboard encrypted it: AES-256-GCM. No JSON, log or template shows it. */
export class EncryptedSecret extends Confidential {
	static override readonly secrets = ["encrypted", "iv"];

	constructor(
		/** The ciphertext with its 16-byte tag, at most 512 bytes. */
		readonly encrypted: Buffer,
		/** 16 bytes. */
		readonly iv: Buffer,
	) {
		super();
	}

	/** Of two columns that are NULL together; null where one is. */
	static of(encrypted: Buffer | null | undefined, iv: Buffer | null | undefined): EncryptedSecret | null {
		return encrypted && iv ? new EncryptedSecret(encrypted, iv) : null;
	}
}
