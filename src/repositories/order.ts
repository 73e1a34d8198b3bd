type Dated = { readonly id: number };

/**
 * Sorts here what is read whole anyway: the server would read each row a second time to sort rows with a TEXT.
 * Without a date, last; with the same one, the newer first.
 */
export function latestFirst<Item extends Dated>(items: Item[], date: (item: Item) => Date | null): Item[] {
	const time = (item: Item) => date(item)?.getTime() ?? 0;
	return items.sort((a, b) => time(b) - time(a) || b.id - a.id);
}

/** The same, with the earliest first. */
export function earliestFirst<Item extends Dated>(items: Item[], date: (item: Item) => Date): Item[] {
	return items.sort((a, b) => date(a).getTime() - date(b).getTime() || a.id - b.id);
}

/** By id, the highest first. */
export function highestIdFirst<Item extends Dated>(items: Item[]): Item[] {
	return items.sort((a, b) => b.id - a.id);
}
