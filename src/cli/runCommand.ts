import type { WorkspacesDataSource } from "../dataSource";
import { type DeployEvent, type DeployOptions, type DeployResult, formatReport } from "../deploy";
import { WorkspacesError } from "../errors";
import { resolveSettings } from "../settings/settings";
import type { Arguments } from "./arguments";
import { EXIT } from "./commands";
import { connected } from "./connected";
import { failureOf } from "./failure";
import type { Output } from "./output";
import { showEvents } from "./runEvents";
import { interruptibly } from "./signals";

type Report = Extract<DeployEvent, { readonly kind: "report" | "upToDate" }>;

/** What `migrate` and `revert` have in common: progress, interruption, and a report, also of a run that failed. */
export async function runCommand(
	given: Arguments,
	output: Output,
	work: (dataSource: WorkspacesDataSource, options: DeployOptions) => Promise<DeployResult>,
): Promise<number> {
	const { lockTimeout, tableTimeout, allowTableCopy, allowDataLoss } = resolveSettings(given.settings).settings;
	let report: Report | undefined;
	const show = showEvents(output);
	const onEvent = (event: DeployEvent) => {
		if (event.kind === "report" || event.kind === "upToDate") report = event;
		else show(event);
	};
	return connected(given, output, async (dataSource) => {
		const outcome = await interruptibly(output, (signal) =>
			work(dataSource, { lockTimeout, tableTimeout, allowTableCopy, allowDataLoss, onEvent, signal }),
		);
		output.line("");
		if (!("error" in outcome)) {
			showReport(output, report);
			return EXIT.done;
		}
		return showFailure(given, output, outcome, report);
	});
}

function showReport(output: Output, event: Report | undefined): void {
	if (output.json) output.result(JSON.stringify({ event: "report", ok: true, ...contentOf(event) }));
	else output.result(textOf(event));
}

function contentOf(event: Report | undefined) {
	return event?.kind === "report" ? event.report : { migrations: [], tables: [] };
}

function textOf(event: Report | undefined): string {
	if (event?.kind === "report") return formatReport(event.report);
	// TypeORM's logger gets the same message as a sentence.
	return `Nothing to do: ${event?.message.replace(/^No /, "no ") ?? "no migrations are pending"}`;
}

interface Ended {
	readonly error: unknown;
	readonly interruption: { readonly exitCode: number } | undefined;
}

function showFailure(
	given: Arguments,
	output: Output,
	{ error, interruption }: Ended,
	report: Report | undefined,
): number {
	const { exitCode, ...failure } = failureOf(error);
	if (output.json) {
		const next = nextOf(error, given);
		output.result(
			JSON.stringify({
				event: "report",
				ok: false,
				error: { ...failure, ...(next ? { next } : {}) },
				...contentOf(report),
			}),
		);
	}
	if (report?.kind === "report" && !output.json) output.error(`Done until then: ${formatReport(report.report)}`);
	output.error(`Error: ${failure.message}`);
	const next = nextOf(error, given);
	if (next) output.error(`Next: ${next}`);
	return interruption?.exitCode ?? exitCode;
}

/** What to type next. */
function nextOf(error: unknown, { command, args }: Arguments): string | undefined {
	const call = ["dployr-workspaces-db", ...args.map(shellWord)].join(" ");
	if (!(error instanceof WorkspacesError)) return undefined;
	switch (error.code) {
		case "INCOMPATIBLE_SCHEMA":
			return `correct what is listed, then ${command === "migrate" ? `dployr-workspaces-db plan, and ${call}` : call}`;
		case "DATA_LOSS":
			return `after a backup, if that data may be deleted: ${call} --allow-data-loss`;
		case "MISSING_PRIVILEGES":
			return `execute that GRANT, then ${call}`;
		case "FOREIGN_HISTORY":
			return `set DB_MIGRATIONS_TABLE=workspaces_migrations, and keep it set, then ${call}`;
		case "OPERATION_REFUSED":
			return "dployr-workspaces-db status";
		case "INTERRUPTED":
		case "LOCK_LOST":
		case "LOCK_TIMEOUT":
		case "TABLE_IN_USE":
		case "MIGRATION_FAILED":
			return call;
		default:
			return undefined;
	}
}

/** A word as a shell takes it. */
function shellWord(word: string): string {
	return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
