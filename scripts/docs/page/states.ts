import { escapeText, markup } from "./markup";
import type { PageTable, Transitions } from "./model";

const STEP = 84;
const HEIGHT = 38;
/** Above the first status, for the mark of the initial one. */
const TOP = 34;
const NODE = 104;
const CENTRE = 200;
const REACH = 34;

interface Arc {
	readonly from: number;
	readonly to: number;
}

/**
 * A state diagram: the statuses stand below each other in the order of the ENUM, arcs on the right lead down and those
 * on the left lead up; what is longer lies further out, so that no two arcs of a side cross without need.
 */
export function renderStates(table: PageTable, transitions: Transitions): string {
	const column = table.columns.find((one) => one.name === "status");
	const statuses = column?.values ?? [];
	const arcs = statuses.flatMap((to, index): Arc[] =>
		(transitions[to] ?? []).map((from) => ({ from: statuses.indexOf(from), to: index })),
	);
	const height = (statuses.length - 1) * STEP + HEIGHT + TOP + 8;
	const initial = statuses.findIndex((status) => column?.default === `\`${status}\``);
	const summary = `${statuses.length} statuses of ${table.name} and ${arcs.length} changes between them`;
	return markup`<svg class="states" viewBox="0 0 ${2 * CENTRE} ${height}" role="img" aria-label="${summary}">
${arcs.map((arc) => renderArc(arc, arcs, statuses))}
${statuses.map((status, index) => renderStatus(status, index, { initial, isFinal: !arcs.some((arc) => arc.from === index) }))}
</svg>`;
}

const middle = (index: number) => TOP + HEIGHT / 2 + index * STEP;

function renderStatus(
	status: string,
	index: number,
	{ initial, isFinal }: { readonly initial: number; readonly isFinal: boolean },
): string {
	const [x, y] = [CENTRE - NODE / 2, middle(index) - HEIGHT / 2];
	const box = (inset: number) =>
		`<rect x="${x + inset}" y="${y + inset}" width="${NODE - 2 * inset}" height="${HEIGHT - 2 * inset}" rx="${HEIGHT / 2 - inset}"/>`;
	return markup`<g class="state s-${status}" data-state="${status}">
${box(0)}${isFinal && box(3)}
${index === initial && `<path class="initial" d="M${CENTRE} ${y - 26}v22m-4.5 -6l4.5 6l4.5 -6"/><circle class="start" cx="${CENTRE}" cy="${y - 27}" r="5"/>`}
<text x="${CENTRE}" y="${y + HEIGHT / 2 + 4.5}">${escapeText(status)}</text></g>`;
}

function renderArc(arc: Arc, arcs: readonly Arc[], statuses: readonly string[]): string {
	const side = arc.to > arc.from ? 1 : -1;
	const x = CENTRE + (side * NODE) / 2;
	const [start, end] = [slot(arc, arcs, arc.from), slot(arc, arcs, arc.to)];
	const distance = Math.abs(arc.to - arc.from);
	const bulge = x + side * (REACH + (distance - 1) * REACH);
	const tip = x + side * 2;
	const [from = "", to = ""] = [statuses[arc.from], statuses[arc.to]];
	return markup`<g class="arc s-${to}" data-from="${from}" data-to="${to}"><title>${from} to ${to}</title>
<path d="M${x} ${start}C${bulge} ${start} ${bulge} ${end} ${tip} ${end}"/>
<path class="tip" d="M${tip} ${end}l${side * 8} -4v8z"/></g>`;
}

/**
 * The height at which an arc meets a status. Those that lead up end above those that lead down; of those that leave for
 * the same side the longest is outermost.
 */
function slot(arc: Arc, arcs: readonly Arc[], at: number): number {
	const isDown = arc.to > arc.from;
	const other = (one: Arc) => (one.from === at ? one.to : one.from);
	const here = arcs
		.filter((one) => (one.from === at || one.to === at) && one.to > one.from === isDown)
		.sort((one, two) => rank(other(one), at) - rank(other(two), at));
	const space = (HEIGHT - 8) / Math.max(1, here.length);
	return Math.round((middle(at) + (here.indexOf(arc) - (here.length - 1) / 2) * space) * 10) / 10;
}

/** Neighbours above come first, the nearest of them first; then those below, the furthest of them first. */
function rank(other: number, at: number): number {
	return other < at ? at - other : 1_000 + (1_000 - (other - at));
}
