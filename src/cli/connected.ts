import { createDataSource, type WorkspacesDataSource } from "../dataSource";
import type { Arguments } from "./arguments";
import type { Output } from "./output";

/** Connects, works, and disconnects whatever happens. What the DataSource would print is a remark. */
export async function connected<Result>(
	{ settings }: Arguments,
	output: Output,
	work: (dataSource: WorkspacesDataSource) => Promise<Result>,
): Promise<Result> {
	const dataSource = await createDataSource({ ...settings, log: output.remark }).initialize();
	try {
		return await work(dataSource);
	} finally {
		await dataSource.destroy();
	}
}
