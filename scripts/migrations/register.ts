/** The list in index.ts with a migration added at its end. */
export function register(list: string, file: string, className: string): string {
	const imported = list.lastIndexOf("\nimport ");
	const end = list.indexOf("\n", imported + 1);
	const close = list.indexOf("];", list.indexOf("export const migrations = ["));
	if (end < 0 || close < 0) throw new Error("src/migrations/index.ts has no list of migrations to add to");
	const line = `import { ${className} } from "./${file.replace(/\.ts$/, "")}";\n`;
	return `${list.slice(0, end + 1)}${line}${list.slice(end + 1, close)}\t${className},\n${list.slice(close)}`;
}

/** Later than every migration of the list, and not before now. */
export function nextTimestamp(list: string, now: number): number {
	const stamps = [...list.matchAll(/-?(\d{13})\b/g)].map((match) => Number(match[1]));
	return Math.max(now, ...stamps.map((stamp) => stamp + 1000));
}
