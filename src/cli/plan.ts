import { plan } from "../dataSource";
import { connected } from "./connected";
import { EXIT, type Work } from "./work";

/** Prints what `migrate` would execute on this very database, as SQL that can be kept in a file. */
export const planCommand: Work = (given, output) =>
	connected(given, output, async (dataSource) => {
		const { migrations, statements } = await plan(dataSource);
		if (output.json) {
			output.result(JSON.stringify({ ok: true, migrations, statements }, null, 2));
		} else if (migrations.length) {
			output.result(`-- ${migrations.length} pending: ${migrations.join(", ")}`);
			for (const statement of statements) output.result(`${statement};`);
		} else {
			output.result("-- No migrations are pending");
		}
		return EXIT.done;
	});
