/**
 * A reporter of node:test that writes one JSON line: how many tests passed, failed and were skipped, and which files
 * held none (node reports such a file as a test of the file's own name that passed).
 * @param {AsyncIterable<{ type: string, data: { name: string, file?: string, skip?: unknown, todo?: unknown, details?: { type?: string } } }>} source
 */
export default async function* countTests(source) {
	/** @type {{ passed: number, failed: number, skipped: number, empty: string[] }} */
	const counts = { passed: 0, failed: 0, skipped: 0, empty: [] };
	for await (const { type, data } of source) {
		if ((type !== "test:pass" && type !== "test:fail") || data.details?.type === "suite") continue;
		const ownFile = data.file !== undefined && (data.name === data.file || data.file.endsWith(`/${data.name}`));
		if (type === "test:fail") counts.failed += 1;
		else if (ownFile) counts.empty.push(data.name);
		else if (data.skip !== undefined || data.todo !== undefined) counts.skipped += 1;
		else counts.passed += 1;
	}
	yield `${JSON.stringify(counts)}\n`;
}
