/** One way to do an operation; `turn` differs from call to call. */
export type Way = (turn: number) => Promise<unknown>;

const ROUNDS = 15;
/** Of one way in one round, in milliseconds. */
const ROUND_TIME = 25;
const WARM_UP = 60;

/**
 * Microseconds that a call takes in each way, with so many callers at once. The ways take turns in every round, so that
 * what else the machine does strikes all of them; the median of the rounds counts.
 */
export async function measure<Name extends string>(
	ways: Record<Name, Way>,
	callers: number,
): Promise<Record<Name, number>> {
	const names = Object.keys(ways) as Name[];
	const times = new Map<Name, number[]>(names.map((name) => [name, []]));
	let turn = callers * 1_000_000;
	const next = () => turn++;
	const calls = new Map<Name, number>();
	for (const name of names) {
		await time(ways[name], WARM_UP, callers, next);
		const once = (await time(ways[name], WARM_UP, callers, next)) / WARM_UP;
		calls.set(name, Math.max(callers, Math.round(ROUND_TIME / once)));
	}
	for (let round = 0; round < ROUNDS; round++) {
		for (const name of round % 2 ? [...names].reverse() : names) {
			const count = calls.get(name) ?? 1;
			times.get(name)?.push(((await time(ways[name], count, callers, next)) / count) * 1000);
		}
	}
	return Object.fromEntries(names.map((name) => [name, median(times.get(name) ?? [])])) as Record<Name, number>;
}

/** Milliseconds that so many calls take. */
async function time(way: Way, calls: number, callers: number, next: () => number): Promise<number> {
	let left = calls;
	const caller = async () => {
		while (left-- > 0) await way(next());
	};
	const start = performance.now();
	await Promise.all(Array.from({ length: callers }, caller));
	return performance.now() - start;
}

function median(values: number[]): number {
	return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
