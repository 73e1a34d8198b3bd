import { readFileSync } from "node:fs";
import path from "node:path";
import type { MigrationStep } from "../history";
import type { RepositoryMethod } from "../methods";
import { renderDiagram } from "./diagram";
import { escapeText, markup, rich } from "./markup";
import type { PageChange, PageColumn, PageIndex, PageKey, PageModel, PageTable, Transitions } from "./model";
import { renderStates } from "./states";

/** Far enough from each other to be distinguished in both themes; a further table starts again. */
const HUES = [262, 152, 26, 338, 205, 48, 300, 180];

/** Yellow, green and cyan are lighter than other hues, and must be darker to be read on white. */
const colorOf = (hue: number) => `--hue:${hue}${hue > 30 && hue < 200 ? ";--lightness:27%" : ""}`;

/** In the order in which their rules win over each other. */
const STYLES = ["page.css", "diagram.css", "tables.css", "states.css", "media.css"];

const asset = (name: string) => readFileSync(path.join(__dirname, "browser", name), "utf8");

/** The whole page, which needs nothing besides itself. */
export function renderPage(model: PageModel): string {
	const { tables } = model;
	const own = tables.filter((table) => table.isOwn);
	const hues = own.map((table, index) => `.c-${table.name}{${colorOf(HUES[index % HUES.length] ?? 0)}}`);
	const grey = tables.filter((table) => !table.isOwn).map((table) => `.c-${table.name}{--chroma:8%}`);
	const columns = tables.reduce((sum, table) => sum + table.columns.length, 0);
	return markup`<!doctype html>
<!-- Written by npm run docs from the entities, the migrations and the repositories; do not edit. -->
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Workspaces schema</title>
<link rel="icon" href="data:,">
<style>
${STYLES.map(asset).join("")}${[...hues, ...grey].join("\n")}
</style>
</head>
<body>
<header class="top">
<h1><a href="#top">Workspaces schema</a></h1>
<nav aria-label="Tables">${tables.map((table) => `<a class="chip c-${table.name}" href="#${table.name}">${table.name}</a>`)}<a class="chip" href="#migrations">migrations</a></nav>
<input id="find" type="search" placeholder="Find a column" aria-label="Find a column">
<button id="theme" type="button" aria-label="Change between dark and light" title="Dark or light">◐</button>
</header>
<main id="top">
<section aria-label="Diagram">
<div class="canvas" id="canvas" tabindex="0" aria-label="Diagram: drag to move, use the wheel with Ctrl, or plus and minus, to zoom">
${renderDiagram(model)}
<div class="bar"><p class="hint">Drag to move. Ctrl and wheel, two fingers, or + and − to zoom. 0 shows everything.</p>
<div class="tools"><button type="button" data-zoom="out" aria-label="Zoom out">−</button><button type="button" data-zoom="in" aria-label="Zoom in">+</button><button type="button" data-zoom="fit" aria-label="Show everything">⤢</button></div></div>
</div>
${renderLegend()}
<p class="summary">${tables.length} tables, ${columns} columns, ${model.steps.length} migrations. Grey, with a dashed frame: a table of the dashboard's own, of which only the columns are shown that the others refer to.</p>
</section>
${tables.map((table) => renderTable(table, tables))}
${renderOthers(model)}
${renderMigrations(model.steps)}
</main>
<script>
${asset("page.js")}</script>
</body>
</html>
`;
}

function renderLegend(): string {
	const line = (kind: string, label: string) =>
		`<span><svg class="sample ${kind}" viewBox="0 0 44 12" aria-hidden="true"><path d="M0 6h44"/></svg>${label}</span>`;
	return `<p class="legend">
${line("cascades", "deleted with its parent")}
${line("clears", "the column becomes NULL")}
<span><b class="tag primary">PK</b> primary key</span><span><b class="tag key">FK</b> foreign key</span><span><b class="tag unique">UQ</b> unique</span>
<span><b class="mono">?</b> may be NULL</span>
<span><svg class="sample lock" viewBox="0 0 12 12" aria-hidden="true"><path d="M2 5h8v6h-8zm1.5 0v-2a2.5 2.5 0 0 1 5 0v2"/></svg>not selected unless asked for</span>
</p>`;
}

function renderTable(table: PageTable, tables: readonly PageTable[]): string {
	const referring = tables.flatMap((other) => other.keys).filter((key) => key.refersTo === table.name);
	return markup`<section class="card c-${table.name}" id="${table.name}" aria-labelledby="${table.name}-title">
<h2 id="${table.name}-title"><a href="#${table.name}">${table.name}</a> <small>${table.entity}</small></h2>
<p class="purpose">${rich(table.purpose)}</p>
${renderColumns(table)}
${table.transitions && renderTransitions(table, table.transitions)}
${table.isOwn && table.indexes.length > 0 && renderIndexes(table)}
${renderKeys(table.keys, referring)}
${table.methods.length > 0 && renderMethods(`${table.entity}Repository`, "What reads and writes it", table.methods)}
</section>`;
}

function renderColumns(table: PageTable): string {
	const rows = table.columns.map((column) => {
		return markup`<tr id="${table.name}.${column.name}" data-column="${column.name}">
<th scope="row" data-label="Column"><a href="#${table.name}.${column.name}"><code>${column.name}</code></a>${marks(column)}</th>
<td data-label="Property"><code>${column.property}</code></td>
<td data-label="Type">${renderType(column)}</td>
<td data-label="NULL">${column.nullable ? "NULL" : "NOT NULL"}</td>
<td data-label="Default">${rich(column.default)}</td>
<td data-label="What it is for">${rich(column.purpose)}</td>
<td data-label="History">${renderHistory(column.history)}</td></tr>
`;
	});
	const heads = ["Column", "Property", "Type", "NULL", "Default", "What it is for", "History"];
	return renderGrid("columns", heads, rows);
}

function renderGrid(kind: string, heads: readonly string[], rows: readonly string[]): string {
	return markup`<div class="scroll"><table class="${kind}"><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`)}</tr></thead><tbody>
${rows}</tbody></table></div>`;
}

function marks(column: PageColumn): string {
	return markup`${column.isPrimary && ' <b class="tag primary">PK</b>'}${column.refersTo && ' <b class="tag key">FK</b>'}${column.isUnique && ' <b class="tag unique">UQ</b>'}${column.isSecret && ' <b class="tag secret">hidden</b>'}`;
}

function renderType(column: PageColumn): string {
	if (column.values.length) {
		return `enum<ul class="values">${column.values.map((value) => `<li><code>${value}</code></li>`).join("")}</ul>`;
	}
	if (column.expression) return `${escapeText(column.type)}, virtual: <code>${escapeText(column.expression)}</code>`;
	return escapeText(column.type);
}

function renderHistory(history: readonly PageChange[]): string {
	const entries = history.map(
		(change) => `<li><a class="step" href="#migration-${change.step}">${change.step}</a> ${rich(change.what)}</li>`,
	);
	return entries.length ? `<ul class="history">${entries.join("")}</ul>` : "the dashboard's own";
}

function renderTransitions(table: PageTable, transitions: Transitions): string {
	const statuses = table.columns.find((column) => column.name === "status")?.values ?? [];
	const after = (from: string) => statuses.filter((to) => transitions[to]?.includes(from));
	const list = (names: readonly string[]) => names.map((name) => `<code>${name}</code>`).join(" ") || "–";
	const rows = statuses.map(
		(status) =>
			markup`<tr><th scope="row" data-label="Status"><code class="status s-${status}">${status}</code></th><td data-label="Comes from">${list(transitions[status] ?? [])}</td><td data-label="Leads to">${list(after(status))}</td></tr>
`,
	);
	return markup`<h3>Statuses</h3>
<div class="beside"><figure>${renderStates(table, transitions)}</figure>
<div>${renderGrid("statuses", ["Status", "Comes from", "Leads to"], rows)}
<p class="note">Methods reject any other change with <code>InvalidTransitionError</code>; <code>reconcile</code> alone makes a row what Docker says.</p></div></div>`;
}

function renderIndexes(table: PageTable): string {
	const rows = table.indexes.map(
		(index: PageIndex) =>
			markup`<tr id="${table.name}.${index.name}.index"><th scope="row" data-label="Index"><code>${index.name}</code>${index.unique && ' <b class="tag unique">UQ</b>'}</th><td data-label="Columns">${index.columns.map((column) => `<a href="#${table.name}.${column}"><code>${column}</code></a> `)}</td><td data-label="What reads it">${withMethods(index.purpose, `${table.entity}Repository`)}</td><td data-label="History">${renderHistory(index.history)}</td></tr>
`,
	);
	return `<h3>Indexes</h3>${renderGrid("indexes", ["Index", "Columns", "What reads it", "History"], rows)}`;
}

/** Text in which each method is a link to what is said of it; one of another repository stands behind its name. */
function withMethods(text: string, repository: string): string {
	return rich(text).replace(/<code>(?:(\w+)\.)?(\w+)<\/code>/g, (code, other: string | undefined, method: string) => {
		return `<a href="#${other ?? repository}.${method}">${code}</a>`;
	});
}

function renderKeys(keys: readonly PageKey[], referring: readonly PageKey[]): string {
	const link = (table: string, column = "") =>
		`<a class="chip c-${table}" href="#${table}${column && `.${column}`}">${table}${column && `.${column}`}</a>`;
	const own = keys.map(
		(key) =>
			`<li><a href="#${key.table}.${key.column}"><code>${key.column}</code></a> refers to ${link(key.refersTo)}: when the parent is deleted, ${escapeText(key.deletion)}. <small><code>${key.name}</code></small></li>`,
	);
	const others = referring.map((key) => `<li>${link(key.table, key.column)}: ${escapeText(key.deletion)}.</li>`);
	return markup`${own.length > 0 && `<h3>Foreign keys</h3><ul class="keys">${own.join("")}</ul>`}
${others.length > 0 && `<h3>When a row of this table is deleted</h3><ul class="keys">${others.join("")}</ul>`}`;
}

function renderMethods(name: string, title: string, methods: readonly RepositoryMethod[]): string {
	const items = methods.map(
		(method) =>
			`<div id="${name}.${method.name}"><dt><code>${method.name}</code></dt><dd>${rich(method.purpose)}</dd></div>`,
	);
	return `<h3>${title}: <code>${name}</code></h3><dl class="methods">${items.join("\n")}</dl>`;
}

function renderOthers({ others }: PageModel): string {
	if (others.size === 0) return "";
	const lists = [...others].map(([name, methods]) => renderMethods(name, "More than one table", methods));
	return `<section class="card" id="more" aria-label="Repositories of more than one table">${lists.join("")}</section>`;
}

function renderMigrations(steps: readonly MigrationStep[]): string {
	const items = steps.map((step, index) => {
		const tables = [...new Set(step.changes.map((change) => change.table))];
		return markup`<li id="migration-${index + 1}"><span class="step">${index + 1}</span>
<h3>${step.name}<small>${step.timestamp}</small></h3><p>${rich(step.purpose)}</p>
<ul>${tables.map((table) => `<li><a class="chip c-${table}" href="#${table}">${table}</a> ${changesOf(step, table)}</li>`)}</ul></li>
`;
	});
	return markup`<section class="card" id="migrations" aria-labelledby="migrations-title"><h2 id="migrations-title"><a href="#migrations">Migrations</a></h2>
<p class="purpose">What each does to an empty database. In one whose tables an older dashboard made, it adds what is missing.</p>
<ol class="timeline">${items}</ol></section>`;
}

function changesOf(step: MigrationStep, table: string): string {
	const changes = step.changes.filter((change) => change.table === table);
	if (changes.some((change) => change.kind === "table")) {
		const count = (kind: string) => changes.filter((change) => change.kind === kind).length;
		const indexes = count("index");
		return `created with ${count("column")} columns and ${indexes} ${indexes === 1 ? "index" : "indexes"}`;
	}
	return changes
		.map(
			(change) =>
				`${change.kind === "key" ? "foreign key" : change.kind} <code>${change.name}</code> ${rich(change.what)}`,
		)
		.join(", ");
}
