import { plan } from "../dataSource";
import type { MigrationPlan } from "../deploy";
import { resolveSettings } from "../settings/settings";
import { EXIT } from "./commands";
import { connected } from "./connected";
import { stepText } from "./runEvents";
import type { Work } from "./work";

/** Prints what `migrate` would execute on this very database, as SQL that can be kept in a file. */
export const planCommand: Work = (given, output) => {
	const { allowTableCopy } = resolveSettings(given.settings).settings;
	return connected(given, output, async (dataSource) => {
		const found = await plan(dataSource, { allowTableCopy });
		const { refusals } = found;
		const ok = refusals.length === 0;
		if (output.json) output.result(JSON.stringify({ ok, ...found }, null, 2));
		else output.result(planText(found));
		for (const refusal of refusals) output.error(`migrate would be refused: ${refusal}`);
		return ok ? EXIT.done : EXIT.refused;
	});
};

function planText({ migrations, unplanned, statements, steps }: MigrationPlan): string {
	if (!migrations.length) return "-- No migrations are pending";
	const lines = [`-- ${migrations.length} pending: ${migrations.join(", ")}`];
	if (unplanned.length) lines.push(`-- not planned, since they are the application's own: ${unplanned.join(", ")}`);
	const left = steps.map((step) => ({ ...step, total: steps.length }));
	for (const statement of statements) {
		if (left[0]?.sql === statement) {
			const step = left.shift();
			if (step) lines.push("", `-- ${stepText(step)}${WAITS[step.algorithm ?? "NONE"]}`);
		}
		lines.push(`${statement};`);
	}
	return lines.join("\n");
}

/** Who waits for a statement. */
const WAITS = {
	INSTANT: ": nobody waits",
	INPLACE: ": readers and writers go on",
	COPY: ": writers wait until it is done",
	NONE: "",
} as const;
