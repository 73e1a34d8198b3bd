import { Repository } from "typeorm";
import { WorkspaceLog } from "../entities";
import type { WorkspaceLogAction } from "../entities/enums";
import type { JsonValue } from "../entities/WorkspaceLog";
import { InvalidValueError } from "../errors";
import { redactedJson } from "./redactDetails";
import { managerOf, type RepositorySource } from "./source";
import { insert, remove, run, type Statement, select, type Values } from "./sql";

/** What is recorded. */
export interface NewLogEntry {
	/** Left out or null where the workspace is gone already. */
	workspaceId?: number | null;
	/** Who did it. */
	userId: number;
	projectName: string;
	action: WorkspaceLogAction;
	/** What JSON can hold; secrets are taken out. */
	details?: JsonValue;
}

/** Which part of a log to read. */
export interface LogPageOptions {
	/** At most so many entries: 1 to 1,000, 50 if left out. */
	limit?: number;
	/** `next` of the page before; left out: the latest entries. */
	before?: number | null;
}

/** Some entries, latest first. */
export interface LogPage {
	entries: WorkspaceLog[];
	/** What `before` of the next page is; null when there are no older entries. */
	next: number | null;
}

const LONGEST_PAGE = 1_000;
const LARGEST_BATCH = 10_000;
/** Every id is lower, or is that of the last row a table can have. */
const LATEST = 2 ** 31 - 1;

const APPEND = insert(WorkspaceLog, {
	workspaceId: ":workspaceId?",
	userId: ":userId",
	projectName: ":projectName",
	action: ":action",
	details: ":details?",
});

/** Index entries end with the id: the page is read from the index, in order. MySQL would rather merge two indexes. */
function page(where: string, index: string): Statement<WorkspaceLog[]> {
	return select(WorkspaceLog, {
		where: `${where}workspaceLog.id < :before`,
		index,
		orderBy: { "workspaceLog.id": "DESC" },
		end: "LIMIT :limit",
	});
}

const OF_WORKSPACE = page("workspaceLog.workspaceId = :workspaceId AND ", "workspace_id");
const OF_PROJECT = page(
	"workspaceLog.userId = :userId AND workspaceLog.projectName = :projectName AND ",
	"idx_user_project",
);
const OF_EVERYBODY = page("", "PRIMARY");
const DELETE_OLD = remove(
	WorkspaceLog,
	"createdAt < FROM_UNIXTIME(:olderThan)",
	"ORDER BY created_at, id LIMIT :batchSize",
);

/** The log of what happened to workspaces. */
export class WorkspaceLogRepository extends Repository<WorkspaceLog> {
	/** On a DataSource, or in a transaction by its manager. */
	static from(source: RepositorySource): WorkspaceLogRepository {
		return new WorkspaceLogRepository(WorkspaceLog, managerOf(source));
	}

	/**
	 * Records what happened, and returns the entry's id. In `details` every value is stored as `[REDACTED]` whose name
	 * contains key, password, token, secret or credential, at any depth. 1 statement.
	 *
	 * @throws NotFoundError (of the workspace or the user), ValueTooLongError, InvalidValueError
	 */
	async append(entry: NewLogEntry): Promise<number> {
		const { workspaceId = null, userId, projectName, action } = entry;
		const details = toJson(entry.details);
		const { id } = await run(this, APPEND, { workspaceId, userId, projectName, action, details });
		return id;
	}

	/**
	 * A page of what happened to a workspace, latest first. 1 statement.
	 *
	 * @throws InvalidValueError
	 */
	pageOfWorkspace(workspaceId: number, options: LogPageOptions = {}): Promise<LogPage> {
		return this.#page(OF_WORKSPACE, { workspaceId }, options);
	}

	/** The same for a user's project, whatever workspaces it had. 1 statement. */
	pageOfProject(userId: number, projectName: string, options: LogPageOptions = {}): Promise<LogPage> {
		return this.#page(OF_PROJECT, { userId, projectName }, options);
	}

	/** The same for everybody. 1 statement. */
	pageOfEverybody(options: LogPageOptions = {}): Promise<LogPage> {
		return this.#page(OF_EVERYBODY, {}, options);
	}

	async #page(statement: Statement<WorkspaceLog[]>, of: Values, options: LogPageOptions): Promise<LogPage> {
		const { limit = 50, before } = options;
		checkRange("limit", limit, LONGEST_PAGE);
		// One more than asked for tells whether there is a next page.
		const entries = await run(this, statement, { ...of, before: before ?? LATEST, limit: limit + 1 });
		if (entries.length <= limit) return { entries, next: null };
		entries.pop();
		return { entries, next: entries.at(-1)?.id ?? null };
	}

	/**
	 * Deletes the entries from before an instant and returns how many, the oldest first, each batch a transaction of its
	 * own: writers wait for one batch at most. Inside a caller's transaction all is held until that ends. 1 statement a
	 * batch; the last one finds fewer than `batchSize`.
	 *
	 * @param batchSize 1 to 10,000 rows
	 * @throws InvalidValueError
	 */
	async deleteOlderThan(olderThan: Date, { batchSize = 1_000 }: { batchSize?: number } = {}): Promise<number> {
		checkRange("batchSize", batchSize, LARGEST_BATCH);
		for (let deleted = 0; ; ) {
			const { affected } = await run(this, DELETE_OLD, { olderThan, batchSize });
			deleted += affected;
			if (affected < batchSize) return deleted;
		}
	}
}

function toJson(details: JsonValue | undefined): string | null {
	if (details === undefined || details === null) return null;
	try {
		const json = redactedJson(details);
		if (json !== undefined) return json;
	} catch (cause) {
		throw new InvalidValueError(WorkspaceLog.name, "details", "what JSON can hold", { cause });
	}
	throw new InvalidValueError(WorkspaceLog.name, "details", "what JSON can hold");
}

function checkRange(name: string, value: number, most: number): void {
	if (Number.isInteger(value) && value >= 1 && value <= most) return;
	throw new InvalidValueError(WorkspaceLog.name, name, `an integer from 1 to ${most}`);
}
