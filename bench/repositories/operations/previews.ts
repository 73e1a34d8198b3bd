import { type DataSource, In, LessThan } from "typeorm";
import { PreviewEnvironment, PreviewEnvironmentRepository } from "../../../src";
import { activePreviewOf, nameOf, type Operation, rowOf } from "../operation";
import { withLimits } from "../withLimits";

const USER = 8;
const TEN = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const PREVIEW_HASH = "0".repeat(31) + 7;

export function previewReads(dataSource: DataSource): Operation[] {
	const repository = PreviewEnvironmentRepository.from(dataSource);
	const typeorm = dataSource.getRepository(PreviewEnvironment);
	const active = In(["creating", "running"]);
	return [
		{
			name: "preview by hash",
			isFrequent: true,
			repository: () => repository.findByHash(PREVIEW_HASH),
			typeorm: () => typeorm.findOneBy({ previewHash: PREVIEW_HASH }),
		},
		{
			name: "preview by hash, with password",
			isFrequent: true,
			repository: () => repository.findByHashWithPassword(PREVIEW_HASH),
			typeorm: () =>
				typeorm.createQueryBuilder("p").addSelect("p.passwordHash").where({ previewHash: PREVIEW_HASH }).getOne(),
		},
		{
			name: "10 previews of a workspace and user",
			isFrequent: true,
			repository: () => repository.listByWorkspaceAndUser(USER, USER),
			typeorm: () => typeorm.find({ where: { workspaceId: USER, userId: USER }, order: { id: "DESC" } }),
		},
		{
			name: "100 previews of 10 workspaces",
			isFrequent: true,
			repository: () => repository.listByWorkspaces(TEN),
			typeorm: () => typeorm.find({ where: { workspaceId: In(TEN) }, order: { workspaceId: "DESC", id: "DESC" } }),
		},
		{
			name: "30 active previews, with owner",
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
			name: "preview by id and user",
			repository: () => repository.findByIdAndUser(USER, USER),
			typeorm: () => typeorm.findOneBy({ id: USER, userId: USER }),
		},
		{
			name: "active previews of a workspace",
			repository: () => repository.countActive(USER),
			typeorm: () => typeorm.countBy({ workspaceId: USER, status: active }),
		},
		{
			name: "active previews of 10 workspaces",
			repository: () => repository.countActiveByWorkspaces(TEN),
			typeorm: () =>
				typeorm
					.createQueryBuilder("p")
					.select("p.workspaceId", "workspaceId")
					.addSelect("COUNT(*)", "count")
					.where({ workspaceId: In(TEN), status: active })
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

export function previewChanges(dataSource: DataSource): Operation[] {
	const repository = PreviewEnvironmentRepository.from(dataSource);
	const typeorm = dataSource.getRepository(PreviewEnvironment);
	const expiresAt = new Date("2031-01-01T00:00:00Z");
	const newPreview = (turn: number) => {
		return { workspaceId: rowOf(turn), userId: rowOf(turn), previewHash: nameOf(turn), expiresAt };
	};
	return [
		{
			name: "create a preview within the limit",
			repository: (turn) => repository.createWithinLimit(newPreview(turn)),
			typeorm: (turn) =>
				withLimits(dataSource, rowOf(turn), async (manager, limits) => {
					const { workspaceId } = newPreview(turn);
					const active = { workspaceId, status: In(["creating", "running"]) };
					const count = await manager.countBy(PreviewEnvironment, active);
					if (count >= (limits.maxPreviewsPerWorkspace ?? 3)) throw new Error("The limit is reached");
					await manager.insert(PreviewEnvironment, { ...newPreview(turn), projectName: "project" });
				}),
		},
		{
			name: "extend a preview's expiry",
			row: activePreviewOf,
			repository: (turn) => repository.extendExpiry(activePreviewOf(turn), expiresAt),
			typeorm: (turn) =>
				typeorm.update({ id: activePreviewOf(turn), status: In(["creating", "running"]) }, { expiresAt }),
		},
		{
			name: "delete a preview that is not there",
			repository: () => repository.deleteById(99_999_999),
			typeorm: () => typeorm.delete(99_999_999),
		},
	];
}
