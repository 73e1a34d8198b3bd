/** One statement that asks whether the server is a node of a Galera cluster, also of one that is cut off from the others. */
export const CLUSTER_QUERY = "SHOW GLOBAL STATUS LIKE 'wsrep_provider_name'";

/** Its answer: no row where the server has no such variable. */
export interface ClusterRow {
	readonly Value: string;
}

/** By the value of that variable, which is empty where the server could be a node and is none. */
export function isClusterNode(provider: string | undefined): boolean {
	return Boolean(provider);
}
