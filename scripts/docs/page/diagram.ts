import { type Layout, layOut, type Point } from "./layout";
import { escapeText, markup } from "./markup";
import type { PageColumn, PageKey, PageModel, PageTable } from "./model";

const ROW = 23;
const HEADER = 38;
const FOOT = 7;
const MARGIN = 24;
/** Widths of a character, a little wider than common fonts have them. */
const MONO = 7.3;
const BADGE = 40;
const RADIUS = 8;

/** The entity-relationship diagram as one SVG. */
export function renderDiagram({ tables }: PageModel): string {
	const keys = tables.flatMap((table) => table.keys);
	const layout = layOut(
		tables.map((table) => ({ id: table.name, width: widthOf(table), height: heightOf(table) })),
		keys.map((key) =>
			isLeft(key.table, tables)
				? { from: key.table, fromY: rowY(tables, key), to: key.refersTo }
				: { from: key.refersTo, to: key.table, toY: rowY(tables, key) },
		),
	);
	const viewBox = [-MARGIN, -MARGIN, layout.width + 2 * MARGIN, layout.height + 2 * MARGIN].map(Math.round).join(" ");
	const summary = `${tables.length} tables and ${keys.length} foreign keys`;
	return markup`<svg id="diagram" class="diagram" viewBox="${viewBox}" role="img" aria-label="Diagram of ${summary}">
${keys.map((key, index) => renderKey(key, layout.paths[index] ?? [], tables))}
${tables.map((table) => renderTable(table, layout))}
</svg>`;
}

/** Children stand on the right of their parents; those of the application's tables alone on the left, for a low drawing. */
function isLeft(name: string, tables: readonly PageTable[]): boolean {
	const isOwn = (other: string) => tables.some((table) => table.name === other && table.isOwn);
	const keys = tables.flatMap((table) => table.keys);
	const parents = keys.filter((key) => key.table === name).map((key) => key.refersTo);
	return isOwn(name) && !parents.some(isOwn) && !keys.some((key) => key.refersTo === name);
}

function widthOf(table: PageTable): number {
	const rows = table.columns.map(
		(column) => (column.name.length + shortType(column).length + (column.isSecret ? 5 : 3)) * MONO + BADGE,
	);
	return Math.ceil(Math.max((table.name.length + 4) * 9, ...rows) / 10) * 10;
}

function heightOf(table: PageTable): number {
	return HEADER + table.columns.length * ROW + FOOT;
}

function rowY(tables: readonly PageTable[], key: PageKey): number {
	const columns = tables.find((table) => table.name === key.table)?.columns ?? [];
	return HEADER + (columns.findIndex((column) => column.name === key.column) + 0.5) * ROW;
}

function shortType(column: PageColumn): string {
	const type = column.values.length ? `enum, ${column.values.length}` : column.type;
	return `${type}${column.nullable ? "?" : ""}`;
}

function renderTable(table: PageTable, layout: Layout): string {
	const { x, y } = layout.places.get(table.name) ?? { x: 0, y: 0 };
	const [width, height] = [widthOf(table), heightOf(table)];
	return markup`<g class="table c-${table.name}${!table.isOwn && " foreign"}" data-table="${table.name}" transform="translate(${x} ${y})">
<rect class="shadow" y="2" width="${width}" height="${height}" rx="${RADIUS}"/>
<rect class="body" width="${width}" height="${height}" rx="${RADIUS}"/>
<a href="#${table.name}"><path class="head" d="M0 ${HEADER}V${RADIUS}a${RADIUS} ${RADIUS} 0 0 1 ${RADIUS} ${-RADIUS}H${width - RADIUS}a${RADIUS} ${RADIUS} 0 0 1 ${RADIUS} ${RADIUS}V${HEADER}Z"/>
<text class="name" x="14" y="${HEADER / 2 + 5}">${escapeText(table.name)}</text></a>
${table.columns.map((column, index) => renderColumn(table, column, { y: HEADER + index * ROW, width }))}
</g>`;
}

function renderColumn(table: PageTable, column: PageColumn, { y, width }: { y: number; width: number }): string {
	const middle = y + ROW / 2 + 4;
	const lock = 44 + column.name.length * MONO;
	return markup`<a class="column${!column.nullable && " required"}" href="#${table.name}.${column.name}" data-column="${column.name}"><title>${escapeText(column.purpose)}</title>
<rect class="row" x="1" y="${y}" width="${width - 2}" height="${ROW}"/>
${renderBadge(column, y)}<text class="field" x="${BADGE - 2}" y="${middle}">${escapeText(column.name)}</text>
${column.isSecret && `<path class="lock" d="M${lock} ${middle - 5}h8v6h-8zm1.5 0v-2a2.5 2.5 0 0 1 5 0v2"/>`}
<text class="type" x="${width - 12}" y="${middle}">${escapeText(shortType(column))}</text></a>`;
}

function renderBadge(column: PageColumn, y: number): string {
	const [kind, label] = badgeOf(column) ?? [];
	if (!kind) return "";
	return `<rect class="badge ${kind}" x="8" y="${y + 5}" width="24" height="13" rx="3"/><text class="badge-text" x="20" y="${y + 15}">${label}</text>`;
}

function badgeOf(column: PageColumn): readonly [string, string] | undefined {
	if (column.isPrimary) return ["primary", "PK"];
	if (column.refersTo) return ["key", "FK"];
	if (column.isUnique) return ["unique", "UQ"];
	return undefined;
}

function renderKey(key: PageKey, points: readonly Point[], tables: readonly PageTable[]): string {
	const isMirrored = isLeft(key.table, tables);
	const route = isMirrored ? [...points].reverse() : points;
	const [start, end] = [route[0], route.at(-1)];
	if (!start || !end) return "";
	const side = isMirrored ? -1 : 1;
	const kind = key.cascades ? "cascades" : "clears";
	return markup`<g class="link c-${key.refersTo} ${kind}" data-from="${key.refersTo}" data-to="${key.table}" data-key="${key.column}"><title>${key.table}.${key.column} refers to ${key.refersTo}: when the parent is deleted, ${escapeText(key.deletion)}</title>
<path class="hit" d="${rounded(route)}"/><path class="line" d="${rounded(route)}"/>
<path class="mark" d="${parentMark(start, side, key.optional)}${childMark(end, side, key.one)}"/></g>`;
}

/** One bar, and a second one, or a circle where there may be no parent; `side` is 1 on the right of a table, else -1. */
function parentMark({ x, y }: Point, side: number, optional: boolean): string {
	return `M${x + side * 6} ${y - 5}v10${optional ? circle(x + side * 13, y) : `M${x + side * 11} ${y - 5}v10`}`;
}

/** A circle, since there may be no child, and a crow's foot, or a bar where there is one at most. */
function childMark({ x, y }: Point, side: number, one: boolean): string {
	const foot = x - side * 11;
	return one
		? `M${x - side * 6} ${y - 5}v10${circle(x - side * 13, y)}`
		: `M${foot} ${y}L${x} ${y - 6}M${foot} ${y}L${x} ${y + 6}${circle(x - side * 15, y)}`;
}

function circle(x: number, y: number): string {
	return `M${x - 4} ${y}a4 4 0 1 1 8 0a4 4 0 1 1 -8 0`;
}

/** A path with rounded corners through the points. */
function rounded(points: readonly Point[]): string {
	return points
		.map((point, index) => {
			const [before, after] = [points[index - 1], points[index + 1]];
			if (!before) return `M${point.x} ${point.y}`;
			if (!after) return `L${point.x} ${point.y}`;
			const into = towards(point, before);
			const out = towards(point, after);
			return `L${into.x} ${into.y}Q${point.x} ${point.y} ${out.x} ${out.y}`;
		})
		.join("");
}

function towards(from: Point, to: Point): Point {
	const length = Math.hypot(to.x - from.x, to.y - from.y);
	const share = Math.min(RADIUS, length / 2) / (length || 1);
	const at = (one: number, other: number) => Math.round((one + (other - one) * share) * 10) / 10;
	return { x: at(from.x, to.x), y: at(from.y, to.y) };
}
