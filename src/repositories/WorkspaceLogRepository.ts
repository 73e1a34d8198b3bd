import { Repository } from "typeorm";
import { WorkspaceLog } from "../entities";
import { detailsToJson } from "./details";
import { managerOf, type RepositoryClass, type RepositorySource } from "./source";
import { change, checkNames, execute, refusal, select } from "./sql";

/** What is recorded; `userId` is who did it. */
export interface NewLogEntry extends Pick<WorkspaceLog, "userId" | "projectName" | "action"> {
	/** Left out or null where the workspace is gone already. */
	workspaceId?: WorkspaceLog["workspaceId"] | undefined;
	/** What JSON can hold; secrets are taken out. */
	details?: WorkspaceLog["details"] | undefined;
}

/** Which part of a log to read. */
export interface LogPageOptions {
	/** At most so many entries: 1 to 1,000, 50 if left out. */
	limit?: number | undefined;
	/** `next` of the page before; left out: the latest entries. */
	before?: number | null | undefined;
}

/**
 * Some entries, latest first.
 *
 * @example
 * const { entries, next } = await db.logs.pageOfEverybody({ limit: 20 });
 * const older = next === null ? [] : (await db.logs.pageOfEverybody({ limit: 20, before: next })).entries;
 */
export interface LogPage {
	entries: WorkspaceLog[];
	/** What `before` of the next page is; null when there are no older entries. */
	next: number | null;
}

const LONGEST_PAGE = 1_000;
const LARGEST_BATCH = 10_000;
/** Every id is lower, or is that of the last row a table can have. */
const LATEST = 2 ** 31 - 1;

const ENTRY_NAMES = ["workspaceId", "userId", "projectName", "action", "details"];
const { entityName } = WorkspaceLog;

const APPEND = change(
	WorkspaceLog,
	`INSERT INTO workspace_logs (workspace_id, user_id, project_name, action, details)
	VALUES (:workspaceId?, :userId, :projectName, :action, :detailsJson?)`,
);

/** The page is read from the index, in its order, since its entries end with the id: details are too big to be sorted. */
const LATEST_FIRST = "ORDER BY id DESC LIMIT :limit";
const OF_WORKSPACE = select(WorkspaceLog, {
	where: "workspace_id = :workspaceId AND id < :before",
	index: "workspace_id",
	end: LATEST_FIRST,
});
const OF_PROJECT = select(WorkspaceLog, {
	where: "user_id = :userId AND project_name = :projectName AND id < :before",
	index: "idx_user_project",
	end: LATEST_FIRST,
});
const OF_EVERYBODY = select(WorkspaceLog, { where: "id < :before", index: "PRIMARY", end: LATEST_FIRST });
const DELETE_OLD = change(
	WorkspaceLog,
	"DELETE FROM workspace_logs WHERE created_at < FROM_UNIXTIME(:olderThan) ORDER BY created_at, id LIMIT :batchSize",
);

/**
 * The log of what happened to workspaces.
 *
 * @example
 * const logs = WorkspaceLogRepository.from(dataSource);
 * const { entries } = await logs.pageOfWorkspace(id);
 */
export class WorkspaceLogRepository extends Repository<WorkspaceLog> {
	/**
	 * On a DataSource, or in a transaction by its manager.
	 *
	 * @example
	 * await dataSource.transaction(async (manager) => {
	 *   await WorkspaceLogRepository.from(manager).append({ userId, projectName: "shop", action: "delete" });
	 *   await WorkspaceRepository.from(manager).deleteById(id);
	 * });
	 */
	static from<Result extends WorkspaceLogRepository>(
		this: RepositoryClass<typeof WorkspaceLog, Result>,
		source: RepositorySource,
	): Result {
		return new this(WorkspaceLog, managerOf(source));
	}

	/**
	 * Records what happened, and returns the entry's id. In `details` every value is stored as `[REDACTED]` whose name
	 * says that it is a secret (see `docs/repositories.md`), at any depth, in texts too. 1 statement.
	 *
	 * @param entry `projectName`: at most 100 characters; `details`: nested at most 31 levels deep
	 * @throws NotFoundError (of the workspace or the user), ValueTooLongError, InvalidValueError, IdsExhaustedError
	 *
	 * @example
	 * const details = { port: 10_007, env: { API_KEY: "sk-1234" } };
	 * await db.logs.append({ workspaceId: id, userId, projectName: "shop", action: "start", details });
	 * // stored: {"port":10007,"env":{"API_KEY":"[REDACTED]"}}
	 */
	async append(entry: NewLogEntry): Promise<number> {
		checkNames(entityName, entry, ENTRY_NAMES);
		const { workspaceId = null, userId, projectName, action } = entry;
		const detailsJson = detailsToJson(entry.details);
		const { reported } = await execute(this, APPEND, { workspaceId, userId, projectName, action, detailsJson });
		return reported;
	}

	/**
	 * A page of what happened to a workspace, latest first. 1 statement.
	 *
	 * @throws InvalidValueError
	 *
	 * @example
	 * const before = Number(req.query.before) || null;
	 * const { entries, next } = await db.logs.pageOfWorkspace(id, { limit: 20, before });
	 * res.render("log", { entries, older: next && `?before=${next}` });
	 */
	async pageOfWorkspace(workspaceId: number, options: LogPageOptions = {}): Promise<LogPage> {
		const range = pageRangeOf(options);
		return pageOf(await execute(this, OF_WORKSPACE, { workspaceId, ...range }), range);
	}

	/**
	 * The same for a user's project, whatever workspaces it had. 1 statement.
	 *
	 * @example
	 * const { entries } = await db.logs.pageOfProject(req.user.id, "shop");
	 * const starts = entries.filter(({ action }) => action === "start");
	 */
	async pageOfProject(userId: number, projectName: string, options: LogPageOptions = {}): Promise<LogPage> {
		const range = pageRangeOf(options);
		return pageOf(await execute(this, OF_PROJECT, { userId, projectName, ...range }), range);
	}

	/**
	 * The same for everybody. 1 statement.
	 *
	 * @example
	 * let before: number | null = null;
	 * do {
	 *   const page: LogPage = await db.logs.pageOfEverybody({ limit: 1_000, before });
	 *   for (const { createdAt, action } of page.entries) console.log(createdAt, action);
	 *   before = page.next;
	 * } while (before !== null);
	 */
	async pageOfEverybody(options: LogPageOptions = {}): Promise<LogPage> {
		const range = pageRangeOf(options);
		return pageOf(await execute(this, OF_EVERYBODY, range), range);
	}

	/**
	 * Deletes the entries from before an instant and returns how many, the oldest first, each batch a transaction of its
	 * own: writers wait for one batch at most. Inside a caller's transaction all is held until that ends. 1 statement a
	 * batch; the last one finds fewer than `batchSize`.
	 *
	 * @param options `batchSize`: 1 to 10,000 rows, 1,000 if left out
	 * @throws InvalidValueError
	 *
	 * @example
	 * const days = 90;
	 * const count = await db.logs.deleteOlderThan(new Date(Date.now() - days * 86_400_000));
	 * console.log(`Deleted ${count} entries`);
	 */
	async deleteOlderThan(olderThan: Date, options: { batchSize?: number | undefined } = {}): Promise<number> {
		const batchSize = checkBatch(options);
		for (let deleted = 0; ; ) {
			const { affected } = await execute(this, DELETE_OLD, { olderThan, batchSize });
			deleted += affected;
			if (affected < batchSize) return deleted;
		}
	}
}

/** One more than asked for shows whether there is a next page. */
export function pageRangeOf(options: LogPageOptions): { before: number; limit: number } {
	checkNames(entityName, options, ["limit", "before"]);
	const { limit = 50, before } = options;
	checkRange("limit", limit, LONGEST_PAGE);
	return { before: before ?? LATEST, limit: limit + 1 };
}

/** How many rows one statement deletes. */
export function checkBatch(options: { batchSize?: number | undefined }): number {
	checkNames(entityName, options, ["batchSize"]);
	const { batchSize = 1_000 } = options;
	checkRange("batchSize", batchSize, LARGEST_BATCH);
	return batchSize;
}

function pageOf(entries: WorkspaceLog[], { limit }: { limit: number }): LogPage {
	if (entries.length < limit) return { entries, next: null };
	entries.pop();
	return { entries, next: entries.at(-1)?.id ?? null };
}

function checkRange(name: string, value: number, most: number): void {
	if (Number.isInteger(value) && value >= 1 && value <= most) return;
	throw refusal(entityName, name, `an integer from 1 to ${most}`, value);
}
