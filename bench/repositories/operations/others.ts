import { type DataSource, IsNull, LessThan, Not } from "typeorm";
import {
	PortRepository,
	PreviewEnvironment,
	ResourceLimit,
	ResourceLimitRepository,
	UserApiKey,
	UserApiKeyRepository,
	Workspace,
	WorkspaceLog,
	WorkspaceLogRepository,
} from "../../../src";
import type { Operation } from "../operation";

const USER = 8;
const KEY = Buffer.alloc(80, 1);
const IV = Buffer.alloc(16, 2);
const LONG_AGO = new Date("2001-01-01T00:00:00Z");

export function logOperations(dataSource: DataSource): Operation[] {
	const repository = WorkspaceLogRepository.from(dataSource);
	const typeorm = dataSource.getRepository(WorkspaceLog);
	const entry = { workspaceId: 5, userId: 5, projectName: "project-4", action: "start" as const };
	const details = { port: 10_001, by: "user" };
	const latest = (where: object, take: number) => () => typeorm.find({ where, order: { id: "DESC" }, take: take + 1 });
	const ofWorkspace = { workspaceId: USER };
	const ofProject = { userId: USER, projectName: "project-7" };
	return [
		{
			name: "append to the log",
			isFrequent: true,
			repository: () => repository.append({ ...entry, details }),
			typeorm: () => typeorm.insert({ ...entry, details }),
		},
		{
			name: "50 log entries of a workspace",
			isFrequent: true,
			repository: () => repository.pageOfWorkspace(USER),
			typeorm: latest(ofWorkspace, 50),
		},
		{
			name: "1,000 log entries of a workspace",
			isFrequent: true,
			repository: () => repository.pageOfWorkspace(USER, { limit: 1_000 }),
			typeorm: latest(ofWorkspace, 1_000),
		},
		{
			name: "1,000 log entries of a project",
			isFrequent: true,
			repository: () => repository.pageOfProject(USER, "project-7", { limit: 1_000 }),
			typeorm: latest(ofProject, 1_000),
		},
		{
			name: "1,000 log entries of everybody",
			isFrequent: true,
			repository: () => repository.pageOfEverybody({ limit: 1_000 }),
			typeorm: latest({}, 1_000),
		},
		{
			name: "delete old log entries, of which there are none",
			repository: () => repository.deleteOlderThan(LONG_AGO),
			typeorm: () => typeorm.delete({ createdAt: LessThan(LONG_AGO) }),
		},
	];
}

export function limitOperations(dataSource: DataSource): Operation[] {
	const repository = ResourceLimitRepository.from(dataSource);
	const typeorm = dataSource.getRepository(ResourceLimit);
	return [
		{
			name: "effective limits",
			repository: () => repository.findEffective(USER),
			typeorm: async () => (await typeorm.findOneBy({ userId: USER })) ?? (await typeorm.findOneBy({ globalRow: 1 })),
		},
		{
			name: "global limits",
			repository: () => repository.findGlobal(),
			typeorm: () => typeorm.findOneBy({ userId: IsNull() }),
		},
		{
			name: "a user's own limits",
			repository: () => repository.findOwn(1_600),
			typeorm: () => typeorm.findOneBy({ userId: 1_600 }),
		},
		{
			name: "set a user's limits",
			repository: () => repository.setOwn(1_601, { maxWorkspaces: 5 }),
			typeorm: () => upsert(typeorm, { userId: 1_601, maxWorkspaces: 5 }, ["max_workspaces"]),
		},
	];
}

export function keyOperations(dataSource: DataSource): Operation[] {
	const repository = UserApiKeyRepository.from(dataSource);
	const typeorm = dataSource.getRepository(UserApiKey);
	const key = { openaiKeyEncrypted: true, openaiKeyIv: true } as const;
	return [
		{
			name: "set an API key",
			repository: () => repository.setKey(USER, "openai", KEY, IV),
			typeorm: () =>
				upsert(typeorm, { userId: USER, openaiKeyEncrypted: KEY, openaiKeyIv: IV }, [
					"openai_key_encrypted",
					"openai_key_iv",
				]),
		},
		{
			name: "read an API key",
			repository: () => repository.findKey(USER, "openai"),
			typeorm: () => typeorm.findOne({ select: key, where: { userId: USER } }),
		},
		{
			name: "test for an API key",
			repository: () => repository.hasKey(USER, "openai"),
			typeorm: () => typeorm.existsBy({ userId: USER, openaiKeyEncrypted: Not(IsNull()) }),
		},
		{
			name: "clear an API key that is not there",
			repository: () => repository.clearKey(9, "openai"),
			typeorm: () => typeorm.update({ userId: 9 }, { openaiKeyEncrypted: null, openaiKeyIv: null }),
		},
	];
}

export function portOperations(dataSource: DataSource): Operation[] {
	const repository = PortRepository.from(dataSource);
	const tables = [dataSource.getRepository(Workspace), dataSource.getRepository(PreviewEnvironment)] as const;
	const select = { assignedPort: true } as const;
	return [
		{
			name: "ports in use",
			repository: () => repository.listAssigned(),
			typeorm: () => Promise.all(tables.map((table) => table.find({ select, where: { assignedPort: Not(IsNull()) } }))),
		},
		{
			name: "whether a port is in use",
			repository: () => repository.isAssigned(10_005),
			typeorm: () => Promise.all(tables.map((table) => table.existsBy({ assignedPort: 10_005 }))),
		},
		{
			name: "how many ports are in use",
			repository: () => repository.countAssigned(),
			typeorm: () => Promise.all(tables.map((table) => table.countBy({ assignedPort: Not(IsNull()) }))),
		},
	];
}

/** `Repository.upsert` fails on MySQL where the id is not known; this is what it does on MariaDB. */
function upsert(typeorm: ReturnType<DataSource["getRepository"]>, values: object, changes: string[]) {
	return typeorm.createQueryBuilder().insert().values(values).orUpdate(changes).updateEntity(false).execute();
}
