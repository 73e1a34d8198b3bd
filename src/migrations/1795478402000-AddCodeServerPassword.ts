import type { MigrationInterface, QueryRunner } from "typeorm";
import { converge, dropColumns, nullable, type TableShape } from "../schema";

const TABLE = "workspaces";

const SHAPE: TableShape = {
	name: TABLE,
	columns: [
		nullable("code_server_password_encrypted", "varbinary(512)"),
		nullable("code_server_password_iv", "varbinary(16)"),
	],
	indexes: [],
	foreignKeys: [],
};

/** Adds the columns for the encrypted password of a workspace's code-server. */
export class AddCodeServerPassword1795478402000 implements MigrationInterface {
	readonly name = "AddCodeServerPassword1795478402000";

	async up(queryRunner: QueryRunner): Promise<void> {
		await converge(queryRunner, [SHAPE], { create: false });
	}

	/** Drops the columns of a table that this module made; in the dashboard's own table they are the dashboard's. */
	async down(queryRunner: QueryRunner): Promise<void> {
		const values = "code-server password(s)";
		// safety-assured: this module made the columns, and they are empty unless that was allowed
		await dropColumns(queryRunner, { table: TABLE, columns: SHAPE.columns, values });
	}
}
