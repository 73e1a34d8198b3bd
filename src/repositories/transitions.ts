import type { ObjectLiteral } from "typeorm";
import type { PreviewStatus, WorkspaceStatus } from "../entities/enums";
import { InvalidTransitionError, NotFoundError } from "../errors";
import { aliasOf, type Change, type EntityClass, run, type Sender, type Statement, select, type Values } from "./sql";

/** For each status of a workspace, those that it may come from. */
export const WORKSPACE_TRANSITIONS: Readonly<Record<WorkspaceStatus, readonly WorkspaceStatus[]>> = {
	starting: ["stopped", "error"],
	running: ["starting"],
	stopping: ["starting", "running", "error"],
	stopped: ["starting", "running", "stopping", "error"],
	error: ["starting", "running", "stopping"],
};

/** For each status of a preview, those that it may come from: none returns to `creating`. */
export const PREVIEW_TRANSITIONS: Readonly<Record<PreviewStatus, readonly PreviewStatus[]>> = {
	creating: [],
	running: ["creating"],
	stopping: ["creating", "running", "error"],
	stopped: ["creating", "running", "stopping", "error"],
	expired: ["creating", "running"],
	error: ["creating", "running", "stopping"],
};

/** Previews that use resources and count against the limit. */
export const ACTIVE_PREVIEW = "status IN ('creating', 'running')";

/** A status that is NULL counts as what the column's default is. */
export function statusIn(statuses: readonly string[], columnDefault: string): string {
	return `COALESCE(status, '${columnDefault}') IN (${statuses.map((status) => `'${status}'`).join(", ")})`;
}

/** An entity with a status, and how its present one is read. */
export interface Stateful {
	readonly name: string;
	readonly columnDefault: string;
	readonly current: Statement<{ id: number; status: string | null }[]>;
}

export function stateful<Entity extends ObjectLiteral & { id: number; status: string | null }>(
	entity: EntityClass<Entity>,
	columnDefault: Entity["status"] & string,
): Stateful {
	// Locking, since a transaction's own snapshot may be older than what kept the change from being made.
	const where = `${aliasOf(entity)}.id = :id`;
	const current = select(entity, { columns: ["id", "status"], where, end: "LOCK IN SHARE MODE" });
	return { name: entity.name, columnDefault, current };
}

/**
 * Changes a row whose status allows it: 1 statement, and 1 more to say why it did not happen.
 *
 * @throws NotFoundError, InvalidTransitionError
 */
export async function transition(
	at: Sender,
	entity: Stateful,
	statement: Statement<Change>,
	values: Values & { readonly id: number },
	to: string,
	reason?: string,
): Promise<void> {
	const { affected } = await run(at, statement, values);
	if (!affected) throw await refusal(at, entity, values.id, to, reason);
}

async function refusal(
	at: Sender,
	{ name, columnDefault, current }: Stateful,
	id: number,
	to: string,
	reason?: string,
): Promise<Error> {
	const [row] = await run(at, current, { id });
	if (!row) return new NotFoundError(name);
	return new InvalidTransitionError(name, id, row.status ?? columnDefault, to, reason);
}

/**
 * Changes a row that has to be there: 1 statement.
 *
 * @throws NotFoundError
 */
export async function changeExisting(
	at: Sender,
	{ name, current }: Stateful,
	statement: Statement<Change>,
	values: Values & { readonly id: number },
): Promise<void> {
	const { affected } = await run(at, statement, values);
	if (affected) return;
	// A host's connection without the FOUND_ROWS flag counts no row that has these values already.
	const [row] = await run(at, current, { id: values.id });
	if (!row) throw new NotFoundError(name);
}
