import { type DataSource, In, LessThan } from "typeorm";
import {
	PortRepository,
	PreviewEnvironment,
	PreviewEnvironmentRepository,
	ResourceLimit,
	ResourceLimitRepository,
	UserApiKey,
	UserApiKeyRepository,
	Workspace,
	WorkspaceLog,
	WorkspaceLogRepository,
	WorkspaceRepository,
} from "../../src";
import type { Way } from "./measure";

export interface Operation {
	readonly name: string;
	/** Whether it runs on every request or in bulk: at most 1.2 times mysql2. */
	readonly isFrequent?: boolean;
	readonly repository: Way;
	readonly typeorm: Way;
}

/** What makes each turn's row another one; the replay of a statement puts the next turn's in its place. */
export const turnName = (turn: number) => `turn-${turn}`;

const KEY = Buffer.alloc(80, 1);
const IV = Buffer.alloc(16, 2);

/** Every operation by the repositories, and as it would be written with TypeORM's own, on the same DataSource. */
export function operations(dataSource: DataSource): Operation[] {
	return [...ofWorkspaces(dataSource), ...ofPreviews(dataSource), ...ofLogs(dataSource), ...ofTheRest(dataSource)];
}

function ofWorkspaces(dataSource: DataSource): Operation[] {
	const repository = WorkspaceRepository.from(dataSource);
	const typeorm = dataSource.getRepository(Workspace);
	const created = { userId: 60, cpuLimit: "1", ramLimit: "2g", diskLimit: "10g", idleTimeoutMinutes: 30 };
	return [
		{
			name: "workspace by user and project",
			isFrequent: true,
			repository: () => repository.findByUserAndProject(8, "project-7"),
			typeorm: () => typeorm.findOneBy({ userId: 8, projectName: "project-7" }),
		},
		{
			name: "routes by project name",
			isFrequent: true,
			repository: () => repository.listRoutesByProject("project-7"),
			typeorm: () =>
				typeorm.find({
					select: { id: true, userId: true, containerId: true, status: true },
					where: { projectName: "project-7" },
				}),
		},
		{
			name: "heartbeat",
			isFrequent: true,
			repository: (turn) => repository.heartbeat((turn % 50) + 1, 8),
			typeorm: (turn) => typeorm.update((turn % 50) + 1, { lastActivity: () => "NOW()", lastAccessedBy: 8 }),
		},
		{
			name: "a user's workspaces",
			isFrequent: true,
			repository: () => repository.listByUser(8),
			typeorm: () => typeorm.find({ where: { userId: 8 }, order: { createdAt: "DESC", id: "DESC" } }),
		},
		{
			name: "50 running, with owner",
			isFrequent: true,
			repository: () => repository.listRunning(),
			typeorm: () =>
				typeorm.find({
					select: { user: { id: true, username: true, systemUsername: true } },
					where: { status: "running" },
					relations: { user: true },
					order: { startedAt: "DESC" },
				}),
		},
		{
			name: "count of a user",
			repository: () => repository.countByUser(8),
			typeorm: () => typeorm.countBy({ userId: 8 }),
		},
		{
			name: "create within limit",
			repository: (turn) => repository.createWithinLimit({ userId: 60, projectName: turnName(turn) }),
			typeorm: async (turn) => {
				const limits = await dataSource.getRepository(ResourceLimit).findOneBy({ userId: 60 });
				if ((await typeorm.countBy({ userId: 60 })) >= (limits?.maxWorkspaces ?? 2)) throw new Error("limit");
				return typeorm.insert({ ...created, projectName: turnName(turn) });
			},
		},
		{
			name: "idle",
			repository: () => repository.listIdle(),
			typeorm: () =>
				typeorm
					.createQueryBuilder("w")
					.where("w.status = 'running' AND w.lastActivity < NOW() - INTERVAL w.idleTimeoutMinutes MINUTE")
					.getMany(),
		},
	];
}

function ofPreviews(dataSource: DataSource): Operation[] {
	const repository = PreviewEnvironmentRepository.from(dataSource);
	const typeorm = dataSource.getRepository(PreviewEnvironment);
	const previewHash = "0".repeat(31) + 7;
	const active = In(["creating", "running"]);
	return [
		{
			name: "preview by hash",
			isFrequent: true,
			repository: () => repository.findByHash(previewHash),
			typeorm: () => typeorm.findOneBy({ previewHash }),
		},
		{
			name: "previews of a workspace and user",
			isFrequent: true,
			repository: () => repository.listByWorkspaceAndUser(8, 8),
			typeorm: () => typeorm.find({ where: { workspaceId: 8, userId: 8 }, order: { id: "DESC" } }),
		},
		{
			name: "30 active, with owner",
			isFrequent: true,
			repository: () => repository.listActive(),
			typeorm: () =>
				typeorm.find({
					select: { user: { id: true, username: true } },
					where: { status: active },
					relations: { user: true },
					order: { expiresAt: "ASC" },
				}),
		},
		{
			name: "active previews of 10 workspaces",
			repository: () => repository.countActiveByWorkspaces([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
			typeorm: () =>
				typeorm
					.createQueryBuilder("p")
					.select("p.workspaceId", "workspaceId")
					.addSelect("COUNT(*)", "count")
					.where({ workspaceId: In([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), status: active })
					.groupBy("p.workspaceId")
					.getRawMany(),
		},
		{
			name: "expired previews",
			repository: () => repository.listExpired(),
			typeorm: () => typeorm.findBy({ status: active, expiresAt: LessThan(new Date()) }),
		},
	];
}

function ofLogs(dataSource: DataSource): Operation[] {
	const repository = WorkspaceLogRepository.from(dataSource);
	const typeorm = dataSource.getRepository(WorkspaceLog);
	const entry = { workspaceId: 5, userId: 5, projectName: "project-4", action: "start" as const };
	const details = { port: 10_001, by: "user" };
	const pageOf = (take: number) => () =>
		typeorm.find({ where: { workspaceId: 8 }, order: { id: "DESC" }, take: take + 1 });
	return [
		{
			name: "log append",
			isFrequent: true,
			repository: () => repository.append({ ...entry, details }),
			typeorm: () => typeorm.insert({ ...entry, details }),
		},
		{
			name: "log page of 50",
			isFrequent: true,
			repository: () => repository.pageOfWorkspace(8),
			typeorm: pageOf(50),
		},
		{
			name: "log page of 1,000",
			isFrequent: true,
			repository: () => repository.pageOfWorkspace(8, { limit: 1_000 }),
			typeorm: pageOf(1_000),
		},
	];
}

function ofTheRest(dataSource: DataSource): Operation[] {
	const limits = ResourceLimitRepository.from(dataSource);
	const keys = UserApiKeyRepository.from(dataSource);
	const ports = PortRepository.from(dataSource);
	const rows = dataSource.getRepository(ResourceLimit);
	const keyRows = dataSource.getRepository(UserApiKey);
	const key = { userId: 8, openaiKeyEncrypted: KEY, openaiKeyIv: IV };
	return [
		{
			name: "effective limits",
			repository: () => limits.findEffective(8),
			typeorm: async () => (await rows.findOneBy({ userId: 8 })) ?? (await rows.findOneBy({ globalRow: 1 })),
		},
		{
			name: "set an API key",
			repository: () => keys.setKey(8, "openai", KEY, IV),
			typeorm: () =>
				keyRows
					.createQueryBuilder()
					.insert()
					.values(key)
					.orUpdate(["openai_key_encrypted", "openai_key_iv"])
					.updateEntity(false)
					.execute(),
		},
		{
			name: "read an API key",
			repository: () => keys.findKey(8, "openai"),
			typeorm: () => keyRows.findOne({ select: { openaiKeyEncrypted: true, openaiKeyIv: true }, where: { userId: 8 } }),
		},
		{
			name: "ports in use",
			repository: () => ports.listAssigned(),
			typeorm: async () => [
				...(await dataSource.query("SELECT assigned_port FROM workspaces WHERE assigned_port IS NOT NULL")),
				...(await dataSource.query("SELECT assigned_port FROM preview_environments WHERE assigned_port IS NOT NULL")),
			],
		},
	];
}
