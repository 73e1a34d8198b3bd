import type { MigrationEvent, Progress } from "../schema/context";
import type { StepRunning } from "./progress";

/** What became of one table. */
export interface TableReport {
	readonly table: string;
	readonly outcome: "created" | "adopted" | "changed" | "unchanged" | "dropped";
	/** What was added, changed, seeded or removed, in the order in which it happened. */
	readonly changes: readonly string[];
	/** Every row that was removed, as JSON. */
	readonly removed: readonly string[];
	/** What is worth knowing and was left alone. */
	readonly notes: readonly string[];
}

/**
 * What a run or revert of migrations did.
 *
 * @example
 * const { report } = await db.migrate();
 * const adopted = report?.tables.filter(({ outcome }) => outcome === "adopted").map(({ table }) => table);
 */
export interface MigrationReport {
	/** Names of the migrations that were run or reverted. */
	readonly migrations: readonly string[];
	readonly tables: readonly TableReport[];
}

/**
 * What a run or revert of migrations is doing, as it happens. The last one is `upToDate` or `report`.
 *
 * @example
 * await db.migrate({
 *   onEvent(event) {
 *     if (event.kind === "stepRunning") console.log(`${event.table}: ${event.percent ?? "?"} %`);
 *     if (event.kind === "waiting") console.log(`Waiting for ${event.who}`);
 *   },
 * });
 */
export type DeployEvent =
	| Progress
	| StepRunning
	/** A row is about to be deleted; emitted before it happens. */
	| { readonly kind: "removing"; readonly table: string; readonly row: string }
	/** Worth knowing before anything is changed. */
	| { readonly kind: "note"; readonly text: string }
	/** There was nothing to do. */
	| { readonly kind: "upToDate"; readonly message: string }
	| {
			readonly kind: "report";
			/** False where the run failed: then the report is of what was done until then. */
			readonly isComplete: boolean;
			/** Whether migrations were only recorded. */
			readonly isFake: boolean;
			readonly report: MigrationReport;
	  };

/** Condenses the events of a run, table by table. */
export function summarize(migrations: readonly string[], events: readonly MigrationEvent[]): MigrationReport {
	const names = [...new Set(events.map((event) => event.table))];
	const tables = names.map((table): TableReport => {
		const own = events.filter((event) => event.table === table);
		const text = (...kinds: MigrationEvent["kind"][]) =>
			own.filter((event) => kinds.includes(event.kind)).map((event) => event.text);
		return {
			table,
			outcome: outcomeOf(own),
			changes: text("changed", "seeded"),
			removed: text("removing"),
			// Each migration that inspects the table notes it.
			notes: [...new Set(text("note"))],
		};
	});
	return { migrations, tables };
}

function outcomeOf(events: readonly MigrationEvent[]): TableReport["outcome"] {
	const kinds = new Set(events.map((event) => event.kind));
	if (kinds.has("dropped")) return "dropped";
	if (kinds.has("created")) return "created";
	if (!kinds.has("changed") && !kinds.has("seeded") && !kinds.has("removing")) return "unchanged";
	return kinds.has("found") ? "adopted" : "changed";
}

const WORDS: Record<TableReport["outcome"], string> = {
	created: "created",
	adopted: "adopted",
	changed: "changed",
	unchanged: "left as it was",
	dropped: "dropped",
};

/**
 * The report as lines for a terminal.
 *
 * @example
 * const { report } = await db.migrate();
 * if (report) console.log(formatReport(report));
 */
export function formatReport(report: MigrationReport): string {
	const width = Math.max(0, ...report.tables.map(({ table }) => table.length));
	const lines = report.tables.flatMap(({ table, outcome, changes, notes }) => {
		const indent = " ".repeat(width + 4);
		const details = [...changes, ...notes.map((note) => `note: ${note}`)];
		return [`  ${table.padEnd(width)}  ${WORDS[outcome]}`, ...details.map((detail) => `${indent}- ${detail}`)];
	});
	const count = report.migrations.length;
	const names = report.migrations.length ? `: ${report.migrations.join(", ")}` : "";
	return [`${count} migration${count === 1 ? "" : "s"}${names}`, ...lines].join("\n");
}

/**
 * The line that a log shows for an event; undefined where it shows none.
 *
 * @example
 * await db.migrate({ onEvent: (event) => console.log(describeEvent(event) ?? event.kind) });
 */
export function describeEvent(event: DeployEvent): string | undefined {
	switch (event.kind) {
		case "waiting": {
			const { table, who, seconds, timeout } = event;
			const what = event.for === "lock" ? `another run migrates this database: ${who}` : `${table} is in use: ${who}`;
			return `${what}; waiting up to ${Math.max(timeout - seconds, 0)} s`;
		}
		case "removing":
			return `removing from ${event.table}: ${event.row}`;
		case "note":
			return `note: ${event.text}`;
		case "upToDate":
			return event.message;
		case "report": {
			if (event.isFake) return `only recorded, not done: ${event.report.migrations.join(", ")}`;
			return event.isComplete ? formatReport(event.report) : `until then:\n${formatReport(event.report)}`;
		}
		default:
			return undefined;
	}
}
