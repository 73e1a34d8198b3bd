import type { DataSource, EntityManager } from "typeorm";

/** Where a repository is obtained: any DataSource that has the module's entities, or a transaction's manager. */
export type RepositorySource = DataSource | EntityManager;

export function managerOf(source: RepositorySource): EntityManager {
	return "manager" in source ? source.manager : source;
}
