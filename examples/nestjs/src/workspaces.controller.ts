import { Body, Controller, Get, HttpCode, Param, ParseIntPipe, Post } from "@nestjs/common";
import { InjectDataSource, InjectRepository } from "@nestjs/typeorm";
import { PortRepository, Workspace, WorkspaceLogRepository, WorkspaceRepository } from "dployr-workspaces-db";
import type { DataSource, Repository } from "typeorm";

@Controller("users/:userId/workspaces")
export class WorkspacesController {
	constructor(
		private readonly workspaces: WorkspaceRepository,
		@InjectRepository(Workspace) private readonly plain: Repository<Workspace>,
		@InjectDataSource() private readonly dataSource: DataSource,
	) {}

	@Get()
	list(@Param("userId", ParseIntPipe) userId: number): Promise<Workspace[]> {
		return this.workspaces.listByUser(userId);
	}

	@Get("count")
	count(): Promise<number> {
		return this.plain.count();
	}

	@Post()
	async create(
		@Param("userId", ParseIntPipe) userId: number,
		@Body("projectName") projectName: string,
	): Promise<{ id: number }> {
		return { id: await this.workspaces.createWithinLimit({ userId, projectName }) };
	}

	@Post(":id/start")
	@HttpCode(200)
	start(
		@Param("userId", ParseIntPipe) userId: number,
		@Param("id", ParseIntPipe) id: number,
	): Promise<{ port: number }> {
		return this.dataSource.transaction(async (manager) => {
			const port = await PortRepository.from(manager).claimForWorkspace(id);
			const projectName = (await WorkspaceRepository.from(manager).findById(id))?.projectName ?? "";
			await WorkspaceLogRepository.from(manager).append({ workspaceId: id, userId, projectName, action: "start" });
			return { port };
		});
	}
}
