import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from "typeorm";
import { Confidential } from "./confidential";
import { DashboardUser } from "./DashboardUser";

/**
 * A user's keys for AI providers, encrypted by the dashboard (AES-256-GCM: ciphertext with its 16-byte tag, and a
 * 16-byte IV). At most one row a user. No blob and no IV is selected by default.
 *
 * @example
 * const row = await dataSource.getRepository(UserApiKey).findOneBy({ userId });
 * console.log(row?.updatedAt, row?.openaiKeyEncrypted);   // when, and undefined: select it by name
 */
@Entity("user_api_keys")
// One row a user: `findKey`, `hasKey`, `clearKey`.
@Index("user_id", ["userId"], { unique: true })
export class UserApiKey extends Confidential {
	static override readonly entityName = "UserApiKey";
	static override readonly secrets = ["anthropicKeyEncrypted", "anthropicKeyIv", "openaiKeyEncrypted", "openaiKeyIv"];

	/** Identifies the row. */
	@PrimaryGeneratedColumn({ type: "int" })
	id!: number;

	/** The owner; at most one row a user. */
	@Column({ name: "user_id", type: "int" })
	userId!: number;

	/** The owner; present when the relation was loaded. Many-to-one, since one-to-one would add a second unique index. */
	@ManyToOne(() => DashboardUser, { nullable: false, onDelete: "CASCADE", onUpdate: "RESTRICT" })
	@JoinColumn({ name: "user_id", foreignKeyConstraintName: "user_api_keys_ibfk_1" })
	user?: DashboardUser;

	/** The Anthropic key, ciphertext with its tag. */
	@Column({ name: "anthropic_key_encrypted", type: "varbinary", length: 512, nullable: true, select: false })
	anthropicKeyEncrypted!: Buffer | null;

	/** The IV of the Anthropic key, 16 bytes. */
	@Column({ name: "anthropic_key_iv", type: "varbinary", length: 16, nullable: true, select: false })
	anthropicKeyIv!: Buffer | null;

	/** The OpenAI key, ciphertext with its tag. */
	@Column({ name: "openai_key_encrypted", type: "varbinary", length: 512, nullable: true, select: false })
	openaiKeyEncrypted!: Buffer | null;

	/** The IV of the OpenAI key, 16 bytes. */
	@Column({ name: "openai_key_iv", type: "varbinary", length: 16, nullable: true, select: false })
	openaiKeyIv!: Buffer | null;

	/** When the row was made. */
	@Column({ name: "created_at", type: "timestamp", nullable: true, default: () => "CURRENT_TIMESTAMP" })
	createdAt!: Date | null;

	/** When the row was last changed; set by the server. */
	@Column({
		name: "updated_at",
		type: "timestamp",
		nullable: true,
		default: () => "CURRENT_TIMESTAMP",
		onUpdate: "CURRENT_TIMESTAMP",
	})
	updatedAt!: Date | null;
}
