import type { OldDashboard } from "./oldDashboard";

/** The kinds of databases that older dashboards left behind. */
export const ADOPTION_CASES: Readonly<Record<string, OldDashboard>> = {
	"releases 1.1 to 1.5": {},
	"a server without explicit defaults for TIMESTAMP": { explicitTimestamps: false },
	"the early draft": { draft: true },
	"the early draft without explicit defaults for TIMESTAMP": { draft: true, explicitTimestamps: false },
	"foreign keys with other names": { foreignKeyNames: "numbers" },
	"a single global row": { globalRows: 1 },
	"nineteen global rows": { globalRows: 19 },
};
