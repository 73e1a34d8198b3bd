import { InvalidValueError, UnknownPropertyError } from "../../errors";

/**
 * Refuses a property that is not known: a misspelt one would be ignored, and the call would seem to have done what was
 * meant.
 *
 * @param known the names, each once
 * @throws UnknownPropertyError
 */
export function checkNames(entity: string, given: object, known: readonly string[]): void {
	if (typeof given !== "object" || given === null) {
		throw new InvalidValueError(entity, "properties", `an object with ${known.join(", ")}`);
	}
	const unknown = Object.keys(given).find((name) => !known.includes(name));
	if (unknown !== undefined) throw new UnknownPropertyError(entity, unknown, known, nearestOf(unknown, known));
}

/** Snake case and one or two slips are found; a name that has nothing in common is not. */
function nearestOf(name: string, known: readonly string[]): string | undefined {
	const plain = (text: string) => text.replaceAll(/[^a-z0-9]/gi, "").toLowerCase();
	const distances = known.map((candidate) => ({ candidate, distance: distanceOf(plain(name), plain(candidate)) }));
	const [nearest] = distances.sort((a, b) => a.distance - b.distance);
	return nearest && nearest.distance <= Math.max(2, name.length / 3) ? nearest.candidate : undefined;
}

/** How many characters to insert, delete or replace. */
function distanceOf(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
			next[j] = Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
		}
		row = next;
	}
	return row[b.length] ?? 0;
}
