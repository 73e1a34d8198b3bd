import type { DataSource } from "typeorm";
import { plan } from "../dataSource";
import type { MigrationPlan, Step } from "../deploy";
import { isGaleraNode } from "../deploy/lease";
import { resolveSettings } from "../settings/settings";
import { EXIT } from "./commands";
import { connected } from "./connected";
import { duration, stepText } from "./runEvents";
import type { Work } from "./work";

/** Prints what `migrate` would execute on this very database, as SQL that can be kept in a file. */
export const planCommand: Work = (given, output) => {
	const { allowTableCopy } = resolveSettings(given.settings).settings;
	return connected(given, output, async (dataSource) => {
		const found = await plan(dataSource, { allowTableCopy });
		const { refusals, steps } = found;
		const ok = refusals.length === 0;
		const isCluster = steps.length > 0 && (await isOnCluster(dataSource));
		const estimated = steps.map((step) => ({ ...step, estimatedSeconds: secondsOf(step) }));
		if (output.json) output.result(JSON.stringify({ ok, isCluster, ...found, steps: estimated }, null, 2));
		else output.result(planText(found, isCluster));
		for (const refusal of refusals) output.error(`migrate would be refused: ${refusal}`);
		return ok ? EXIT.done : EXIT.refused;
	});
};

async function isOnCluster(dataSource: DataSource): Promise<boolean> {
	const queryRunner = dataSource.createQueryRunner();
	try {
		return await isGaleraNode(queryRunner);
	} finally {
		await queryRunner.release();
	}
}

function planText({ migrations, unplanned, statements, steps }: MigrationPlan, isCluster: boolean): string {
	if (!migrations.length) return "-- No migrations are pending";
	const lines = [`-- ${migrations.length} pending: ${migrations.join(", ")}`];
	if (unplanned.length) lines.push(`-- not planned, since they are the application's own: ${unplanned.join(", ")}`);
	if (isCluster) lines.push("-- on this cluster every node waits for each statement that changes a table");
	const left = steps.map((step) => ({ ...step, total: steps.length }));
	for (const statement of statements) {
		if (left[0]?.sql === statement) {
			const step = left.shift();
			if (step) lines.push("", `-- ${stepText(step)}${waitText(step, isCluster)}`);
		}
		lines.push(`${statement};`);
	}
	return lines.join("\n");
}

/** Rows a second, as measured on two processors with tables in memory: a disk may take several times as long. */
const RATES = { INPLACE: 300_000, COPY: 100_000 } as const;

function secondsOf({ algorithm, rows = 0 }: Step): number {
	return algorithm === "INPLACE" || algorithm === "COPY" ? Math.ceil(rows / RATES[algorithm]) : 0;
}

/** Who waits for a step, and for how long about. */
function waitText(step: Step, isCluster: boolean): string {
	const { algorithm } = step;
	if (algorithm === undefined) return "";
	if (algorithm === "INSTANT") return ": nobody waits";
	const about = `about ${duration(secondsOf(step))}`;
	if (isCluster) return `: every node waits, ${about}`;
	return algorithm === "COPY" ? `: writers wait, ${about}` : `: readers and writers go on, ${about}`;
}
