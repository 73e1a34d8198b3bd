import { FULL, SMALL } from "./migrate/oldData";
import { benchOnline, ONLINE_HEAD } from "./migrate/online";
import { benchProcesses, PROCESSES_HEAD } from "./migrate/processes";
import { onEachServer } from "./servers";

/** What a deploy costs as a process, and what a busy site notices of one. `--small` takes fewer rows. */
async function main(): Promise<void> {
	const size = process.argv.includes("--small") ? SMALL : FULL;
	await onEachServer(async (version) => {
		process.env["BENCH_TYPE"] = /mariadb/i.test(version) ? "mariadb" : "mysql";
		console.log(
			`\n## ${version}\n\nWork as multiples of TypeORM's plain CLI, nothing to do as multiples of the bare script.\n\n${PROCESSES_HEAD}`,
		);
		await benchProcesses();
		console.log(`\n${size.logs} log rows, ${size.workspaces} workspaces, ${size.previews} previews.\n\n${ONLINE_HEAD}`);
		await benchOnline(size);
	});
}

main().catch((error: unknown) => {
	console.error(error);
	process.exitCode = 1;
});
