import { getMetadataArgsStorage } from "typeorm";

/**
 * All copies of TypeORM in a process keep what decorators say in one global store, the one that came first. A copy of
 * 0.3 calls there what 1.0 removed, and the application's own entities fail with "filterRelationCounts is not a
 * function". Copies of 1.0 and 1.1 get along.
 */
export function explainToOlderTypeorm(): void {
	const storage = getMetadataArgsStorage() as { filterRelationCounts?: () => never };
	storage.filterRelationCounts ??= () => {
		throw new Error(
			"TypeORM 0.3 does not work in one process with dployr-workspaces-db, which uses TypeORM 1.1: " +
				"update the application's typeorm to 1.x",
		);
	};
}
