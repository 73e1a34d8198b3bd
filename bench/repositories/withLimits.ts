import type { DataSource, EntityManager } from "typeorm";
import { ResourceLimit } from "../../src";

/** Does the work while nobody else checks a limit or chooses a port, as the repositories do, with TypeORM's own means. */
export function withLimits(
	dataSource: DataSource,
	userId: number,
	work: (manager: EntityManager, limits: Partial<ResourceLimit>) => Promise<void>,
): Promise<void> {
	return dataSource.transaction(async (manager) => {
		const limits = manager.getRepository(ResourceLimit);
		const lock = { mode: "pessimistic_write" } as const;
		const general = await limits.findOne({ where: { globalRow: 1 }, lock });
		const own = await limits.findOneBy({ userId });
		await work(manager, own ?? general ?? {});
	});
}
