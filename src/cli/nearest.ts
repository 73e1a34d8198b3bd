/** The word among those known that begins with what was typed, or differs from it by half its length at most. */
export function nearest(typed: string, known: Iterable<string>): string | undefined {
	let best: string | undefined;
	// What takes more steps has little in common with what was typed.
	let least = Math.floor(typed.length / 2) + 1;
	for (const word of known) {
		const steps = word.startsWith(typed) ? 0 : distance(typed, word);
		if (steps < least) [best, least] = [word, steps];
	}
	return best;
}

/** How many letters have to be typed, left out or replaced. */
function distance(one: string, other: string): number {
	let row = Array.from({ length: other.length + 1 }, (_, index) => index);
	for (let i = 1; i <= one.length; i++) {
		const next = [i];
		for (let j = 1; j <= other.length; j++) {
			const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
			next[j] = Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
		}
		row = next;
	}
	return row[other.length] ?? 0;
}
