import type { Way } from "./measure";

export interface Operation {
	readonly name: string;
	/** Whether it runs on every request or in bulk: at most 1.2 times mysql2. */
	readonly isFrequent?: boolean;
	/** The id of the row that a turn works on, if not that of `rowOf`. */
	readonly row?: (turn: number) => number;
	readonly repository: Way;
	/** As it would be written with TypeORM's own repositories. */
	readonly typeorm: Way;
}

/** Callers at once share rows as little as browsers do. No other number in the statements is one of these ids. */
export const rowOf = (turn: number) => 1_001 + (turn % 500);

/** Previews that are running. */
export const ACTIVE = { first: 2_001, last: 2_030 };

export const activePreviewOf = (turn: number) => ACTIVE.first + (turn % (ACTIVE.last - ACTIVE.first + 1));

/** What a turn names a row that it makes. */
export const nameOf = (turn: number) => `turn-${turn}`;
