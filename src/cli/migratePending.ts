import { formatReport } from "../deploy";
import { connected } from "./connected";
import { EXIT, type Work } from "./work";

/** Runs what is pending, under the module's guards. */
export const migratePending: Work = (given, output) =>
	connected(given, output, async (dataSource) => {
		await dataSource.runMigrations();
		const report = dataSource.migrationReport;
		if (output.json)
			output.result(JSON.stringify({ event: "report", ok: true, migrations: [], tables: [], ...report }));
		else if (report) output.result(formatReport(report));
		else output.result("Nothing to do: no migrations are pending");
		return EXIT.done;
	});
