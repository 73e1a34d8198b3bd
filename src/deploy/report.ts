import type { MigrationEvent } from "../schema/events";

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

/** What a run or revert of migrations did. */
export interface MigrationReport {
	/** Names of the migrations that were run or reverted. */
	readonly migrations: readonly string[];
	readonly tables: readonly TableReport[];
}

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
			// Each migration that looks at the table notes it.
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

/** The report as lines for a terminal. */
export function formatReport(report: MigrationReport): string {
	const width = Math.max(0, ...report.tables.map(({ table }) => table.length));
	const lines = report.tables.flatMap(({ table, outcome, changes, notes }) => {
		const indent = " ".repeat(width + 4);
		const details = [...changes.flatMap((change) => change.split("; ")), ...notes.map((note) => `note: ${note}`)];
		return [`  ${table.padEnd(width)}  ${WORDS[outcome]}`, ...details.map((detail) => `${indent}- ${detail}`)];
	});
	const count = report.migrations.length;
	return [`${count} migration${count === 1 ? "" : "s"}: ${report.migrations.join(", ")}`, ...lines].join("\n");
}
