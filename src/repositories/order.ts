type Dated = { readonly id: number };

/**
 * Sorts rows that are read as a whole: to sort rows with a TEXT, the server would read each a second time. Rows without a
 * date come last; of two with the same date the newer one comes first.
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
