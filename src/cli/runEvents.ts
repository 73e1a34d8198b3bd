import type { DeployEvent } from "../deploy";
import type { Output } from "./output";

type StepEvent = Extract<DeployEvent, { readonly kind: "step" | "stepRunning" | "stepDone" }>;

/** Seconds between two lines about the same step where no line can be written over. */
const REPORT_EVERY = 10;

/**
 * Shows the events of a run: on a terminal as one line that moves, elsewhere as a line when a step begins, every 10 s
 * and when it ends; with `--json` the same as one object a line. The report is the caller's.
 */
export function showEvents(output: Output): (event: DeployEvent) => void {
	let reported = 0;
	return (event) => {
		if (event.kind === "report" || event.kind === "upToDate") return;
		if (event.kind === "step") reported = 0;
		if (event.kind === "stepRunning" && !output.isTerminal) {
			if (event.seconds < reported + REPORT_EVERY) return;
			reported = event.seconds;
		}
		if (output.json) {
			const { kind, ...rest } = event;
			output.result(JSON.stringify({ event: kind, ...rest }));
		} else if (event.kind === "step" || event.kind === "stepRunning") {
			if (output.isTerminal) output.line(textOf(event));
			else output.remark(textOf(event));
		} else {
			output.line("");
			output.remark(textOf(event));
		}
	};
}

function textOf(event: Exclude<DeployEvent, { readonly kind: "report" | "upToDate" }>): string {
	switch (event.kind) {
		case "step":
			return stepText(event);
		case "stepRunning": {
			const percent = event.percent === undefined ? "" : `, ${event.percent.toFixed(0)} %`;
			return `${stepText(event)}: ${duration(event.seconds)}${percent}`;
		}
		case "stepDone":
			return `${placeOf(event)}: done in ${duration(event.milliseconds / 1000)}`;
		case "waiting": {
			const what = event.for === "lock" ? "another run migrates this database" : `${event.table} is in use`;
			return `${what}: ${event.who}; waiting up to ${duration(Math.max(event.timeout - event.seconds, 0))}`;
		}
		case "removing":
			return `removing from ${event.table}: ${event.row}`;
		case "note":
			return `note: ${event.text}`;
	}
}

const ALGORITHMS = { INSTANT: "instant", INPLACE: "in place", COPY: "a copy" } as const;

/** `3/9 workspace_logs: add index idx_created (1.0 M rows, in place)` */
export function stepText(step: Omit<StepEvent, "kind">): string {
	const { what, rows, algorithm } = step;
	const counted = rows === undefined ? undefined : `${shortened(rows)} row${rows === 1 ? "" : "s"}`;
	const details = [counted, algorithm && ALGORITHMS[algorithm]];
	const known = details.filter((detail) => detail !== undefined).join(", ");
	return `${placeOf(step)}: ${what.join("; ") || "first part of the next step"}${known && ` (${known})`}`;
}

function placeOf({ number, total, table }: Omit<StepEvent, "kind">): string {
	return `${total === undefined ? number : `${number}/${total}`} ${table}`;
}

export function shortened(count: number): string {
	if (count < 10_000) return String(count);
	return count < 1_000_000 ? `${Math.round(count / 1000)} k` : `${(count / 1_000_000).toFixed(1)} M`;
}

export function duration(seconds: number): string {
	if (seconds < 10) return `${Number.isInteger(seconds) ? seconds : seconds.toFixed(1)} s`;
	if (seconds < 120) return `${Math.round(seconds)} s`;
	const whole = Math.round(seconds);
	const minutes = Math.floor(whole / 60);
	if (minutes < 120) return [`${minutes} min`, ...(whole % 60 ? [`${whole % 60} s`] : [])].join(" ");
	return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
