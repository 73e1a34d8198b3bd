import { checkNames, refusal } from "./sql";

/** What Docker says of a row's container. */
export interface Observation {
	/** Whether it runs. */
	running: boolean;
	/** Its id, where it runs and the row may not know it: a start that was cut off before it was recorded. */
	containerId?: string | undefined;
	/** Its name, likewise. */
	containerName?: string | undefined;
	/** The port on the server that it is published on, likewise. */
	port?: number | undefined;
}

const NAMES = ["running", "containerId", "containerName", "port"];

/** What was given, with null for what was left out. */
export function observed(entityName: string, observation: Observation) {
	checkNames(entityName, observation, NAMES);
	const { running, containerId = null, containerName = null, port = null } = observation;
	if (typeof running !== "boolean") throw refusal(entityName, "running", "true or false", running);
	return { running, containerId, containerName, port };
}
