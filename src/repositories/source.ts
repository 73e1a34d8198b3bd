import type { DataSource, EntityManager } from "typeorm";
import type { DashboardUser } from "../entities";

/** Where a repository is obtained: any DataSource that has the package's entities, or a transaction's manager. */
export type RepositorySource = DataSource | EntityManager;

/** A repository's class: that which `from` is called on, which may be a subclass. */
export type RepositoryClass<Entity, Repository> = new (target: Entity, manager: EntityManager) => Repository;

export function managerOf(source: RepositorySource): EntityManager {
	return "manager" in source ? source.manager : source;
}

/**
 * A row with its owner's names in `user`.
 *
 * @example
 * const [latest] = await db.workspaces.listRunning();
 * if (latest) console.log(latest.user.username);
 */
export type WithOwner<Entity> = Entity & { user: DashboardUser };
