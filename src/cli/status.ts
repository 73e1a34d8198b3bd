import { status } from "../dataSource";
import type { MigrationStatus } from "../deploy";
import { EXIT } from "./commands";
import { connected } from "./connected";
import type { Work } from "./work";

/** Lists each migration with what became of it on this database. */
export const statusCommand: Work = (given, output) =>
	connected(given, output, async (dataSource) => {
		const migrations = await status(dataSource);
		const ok = migrations.every(({ state }) => state === "applied" || state === "unknown");
		if (output.json) output.result(JSON.stringify({ ok, migrations }, null, 2));
		else output.result(statusText(migrations));
		return ok ? EXIT.done : EXIT.refused;
	});

const REMARKS: Partial<Record<MigrationStatus["state"], string>> = {
	"half reverted": "its revert was interrupted: revert goes on with it, migrate runs it again",
	unknown: "not in this release: another release ran it",
};

function statusText(migrations: readonly MigrationStatus[]): string {
	const width = Math.max(...migrations.map(({ name }) => name.length));
	return migrations
		.map(({ name, state, appliedAt }) => {
			const when = appliedAt ? ` at ${appliedAt.toISOString().replace(".000Z", "Z")}` : "";
			return `${name.padEnd(width)}  ${state}${when}${REMARKS[state] ? ` (${REMARKS[state]})` : ""}`;
		})
		.join("\n");
}
