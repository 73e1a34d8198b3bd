/** A box to place, and where it ends up. */
export interface Box {
	readonly id: string;
	readonly width: number;
	readonly height: number;
}

/** A line from the right side of one box to the left side of another. */
export interface Line {
	readonly from: string;
	readonly to: string;
	/** The height at which it leaves or arrives, below the top of the box; wherever there is room if it is left out. */
	readonly fromY?: number | undefined;
	readonly toY?: number | undefined;
}

export interface Point {
	readonly x: number;
	readonly y: number;
}

export interface Layout {
	readonly width: number;
	readonly height: number;
	/** The upper left corner of each box. */
	readonly places: ReadonlyMap<string, Point>;
	/** One orthogonal path for each line, in their order. */
	readonly paths: readonly (readonly Point[])[];
}

const GAP = 36;
const LANE = 14;
const CHANNEL = 76;
const PORT = 16;
const PASS = 8;

/** A box, or a place at which a line passes a layer. */
interface Node extends Box {
	readonly isPass: boolean;
}

interface Hop {
	readonly line: number;
	readonly from: Node;
	readonly to: Node;
	readonly fromY: number | undefined;
	readonly toY: number | undefined;
}

/**
 * Places boxes in layers from left to right, each behind those that it has a line from, in the order in which lines
 * cross and bend least, and gives every line a lane of its own between two layers.
 */
export function layOut(boxes: readonly Box[], lines: readonly Line[]): Layout {
	const { layers, hops } = toLayers(boxes, lines);
	order(layers, hops);
	const tops = stack(layers);
	const ends = portsOf(layers, hops, tops);
	const channels = layers.slice(1).map((layer) =>
		lanesOf(
			hops.filter((hop) => layer.includes(hop.to)),
			ends,
		),
	);
	const places = new Map<string, Point>();
	const laneX = new Map<Hop, number>();
	let x = 0;
	for (const [index, layer] of layers.entries()) {
		const width = Math.max(...layer.map((node) => node.width));
		for (const node of layer) places.set(node.id, { x, y: tops.get(node.id) ?? 0 });
		x += width;
		const lanes = channels[index] ?? [];
		for (const [lane, hop] of lanes.entries()) laneX.set(hop, x + CHANNEL / 2 + lane * LANE);
		if (index < layers.length - 1) x += CHANNEL + Math.max(0, lanes.length - 1) * LANE;
	}
	const paths = lines.map((_, index) =>
		pathOf(
			hops.filter((hop) => hop.line === index),
			{ places, ends, laneX },
		),
	);
	const height = Math.max(...layers.flat().map((node) => (tops.get(node.id) ?? 0) + node.height));
	return { width: x, height, places, paths };
}

function toLayers(boxes: readonly Box[], lines: readonly Line[]): { layers: Node[][]; hops: Hop[] } {
	const ranks = new Map<string, number>();
	const rankOf = (id: string, below: readonly string[] = []): number => {
		if (below.includes(id)) return 0;
		const parents = lines.filter((line) => line.to === id && line.from !== id).map((line) => line.from);
		const rank = ranks.get(id) ?? Math.max(0, ...parents.map((parent) => rankOf(parent, [...below, id]) + 1));
		ranks.set(id, rank);
		return rank;
	};
	const layers: Node[][] = [];
	const nodes = new Map<string, Node>();
	const place = (node: Node, rank: number) => {
		layers[rank] = [...(layers[rank] ?? []), node];
		nodes.set(node.id, node);
		return node;
	};
	for (const box of boxes) place({ ...box, isPass: false }, rankOf(box.id));
	const hops = lines.flatMap((line, index): Hop[] => {
		const [from, to] = [nodes.get(line.from), nodes.get(line.to)];
		if (!from || !to || rankOf(line.from) >= rankOf(line.to)) return [];
		const passes: Node[] = [];
		for (let rank = rankOf(line.from) + 1; rank < rankOf(line.to); rank++) {
			passes.push(place({ id: `${index}@${rank}`, width: 0, height: PASS, isPass: true }, rank));
		}
		const stops = [from, ...passes, to];
		return stops.slice(1).map((node, position) => {
			const start = stops[position] ?? from;
			const fromY = start.isPass ? PASS / 2 : line.fromY;
			return { line: index, from: start, to: node, fromY, toY: node.isPass ? PASS / 2 : line.toY };
		});
	});
	return { layers, hops };
}

/** Swaps neighbours for as long as that makes the drawing simpler. */
function order(layers: Node[][], hops: readonly Hop[]): void {
	let best = cost(layers, hops);
	for (let improved = true; improved; ) {
		improved = false;
		for (const layer of layers) {
			for (let one = 0; one < layer.length; one++) {
				for (let other = one + 1; other < layer.length; other++) {
					swap(layer, one, other);
					const now = cost(layers, hops);
					if (now < best - 0.5) {
						best = now;
						improved = true;
					} else swap(layer, one, other);
				}
			}
		}
	}
}

function swap(layer: Node[], one: number, other: number): void {
	const [first, second] = [layer[one], layer[other]];
	if (first && second) [layer[one], layer[other]] = [second, first];
}

function cost(layers: readonly Node[][], hops: readonly Hop[]): number {
	const tops = stack(layers);
	const ends = portsOf(layers, hops, tops);
	const heights = hops.map((hop) => ends.get(hop) ?? { from: 0, to: 0 });
	const bends = heights.reduce((sum, { from, to }) => sum + Math.abs(from - to), 0);
	return bends + 1_000 * crossings(layers, hops, ends);
}

type Ends = ReadonlyMap<Hop, { readonly from: number; readonly to: number }>;

function crossings(layers: readonly Node[][], hops: readonly Hop[], ends: Ends): number {
	let count = 0;
	for (const layer of layers) {
		const between = hops.filter((hop) => layer.includes(hop.to));
		for (const [index, one] of between.entries()) {
			for (const other of between.slice(index + 1)) {
				const [a, b] = [ends.get(one), ends.get(other)];
				if (a && b && (a.from - b.from) * (a.to - b.to) < 0) count++;
			}
		}
	}
	return count;
}

/** The top of every node: each layer is a stack, and the stacks are centred. */
function stack(layers: readonly Node[][]): Map<string, number> {
	const heightOf = (layer: readonly Node[]) => layer.reduce((sum, node) => sum + node.height + GAP, -GAP);
	const height = Math.max(...layers.map(heightOf));
	const tops = new Map<string, number>();
	for (const layer of layers) {
		let y = (height - heightOf(layer)) / 2;
		for (const node of layer) {
			tops.set(node.id, y);
			y += node.height + GAP;
		}
	}
	return tops;
}

/** Where each hop leaves and arrives: those that may leave a box anywhere spread over its side in the order of where they go. */
function portsOf(layers: readonly Node[][], hops: readonly Hop[], tops: ReadonlyMap<string, number>): Ends {
	const heightAt = (node: Node, y: number | undefined) => (tops.get(node.id) ?? 0) + (y ?? node.height / 2);
	const froms = new Map(hops.map((hop) => [hop, heightAt(hop.from, hop.fromY)]));
	const tos = new Map(hops.map((hop) => [hop, heightAt(hop.to, hop.toY)]));
	for (const node of layers.flat()) {
		const top = tops.get(node.id) ?? 0;
		const leaving = hops.filter((hop) => hop.from === node && hop.fromY === undefined);
		const arriving = hops.filter((hop) => hop.to === node && hop.toY === undefined);
		spread(leaving, { top, height: node.height, wanted: tos, result: froms });
		spread(arriving, { top, height: node.height, wanted: froms, result: tos });
	}
	return new Map(hops.map((hop) => [hop, { from: froms.get(hop) ?? 0, to: tos.get(hop) ?? 0 }]));
}

interface Side {
	readonly top: number;
	readonly height: number;
	readonly wanted: ReadonlyMap<Hop, number>;
	readonly result: Map<Hop, number>;
}

/** Puts each end as near to the height of its other end as the side of the box and the ends before it admit. */
function spread(hops: readonly Hop[], { top, height, wanted, result }: Side): void {
	const at = (hop: Hop) => wanted.get(hop) ?? 0;
	const space = Math.min(PORT, (height - PORT) / Math.max(1, hops.length));
	const [low, high] = [top + PORT, top + height - PORT / 2];
	let previous = Number.NEGATIVE_INFINITY;
	for (const [index, hop] of [...hops].sort((one, other) => at(one) - at(other)).entries()) {
		const last = high - (hops.length - 1 - index) * space;
		previous = Math.min(Math.max(low, at(hop), previous + space), last);
		result.set(hop, previous);
	}
}

/** The hops of a channel in the order of their lanes, such that few cross. */
function lanesOf(hops: readonly Hop[], ends: Ends): Hop[] {
	const span = (hop: Hop) => ends.get(hop) ?? { from: 0, to: 0 };
	const bent = hops.filter((hop) => span(hop).from !== span(hop).to);
	const down = bent.filter((hop) => span(hop).to > span(hop).from);
	const up = bent.filter((hop) => span(hop).to < span(hop).from);
	// What goes furthest down turns first, so that the others pass above it; what goes up is the mirror image.
	down.sort((one, other) => span(other).to - span(one).to);
	up.sort((one, other) => span(one).to - span(other).to);
	const straight = hops.filter((hop) => !bent.includes(hop));
	return [...interleave(up, down), ...straight];
}

function interleave(one: readonly Hop[], other: readonly Hop[]): Hop[] {
	const length = Math.max(one.length, other.length);
	return Array.from({ length }, (_, index) => [one[index], other[index]])
		.flat()
		.filter((hop) => hop !== undefined);
}

function pathOf(
	hops: readonly Hop[],
	{ places, ends, laneX }: { places: ReadonlyMap<string, Point>; ends: Ends; laneX: ReadonlyMap<Hop, number> },
): Point[] {
	const points = hops.flatMap((hop): Point[] => {
		const { from, to } = ends.get(hop) ?? { from: 0, to: 0 };
		const start = (places.get(hop.from.id)?.x ?? 0) + hop.from.width;
		const lane = laneX.get(hop) ?? start;
		const end = places.get(hop.to.id)?.x ?? 0;
		return [
			{ x: start, y: from },
			{ x: lane, y: from },
			{ x: lane, y: to },
			{ x: end, y: to },
		];
	});
	return points.filter((point, index) => {
		const [before, after] = [points[index - 1], points[index + 1]];
		const isOnLine = before && after && before.y === point.y && point.y === after.y;
		return !isOnLine && !(before && before.x === point.x && before.y === point.y);
	});
}
