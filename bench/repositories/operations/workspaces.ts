import { type DataSource, In } from "typeorm";
import { PortRepository, Workspace, WorkspaceRepository } from "../../../src";
import { nameOf, type Operation, rowOf } from "../operation";
import { withLimits } from "../withLimits";

const USER = 8;
const STARTED = {
	containerId: "c".repeat(64),
	containerName: "name",
	codeServerPasswordEncrypted: Buffer.alloc(40, 1),
	codeServerPasswordIv: Buffer.alloc(16, 2),
};

export function workspaceReads(dataSource: DataSource): Operation[] {
	return [...frequentReads(dataSource), ...otherReads(dataSource)];
}

function frequentReads(dataSource: DataSource): Operation[] {
	const repository = WorkspaceRepository.from(dataSource);
	const typeorm = dataSource.getRepository(Workspace);
	const route = { id: true, userId: true, containerId: true, status: true } as const;
	const owner = { id: true, username: true, systemUsername: true } as const;
	return [
		{
			name: "workspace by user and project",
			isFrequent: true,
			repository: () => repository.findByUserAndProject(USER, "project-7"),
			typeorm: () => typeorm.findOneBy({ userId: USER, projectName: "project-7" }),
		},
		{
			name: "routes by project name",
			isFrequent: true,
			repository: () => repository.listRoutesByProject("project-7"),
			typeorm: () => typeorm.find({ select: route, where: { projectName: "project-7" } }),
		},
		{
			name: "20 workspaces of a user",
			isFrequent: true,
			repository: () => repository.listByUser(USER),
			typeorm: () => typeorm.find({ where: { userId: USER }, order: { createdAt: "DESC", id: "DESC" } }),
		},
		{
			name: "50 running, with owner",
			isFrequent: true,
			repository: () => repository.listRunning(),
			typeorm: () =>
				typeorm.find({
					select: { user: owner },
					where: { status: "running" },
					relations: { user: true },
					order: { startedAt: "DESC" },
				}),
		},
		{
			name: "50 active, with owner",
			isFrequent: true,
			repository: () => repository.listActive(),
			typeorm: () =>
				typeorm.find({
					select: { user: { id: true, username: true } },
					where: { status: In(["running", "starting", "stopping"]) },
					relations: { user: true },
					order: { startedAt: "DESC" },
				}),
		},
		{
			name: "50 with a container",
			isFrequent: true,
			repository: () => repository.listWithContainer(),
			typeorm: () => typeorm.findBy({ status: In(["running", "starting"]) }),
		},
	];
}

function otherReads(dataSource: DataSource): Operation[] {
	const repository = WorkspaceRepository.from(dataSource);
	const typeorm = dataSource.getRepository(Workspace);
	const password = { codeServerPasswordEncrypted: true, codeServerPasswordIv: true } as const;
	const overdue = (condition: string) => () =>
		typeorm.createQueryBuilder("w").where(`w.status = 'running' AND ${condition}`).getMany();
	return [
		{
			name: "workspace by id",
			repository: () => repository.findById(USER),
			typeorm: () => typeorm.findOneBy({ id: USER }),
		},
		{
			name: "count of a user's",
			repository: () => repository.countByUser(USER),
			typeorm: () => typeorm.countBy({ userId: USER }),
		},
		{
			name: "idle workspaces",
			repository: () => repository.listIdle(),
			typeorm: overdue("COALESCE(w.lastActivity, w.startedAt) < NOW() - INTERVAL w.idleTimeoutMinutes MINUTE"),
		},
		{
			name: "workspaces past their lifetime",
			repository: () => repository.listPastLifetime(),
			typeorm: overdue("w.startedAt < NOW() - INTERVAL w.maxLifetimeHours HOUR"),
		},
		{
			name: "code-server password",
			repository: () => repository.findCodeServerPassword(USER),
			typeorm: () => typeorm.findOne({ select: password, where: { id: USER } }),
		},
	];
}

export function workspaceChanges(dataSource: DataSource): Operation[] {
	const repository = WorkspaceRepository.from(dataSource);
	const typeorm = dataSource.getRepository(Workspace);
	const now = () => "NOW()";
	return [
		{
			name: "heartbeat",
			isFrequent: true,
			repository: (turn) => repository.heartbeat(rowOf(turn), USER),
			typeorm: (turn) => typeorm.update(rowOf(turn), { lastActivity: now, lastAccessedBy: USER }),
		},
		{
			name: "create a workspace within the limit",
			repository: (turn) => repository.createWithinLimit({ userId: rowOf(turn), projectName: nameOf(turn) }),
			typeorm: (turn) =>
				withLimits(dataSource, rowOf(turn), async (manager, limits) => {
					const count = await manager.countBy(Workspace, { userId: rowOf(turn) });
					if (count >= (limits.maxWorkspaces ?? 2)) throw new Error("The limit is reached");
					const cpuLimit = limits.defaultCpu ?? "1";
					await manager.insert(Workspace, { userId: rowOf(turn), projectName: nameOf(turn), cpuLimit });
				}),
		},
		{
			name: "change resources",
			repository: (turn) => repository.changeResources(rowOf(turn), { cpuLimit: "2" }),
			typeorm: (turn) => typeorm.update(rowOf(turn), { cpuLimit: "2" }),
		},
		{
			name: "start with a port, run, stop",
			repository: async (turn) => {
				await PortRepository.from(dataSource).claimForWorkspace(rowOf(turn));
				await repository.markRunning(rowOf(turn), STARTED);
				await repository.markStopped(rowOf(turn));
			},
			typeorm: async (turn) => {
				await claimByTypeorm(dataSource, rowOf(turn));
				const running = { ...STARTED, status: "running", startedAt: now, lastActivity: now } as const;
				await typeorm.update({ id: rowOf(turn), status: "starting" }, running);
				const stopped = { status: "stopped", containerId: null, assignedPort: null, startedAt: null } as const;
				await typeorm.update({ id: rowOf(turn), status: "running" }, stopped);
			},
		},
		{
			name: "fail while starting",
			repository: async (turn) => {
				await repository.setStatus(rowOf(turn), "starting");
				await repository.markFailed(rowOf(turn), "it broke");
			},
			typeorm: async (turn) => {
				await typeorm.update({ id: rowOf(turn), status: In(["stopped", "error"]) }, { status: "starting" });
				await typeorm.update({ id: rowOf(turn), status: "starting" }, { status: "error", errorMessage: "it broke" });
			},
		},
		{
			name: "delete a workspace that is not there",
			repository: () => repository.deleteById(99_999_999),
			typeorm: () => typeorm.delete(99_999_999),
		},
	];
}

async function claimByTypeorm(dataSource: DataSource, id: number): Promise<void> {
	await withLimits(dataSource, id, async (manager) => {
		const used = await manager.query(
			`SELECT assigned_port AS port FROM workspaces WHERE assigned_port BETWEEN 10000 AND 10100 UNION ALL
				SELECT assigned_port FROM preview_environments WHERE assigned_port BETWEEN 10000 AND 10100`,
		);
		const ports = new Set(used.map(({ port }: { port: number }) => port));
		let port = 10_000;
		while (ports.has(port)) port++;
		await manager.update(Workspace, { id }, { status: "starting", assignedPort: port });
	});
}
