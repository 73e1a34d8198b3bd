/** One way to do an operation; `turn` differs from call to call. */
export type Way = (turn: number) => Promise<unknown>;

/** Calls of one caller before it is the next way's turn. */
const CALLS = 4;
/** For one operation with so many callers, warming up not counted: in milliseconds, and in rounds at least. */
const DURATION = 1_000;
const LEAST_ROUNDS = 40;
const WARM_UP_ROUNDS = 40;

/**
 * Microseconds that a call takes in each way, with so many callers at once. The ways take short turns, so that what else
 * the machine does strikes all of them, and the median of the turns counts.
 */
export async function measure<Name extends string>(
	ways: Record<Name, Way>,
	callers: number,
): Promise<Record<Name, number>> {
	const names = Object.keys(ways) as Name[];
	const times = new Map<Name, number[]>(names.map((name) => [name, []]));
	let turn = callers * 1_000_000;
	const round = async (isCounted: boolean) => {
		for (const name of shuffled(names)) {
			const took = await timeOf(ways[name], callers, () => turn++);
			if (isCounted) times.get(name)?.push(took);
		}
	};
	for (let number = 0; number < WARM_UP_ROUNDS; number++) await round(false);
	const end = performance.now() + DURATION;
	for (let number = 0; number < LEAST_ROUNDS || performance.now() < end; number++) await round(true);
	return Object.fromEntries(names.map((name) => [name, median(times.get(name) ?? [])])) as Record<Name, number>;
}

async function timeOf(way: Way, callers: number, next: () => number): Promise<number> {
	const caller = async () => {
		for (let call = 0; call < CALLS; call++) await way(next());
	};
	const start = performance.now();
	await Promise.all(Array.from({ length: callers }, caller));
	return ((performance.now() - start) / (callers * CALLS)) * 1000;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
	return items
		.map((item) => ({ item, at: Math.random() }))
		.sort((a, b) => a.at - b.at)
		.map(({ item }) => item);
}

function median(values: number[]): number {
	return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
