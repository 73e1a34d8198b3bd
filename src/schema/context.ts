import type { QueryRunner } from "typeorm";
import type { Algorithm } from "./clause";
import type { ActualTable, Server } from "./shape";

/** Something that a migration did or found. */
export interface MigrationEvent {
	readonly kind: /** The table was made. */
		| "created"
		/** The table was there before the package: somebody else made it. */
		| "found"
		/** Something of the table was changed. */
		| "changed"
		/** The table was as wanted, or was left to its owner. */
		| "unchanged"
		/** Rows were inserted. */
		| "seeded"
		/** Rows are about to be deleted; emitted before it happens. */
		| "removing"
		/** The table is gone. */
		| "dropped"
		/** Worth knowing. */
		| "note";
	readonly table: string;
	readonly text: string;
}

/** One statement that changes a table. */
export interface Step {
	/** Counts from 1. */
	readonly number: number;
	/** Of how many; undefined where the run was not planned. */
	readonly total?: number;
	readonly table: string;
	/** What it does, a line each; empty where a later step completes it. */
	readonly what: readonly string[];
	readonly sql: string;
	/** How the server carries it out; undefined for what is no ALTER TABLE. */
	readonly algorithm?: Algorithm;
	/** Rows of the table, as the server estimates them. */
	readonly rows?: number;
}

/** What a run is doing, as it happens. */
export type Progress =
	| ({ readonly kind: "step" } & Step)
	| ({ readonly kind: "stepDone"; readonly milliseconds: number } & Step)
	/** Another run holds the lock, or another session holds a table: emitted at once, and again while it goes on. */
	| {
			readonly kind: "waiting";
			readonly for: "lock" | "table";
			readonly table?: string;
			/** Who is in the way, as far as this user may see it. */
			readonly who: string;
			/** For how long it has been waited. */
			readonly seconds: number;
			/** For how long it will be waited at most. */
			readonly timeout: number;
	  };

/** What a dry run takes in place of executing it. */
export interface Recording {
	/** Statements that would have been executed, in order. */
	readonly statements: string[];
	/** Those of them that change a table. */
	readonly steps: Omit<Step, "total">[];
	/** Why the database is incompatible, collected over all migrations before any of them is refused. */
	readonly problems: string[];
	/** What would be lost, collected over all reverts before any of them is refused. */
	readonly losses: string[];
	/** How many rows of each table the recorded statements would delete. */
	readonly deleted: Map<string, number>;
	/** The tables as the recorded statements would leave them, null for one that is not there. */
	readonly tables: Map<string, ActualTable | null>;
	/** Tables whose changes are not tried: a recorded statement makes them, or they are incompatible as they are. */
	readonly untried: Set<string>;
	/** The empty copy of each table on which its changes were tried. */
	readonly copies: Map<string, string>;
	/** The algorithm by which the server executes each ALTER that was tried. */
	readonly algorithms: Map<string, Algorithm>;
	/** Copies of tables with rows that nobody allowed. */
	readonly refusedCopies: { readonly table: string; readonly problem: string }[];
	/** What was found and is left alone. */
	readonly notes: Set<string>;
	/** Whether an ALTER was not tried, since the user may not make and drop copies. */
	isUntried: boolean;
	server?: Server;
}

/** What a guarded run leaves in `queryRunner.data`. Without it a migration runs on its own: under a plain DataSource. */
export interface MigrationContext {
	/** `dryRun` records what `execute` would do. */
	readonly mode: "execute" | "dryRun";
	/** In a dry run. */
	readonly recording?: Recording;
	readonly onEvent: (event: MigrationEvent) => void;
	readonly onProgress: (progress: Progress) => void;
	/** Before each statement that changes something; throws where the run must end, as without its lock. */
	readonly beforeStatement: () => Promise<void>;
	/** Milliseconds for which a statement is tried again while another session holds its table. */
	readonly tableTimeout: number;
	/** Steps of the whole run, where they were counted. */
	readonly total?: number;
	/** Whether a dry run tries each ALTER on an empty copy of its table. */
	readonly usesCopies: boolean;
	/** Whether the server is a node of a cluster, where tables cannot be locked: such a lock is local to a node. */
	readonly isOnCluster: boolean;
	/** The algorithms that a dry run found. */
	readonly algorithms?: ReadonlyMap<string, Algorithm>;
	/** Whether a table may be copied while writers wait. */
	readonly allowTableCopy: boolean;
	/** Whether a table is copied for what a run otherwise leaves as it is, with a note. */
	readonly mendsByCopy: boolean;
	/** Whether reverts may delete data. */
	readonly allowDataLoss: boolean;
	steps: number;
}

const KEY = "dployr-workspaces-db";

/** Does the work with a context, and removes it. */
export async function withContext<Result>(
	queryRunner: QueryRunner,
	context: MigrationContext,
	work: () => Promise<Result>,
): Promise<Result> {
	const before: unknown = queryRunner.data[KEY];
	queryRunner.data[KEY] = context;
	try {
		return await work();
	} finally {
		queryRunner.data[KEY] = before;
	}
}

/** The context that a guarded run left; else that of a migration that runs on its own. */
export function contextOf(queryRunner: QueryRunner): MigrationContext {
	return (queryRunner.data[KEY] as MigrationContext | undefined) ?? plainContext(queryRunner);
}

function plainContext({ dataSource }: QueryRunner): MigrationContext {
	return {
		mode: "execute",
		onEvent: ({ table, text }) => dataSource.logger.logMigration(`${table}: ${text}`),
		onProgress: () => undefined,
		beforeStatement: async () => undefined,
		tableTimeout: 60_000,
		usesCopies: false,
		isOnCluster: false,
		// No dry run came before, and to stop in the middle would be worse.
		allowTableCopy: true,
		mendsByCopy: isTableCopyAllowed(),
		allowDataLoss: isDataLossAllowed(),
		steps: 0,
	};
}

/** Whether WORKSPACES_ALLOW_DATA_LOSS=yes says that reverts may delete data. */
export function isDataLossAllowed(): boolean {
	return process.env["WORKSPACES_ALLOW_DATA_LOSS"] === "yes";
}

/** Whether WORKSPACES_ALLOW_TABLE_COPY=yes says that a run may copy tables while writers wait. */
export function isTableCopyAllowed(): boolean {
	return process.env["WORKSPACES_ALLOW_TABLE_COPY"] === "yes";
}

export function emit(queryRunner: QueryRunner, kind: MigrationEvent["kind"], table: string, text: string): void {
	contextOf(queryRunner).onEvent({ kind, table, text });
}

/** What a dry run begins with. */
export function emptyRecording(): Recording {
	return {
		statements: [],
		steps: [],
		problems: [],
		losses: [],
		deleted: new Map(),
		tables: new Map(),
		untried: new Set(),
		copies: new Map(),
		algorithms: new Map(),
		refusedCopies: [],
		notes: new Set(),
		isUntried: false,
	};
}
