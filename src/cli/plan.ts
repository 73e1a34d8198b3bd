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
		const rates = dataSource.options.type === "mariadb" ? RATES.mariadb : RATES.mysql;
		const estimated = steps.map((step) => ({ ...step, estimatedSeconds: secondsOf(step, rates) }));
		if (output.json) output.result(JSON.stringify({ ok, isCluster, ...found, steps: estimated }, null, 2));
		else output.result(planText(found, estimated, isCluster));
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

interface Estimated extends Step {
	/** Rounded up. */
	readonly estimatedSeconds: number;
}

function planText(
	{ migrations, unplanned, statements, notes }: MigrationPlan,
	estimated: readonly Estimated[],
	isCluster: boolean,
): string {
	if (!migrations.length) return "-- No migrations are pending";
	const lines = [comment(`${migrations.length} pending: ${migrations.join(", ")}`)];
	if (unplanned.length)
		lines.push(comment(`not planned, since they are the application's own: ${unplanned.join(", ")}`));
	if (isCluster) lines.push(comment("on this cluster every node waits for each statement that changes a table"));
	if (estimated.some(({ estimatedSeconds }) => estimatedSeconds > 1)) lines.push(comment(ESTIMATED));
	lines.push(...notes.map((note) => comment(`note: ${note}`)));
	const left = estimated.map((step) => ({ ...step, total: estimated.length }));
	for (const statement of statements) {
		if (left[0]?.sql === statement) {
			const step = left.shift();
			if (step) lines.push("", comment(`${stepText(step)}${waitText(step, isCluster)}`));
		}
		lines.push(`${statement};`);
	}
	return lines.join("\n");
}

/** In one line: a name may hold a line break, and what follows it would be a statement. */
function comment(text: string): string {
	return `-- ${text.replaceAll(/\s+/g, " ")}`;
}

/** Rows of `workspace_logs` a second, as measured on two processors with tables in memory. */
const RATES = {
	mariadb: { INPLACE: 300_000, COPY: 200_000 },
	mysql: { INPLACE: 300_000, COPY: 40_000 },
} as const;

/** Printed above the steps. */
const ESTIMATED =
	"times are guessed from the rows alone, by what tables in memory took: a disk or a busy server takes several times as long";

function secondsOf({ algorithm, rows = 0 }: Step, rates: { readonly INPLACE: number; readonly COPY: number }): number {
	return algorithm === "INPLACE" || algorithm === "COPY" ? Math.ceil(rows / rates[algorithm]) : 0;
}

/** Who waits for a step, and for how long about. */
function waitText({ algorithm, estimatedSeconds }: Estimated, isCluster: boolean): string {
	if (algorithm === undefined) return "";
	if (algorithm === "INSTANT") return ": nobody waits";
	const about = estimatedSeconds > 1 ? `about ${duration(estimatedSeconds)}` : "about a second or less";
	if (isCluster) return `: every node waits, ${about}`;
	return algorithm === "COPY" ? `: writers wait, ${about}` : `: readers and writers go on, ${about}`;
}
