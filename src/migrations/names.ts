import { readdirSync } from "node:fs";

const FILE = /^(\d{13})-(\w+)\.[jt]s$/;

/**
 * The names of the migrations, in the order in which they run. They come from the names of the files, so that neither
 * TypeORM nor the classes are loaded; a test compares them with the classes in the list.
 */
export function migrationNames(): string[] {
	return readdirSync(__dirname)
		.sort()
		.flatMap((file) => {
			const [, timestamp, name] = FILE.exec(file) ?? [];
			return timestamp && name ? [`${name}${timestamp}`] : [];
		});
}
