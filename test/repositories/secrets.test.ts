import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { format, inspect } from "node:util";
import { DataSource, type Logger, type ObjectLiteral } from "typeorm";
import {
	EncryptedSecret,
	entities,
	NotMigratedError,
	PreviewEnvironment,
	UserApiKey,
	UserApiKeyRepository,
	Workspace,
	WorkspaceRepository,
} from "../../src";
import { addRunning, addUnlimitedUser, type Context, openContext, repositoriesOf, STARTED } from "./context";

let context: Context;

const SECRET = "s3cr3t";
const BLOB = Buffer.from(SECRET);
/** Every way in which a blob may be printed. */
const FORMS = [
	SECRET,
	BLOB.toString("hex"),
	BLOB.toString("base64"),
	[...BLOB].join(","),
	inspect(BLOB),
	"73 33 63 72",
];

function assertHidden(text: string): void {
	for (const form of FORMS) assert.ok(!text.toLowerCase().includes(form.toLowerCase()), text);
}

function assertNoSecret(error: unknown): void {
	assert.ok(error instanceof Error);
	const cause = error.cause as Error | undefined;
	for (const text of [
		error.message,
		error.stack,
		inspect(error, { depth: 9, showHidden: true }),
		JSON.stringify(error),
	]) {
		assertHidden(String(text));
	}
	if (cause) assertNoSecret(cause);
}

describe("secrets", () => {
	before(async () => {
		context = await openContext();
	});
	after(() => context.close());

	test("are exactly the columns that are not selected by default", () => {
		for (const entity of entities) {
			const { columns } = context.dataSource.getMetadata(entity);
			const hidden = columns.filter((column) => !column.isSelect && !column.generatedType);
			const { secrets = [] } = entity as { secrets?: readonly string[] };
			assert.deepEqual(
				secrets,
				hidden.map((column) => column.propertyName),
				entity.name,
			);
		}
	});

	test("of an entity are in no JSON, template or log, nor in those of an entity that it belongs to", async () => {
		const { workspaces, previews, keys } = context;
		const user = await addUnlimitedUser(context, "hidden");
		const id = await addRunning(context, user, "p");
		await previews.createWithinLimit({ workspaceId: id, userId: user, previewHash: "hidden", passwordHash: SECRET });
		await keys.setKey(user, "openai", BLOB, BLOB);
		await keys.setKey(user, "anthropic", BLOB, BLOB);
		await context.database.rows(
			"UPDATE workspaces SET code_server_password_encrypted = ?, code_server_password_iv = ? WHERE id = ?",
			[BLOB, BLOB, id],
		);
		const all = <Entity extends ObjectLiteral>(entity: new () => Entity) =>
			Object.fromEntries(
				context.dataSource.getMetadata(entity).columns.map(({ propertyName }) => [propertyName, true]),
			);
		const workspace = await workspaces.findOneOrFail({
			select: { ...all(Workspace), previews: all(PreviewEnvironment) },
			where: { id },
			relations: { previews: true },
		});
		assert.deepEqual(workspace.codeServerPasswordEncrypted, BLOB);
		assert.equal(workspace.previews?.[0]?.passwordHash, SECRET);
		const key = await keys.findOneOrFail({ select: all(UserApiKey), where: { userId: user } });
		assert.deepEqual(key.openaiKeyEncrypted, BLOB);
		const visitor = await previews.findByHashWithPassword("hidden");
		assert.equal(visitor?.passwordHash, SECRET);
		const found = [await keys.findKey(user, "openai"), await workspaces.findCodeServerPassword(id)];
		assert.deepEqual(found[0]?.encrypted, BLOB);
		for (const shown of [workspace, key, visitor, ...found, { deep: [workspace, key] }]) {
			const texts = [
				JSON.stringify(shown),
				`${shown}`,
				inspect(shown, { depth: 9, showHidden: true }),
				format("%o %O %j %s", shown, shown, shown, shown),
			];
			for (const text of texts) assertHidden(text);
		}
		assert.equal(JSON.parse(JSON.stringify(workspace)).previews[0].previewHash, "hidden");
		assert.match(inspect(workspace), /^Workspace \{\n\s+id: \d+/);
		assert.match(inspect([[[workspace]]], { depth: 2 }), /\[Workspace\]/);
	});

	test("of a value object are hidden, its properties are there for code", () => {
		const secret = new EncryptedSecret(BLOB, BLOB);
		assert.equal(JSON.stringify(secret), "{}");
		assert.deepEqual([secret.encrypted, secret.iv], [BLOB, BLOB]);
	});

	test("are in no error, whatever fails", async () => {
		const { keys, workspaces, previews, logs, ada } = context;
		const long = SECRET.repeat(200);
		const failures: (() => Promise<unknown>)[] = [
			() => keys.setKey(ada, "openai", Buffer.from(long), BLOB),
			() => keys.setKey(999_999, "openai", BLOB, BLOB),
			() => workspaces.createWithinLimit({ userId: ada, projectName: long }),
			() => workspaces.markRunning(1, { ...STARTED, codeServerPasswordIv: Buffer.from(long) }),
			() => workspaces.markFailed(1, long.repeat(100)),
			() => previews.createWithinLimit({ workspaceId: 1, userId: ada, previewHash: "h", passwordHash: long }),
			() => logs.append({ userId: ada, projectName: SECRET, action: SECRET as "start" }),
		];
		for (const fail of failures) {
			await assert.rejects(fail, (error) => {
				assertNoSecret(error);
				return true;
			});
		}
	});

	test("of a failed statement are in neither error nor log, also on an application's own DataSource", async () => {
		const { database } = context;
		const lines: string[] = [];
		const log = (...shown: unknown[]) => {
			lines.push(inspect(shown.slice(0, -1), { depth: 9, maxStringLength: null, maxArrayLength: null }));
		};
		const logger = { logQuery: log, logQueryError: log, logQuerySlow: log, log } as unknown as Logger;
		const { type } = context.dataSource.options;
		const host = new DataSource({
			type: type as "mysql",
			url: database.url,
			entities,
			logger,
			maxQueryExecutionTime: 1,
		});
		await host.initialize();
		try {
			const { keys, ports } = repositoriesOf(host);
			await keys.setKey(context.ada, "openai", BLOB, BLOB);
			await host.transaction((manager) => UserApiKeyRepository.from(manager).setKey(context.ada, "openai", BLOB, BLOB));
			assert.ok(lines.some((line) => line.includes("openai_key_encrypted") && line.includes("[REDACTED]")));
			await database.rows("ALTER TABLE user_api_keys RENAME TO user_api_keys_away");
			await assert.rejects(keys.setKey(context.ada, "openai", BLOB, BLOB), (error) => {
				assert.ok(error instanceof NotMigratedError);
				assert.equal((error.cause as { errno?: number }).errno, 1146);
				assertNoSecret(error);
				return true;
			});
			await database.rows("ALTER TABLE user_api_keys_away RENAME TO user_api_keys");
			assert.equal(await ports.countAssigned(), 1);
		} finally {
			await host.destroy();
		}
		assert.ok(lines.some((line) => line.includes("1146")));
		for (const line of lines) assertHidden(line);
	});

	test("are in no error of a statement that the server refuses", async () => {
		const { database } = context;
		const { type } = context.dataSource.options;
		// Such a session stores what does not fit cut, if it comes that far.
		const host = new DataSource({ type: type as "mysql", url: database.url, entities, poolSize: 1 });
		await host.initialize();
		try {
			await host.query("SET SESSION sql_mode = ''");
			const workspaces = WorkspaceRepository.from(host);
			const id = await workspaces.createWithinLimit({ userId: context.bob, projectName: "lax" });
			await assert.rejects(workspaces.changeResources(id, { cpuLimit: SECRET.repeat(4) }), (error) => {
				assert.equal((error as { code?: string }).code, "VALUE_TOO_LONG");
				assertNoSecret(error);
				return true;
			});
			assert.equal((await workspaces.findById(id))?.cpuLimit, "1");
		} finally {
			await host.destroy();
		}
	});
});
