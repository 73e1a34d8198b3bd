import { readdirSync } from "node:fs";

const FILE = /^(\d{13})-(\w+)\.[jt]s$/;

/**
 * The names of the migrations, in the order in which they run, from the names of their files: TypeORM and the classes
 * are not loaded for it. A test holds that these are the names of the classes in the list.
 */
export function migrationNames(): string[] {
	return readdirSync(__dirname)
		.sort()
		.flatMap((file) => {
			const [, timestamp, name] = FILE.exec(file) ?? [];
			return timestamp && name ? [`${name}${timestamp}`] : [];
		});
}
