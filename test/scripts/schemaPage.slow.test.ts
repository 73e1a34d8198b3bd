import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { entities, PREVIEW_TRANSITIONS, WORKSPACE_TRANSITIONS } from "../../src";
import { CONTRACT, foreignKeys } from "../support/contract";

const PAGE = pathToFileURL(path.join(__dirname, "..", "..", "docs", "schema.html")).href;
const TABLES = ["dashboard_users", ...Object.keys(CONTRACT)];
const DESKTOP = { viewport: { width: 1400, height: 900 } };
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

const SCREENS = [
	{ name: "a desktop", ...DESKTOP },
	{ name: "a wide desktop", viewport: { width: 1920, height: 1080 } },
	{ name: "a low window", viewport: { width: 1280, height: 620 } },
	{ name: "a tablet", viewport: { width: 820, height: 1180 } },
	{ name: "a phone", ...PHONE },
];

let browser: Browser;

function findBrowser(): string {
	const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", process.env["CHROMIUM"]];
	const found = places.reverse().find((place) => place && existsSync(place));
	if (!found) throw new Error("No browser was found: install chromium, or set CHROMIUM to the path of one");
	return found;
}

/** Opens the page without a network, works, and fails for whatever the console or the page complained of. */
async function onPage(options: BrowserContextOptions, work: (page: Page) => Promise<void>): Promise<void> {
	const context = await browser.newContext({ ...options, offline: true, reducedMotion: "reduce" });
	try {
		const page = await context.newPage();
		const complaints: string[] = [];
		page.on("console", (message) => complaints.push(message.text()));
		page.on("pageerror", (error) => complaints.push(error.message));
		page.on("request", (request) => {
			if (request.url() !== PAGE && !request.url().startsWith("data:")) complaints.push(`asked for ${request.url()}`);
		});
		await page.goto(PAGE);
		await work(page);
		assert.deepEqual(complaints, []);
	} finally {
		await context.close();
	}
}

const countOf = (page: Page, selector: string) => page.locator(selector).count();
const arcs = (transitions: Readonly<Record<string, readonly string[]>>) => Object.values(transitions).flat().length;
const viewBox = (page: Page) => page.locator("#diagram").getAttribute("viewBox");

// Scripts for the page are texts: the tests' own code is compiled for Node, with helpers that a browser does not have.
const BRIGHTNESS =
	"getComputedStyle(document.body).backgroundColor.match(/\\d+/g).reduce((sum, part) => sum + Number(part), 0) / 3";
const DEAD_LINKS = `[...document.querySelectorAll("a[href]")].map((link) => link.getAttribute("href"))
	.filter((href) => !href.startsWith("#") || !document.getElementById(href.slice(1)))`;
const LOOSE_LINES = `[...document.querySelectorAll("#diagram .link")].filter((link) => {
	const line = link.querySelector(".line");
	const touches = (table, length) => {
		const box = document.querySelector('[data-table="' + table + '"] .body').getBoundingClientRect();
		const end = line.getPointAtLength(length).matrixTransform(line.getScreenCTM());
		return Math.min(Math.abs(end.x - box.left), Math.abs(end.x - box.right)) < 2 && end.y > box.top && end.y < box.bottom;
	};
	return !touches(link.dataset.from, 0) || !touches(link.dataset.to, line.getTotalLength());
}).map((link) => link.dataset.to + "." + link.dataset.key)`;

/** What lies on something else: controls on the drawing, text on text in a table, lines on tables that they pass. */
const OVERLAPS = `(() => {
	const boxOf = (element) => element.getBoundingClientRect();
	const meet = (one, other, inset = 0.5) =>
		one.left < other.right - inset && other.left < one.right - inset &&
		one.top < other.bottom - inset && other.top < one.bottom - inset;
	const all = (selector, within = document) => [...within.querySelectorAll(selector)];
	const isShown = (element) => boxOf(element).width > 0;
	const canvas = boxOf(document.querySelector("#diagram"));
	const found = [];
	const tables = all("#diagram [data-table]");
	for (const control of all(".bar, .bar button, .hint, .legend, .summary, .top").filter(isShown)) {
		if (meet(boxOf(control), canvas)) found.push(control.className + " lies on the diagram");
	}
	for (const table of tables) {
		const name = table.getAttribute("data-table");
		if (boxOf(table.querySelector(".name")).right > boxOf(table.querySelector(".body")).right) found.push(name + " is cut");
		for (const column of all("[data-column]", table)) {
			const parts = all(".badge, .field, .lock, .type", column);
			for (const [index, part] of parts.entries()) {
				const others = parts.slice(index + 1).filter((other) => meet(boxOf(part), boxOf(other)));
				for (const other of others) {
					found.push(name + "." + column.getAttribute("data-column") + ": " + part.classList + " on " + other.classList);
				}
			}
		}
	}
	for (const line of all("#diagram .link .line")) {
		const scale = line.getScreenCTM();
		const length = line.getTotalLength();
		for (let at = 0; at <= length; at += 4) {
			const { x, y } = line.getPointAtLength(at).matrixTransform(scale);
			const point = { left: x, right: x, top: y, bottom: y };
			const passed = tables.find((table) => meet(point, boxOf(table.querySelector(".body")), 2));
			if (passed) found.push(line.parentNode.dataset.to + "." + line.parentNode.dataset.key + " crosses " + passed.dataset.table);
		}
	}
	const title = document.querySelector("h1");
	if (title.scrollWidth > title.clientWidth) found.push("the title is cut");
	const nav = document.querySelector("nav");
	if (innerWidth >= 1400 && nav.scrollWidth > nav.clientWidth) found.push("the list of tables is cut");
	const find = document.querySelector("#find");
	const pen = document.createElement("canvas").getContext("2d");
	pen.font = getComputedStyle(find).font;
	const space = find.clientWidth - 2 * parseFloat(getComputedStyle(find).paddingLeft);
	if (pen.measureText(find.placeholder).width > space) found.push("the placeholder is cut");
	const texts = all(".states").flatMap((states) => all("text", states).map((text) => [states, text]));
	for (const [states, text] of texts) {
		const rect = text.parentNode.querySelector("rect");
		if (boxOf(text).left < boxOf(rect).left || boxOf(text).right > boxOf(rect).right) found.push(text.textContent + " is cut");
	}
	return [...new Set(found)];
})()`;

/** Parts of the page whose text is hard to tell from what is behind it: less than 4.5 to 1. */
const PALE = `(() => {
	const channels = (color) => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
	const light = (color) => {
		const [red, green, blue] = channels(color).map((one) => {
			const part = one / 255;
			return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
		});
		return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
	};
	const behind = (element) => {
		const { backgroundColor: color } = getComputedStyle(element);
		return /, 0\\)$/.test(color) && element.parentElement ? behind(element.parentElement) : color;
	};
	const contrast = (element) => {
		const [one, other] = [light(getComputedStyle(element).color), light(behind(element))];
		return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
	};
	return [...document.querySelectorAll(".tag, .chip, .legend, .hint, .summary, .card h2, .methods dt, .methods dd, .status, .step, td")]
		.filter((element) => element.textContent.trim() && contrast(element) < 4.5)
		.map((element) => element.className + " " + element.textContent.trim().slice(0, 20) + ": " + contrast(element).toFixed(1));
})()`;

/** The brightness of the page's background, from 0 (black) to 255. */
const brightness = (page: Page) => page.evaluate<number>(BRIGHTNESS);

describe("docs/schema.html in a browser", () => {
	before(async () => {
		browser = await chromium.launch({ executablePath: findBrowser(), args: ["--no-sandbox"] });
	});
	after(() => browser?.close());

	test("the diagram shows every table, apart from each other, with every foreign key drawn", () =>
		onPage(DESKTOP, async (page) => {
			const boxes = [];
			for (const table of TABLES) {
				const box = await page.locator(`#diagram [data-table="${table}"] .body`).boundingBox();
				assert.ok(box && box.width > 100 && box.height > 50, table);
				boxes.push({ table, ...box });
			}
			for (const one of boxes) {
				for (const other of boxes.filter((box) => box !== one)) {
					const apart =
						one.x + one.width < other.x ||
						other.x + other.width < one.x ||
						one.y + one.height < other.y ||
						other.y + other.height < one.y;
					assert.ok(apart, `${one.table} covers ${other.table}`);
				}
			}
			assert.equal(boxes.length, entities.length);
			assert.equal(await countOf(page, "#diagram .link"), foreignKeys().length);
			assert.deepEqual(await page.evaluate(LOOSE_LINES), [], "lines that do not end beside their tables");
		}));

	for (const { name, ...options } of SCREENS) {
		test(`on ${name} nothing lies on something else, and no text in the diagram is cut`, () =>
			onPage(options, async (page) => {
				assert.deepEqual(await page.evaluate(OVERLAPS), []);
			}));
	}

	test("every link leads to something on the page, also from the diagram", () =>
		onPage(DESKTOP, async (page) => {
			assert.deepEqual(await page.evaluate(DEAD_LINKS), []);
			await page.locator('#diagram [data-table="workspace_logs"] [data-column="action"] .field').click();
			assert.equal(new URL(page.url()).hash, "#workspace_logs.action");
			assert.ok(await page.locator('[id="workspace_logs.action"]').isVisible());
			await page.locator("nav a", { hasText: "resource_limits" }).click();
			assert.equal(new URL(page.url()).hash, "#resource_limits");
		}));

	test("statuses are drawn with every change that the repositories allow", () =>
		onPage(DESKTOP, async (page) => {
			assert.equal(await countOf(page, "#workspaces .states .arc"), arcs(WORKSPACE_TRANSITIONS));
			assert.equal(await countOf(page, "#preview_environments .states .arc"), arcs(PREVIEW_TRANSITIONS));
			assert.equal(await countOf(page, "#workspaces .states .initial"), 1);
			await page.locator('#workspaces .states [data-state="running"]').hover();
			assert.equal(await countOf(page, "#workspaces .states .arc.on"), 4);
		}));

	test("the diagram zooms and moves by buttons, wheel, keys and dragging, which follows no link", () =>
		onPage(DESKTOP, async (page) => {
			const whole = await viewBox(page);
			const changed = async (what: string, action: () => Promise<void>) => {
				const before = await viewBox(page);
				await action();
				assert.notEqual(await viewBox(page), before, what);
			};
			await changed("the button", () => page.getByLabel("Zoom in").click());
			await page.locator("#canvas").focus();
			await changed("the key", () => page.keyboard.press("ArrowLeft"));
			await page.getByLabel("Show everything").click();
			assert.equal(await viewBox(page), whole);
			const table = await page.locator('#diagram [data-table="workspaces"] .head').boundingBox();
			const { x, y } = table ?? { x: 0, y: 0 };
			await page.mouse.move(x + 30, y + 10);
			await changed("dragging", async () => {
				await page.mouse.down();
				await page.mouse.move(x + 130, y + 60, { steps: 4 });
				await page.mouse.up();
			});
			assert.equal(new URL(page.url()).hash, "");
			await page.keyboard.down("Control");
			const before = await viewBox(page);
			await page.mouse.wheel(0, -240);
			await page.locator(`#diagram:not([viewBox="${before}"])`).waitFor();
			await page.keyboard.up("Control");
			await page.locator("#canvas").focus();
			await page.keyboard.press("0");
			assert.equal(await viewBox(page), whole);
		}));

	test("a column is found in the diagram and in the tables", () =>
		onPage(DESKTOP, async (page) => {
			await page.getByLabel("Find a column").fill("assigned_port");
			assert.equal(await countOf(page, "#diagram .column.found"), 2);
			assert.equal(await countOf(page, "tr.found"), 2);
		}));

	test("a narrow screen shows everything within its width, and a table of the diagram large enough to read", () =>
		onPage(PHONE, async (page) => {
			const width = await page.evaluate<number>("document.documentElement.scrollWidth");
			assert.ok(width <= PHONE.viewport.width, `the page is ${width} px wide`);
			const letter = await page.locator('#diagram [data-table="workspaces"] .field').first().boundingBox();
			assert.ok(letter && letter.height >= 10, `text in the diagram is ${letter?.height} px high`);
			assert.ok(await page.locator('[id="workspaces.status"]').isVisible());
		}));

	test("dark and light follow the system, and the button changes them", async () => {
		for (const colorScheme of ["light", "dark"] as const) {
			await onPage({ ...DESKTOP, colorScheme }, async (page) => {
				const start = await brightness(page);
				assert.equal(start > 128, colorScheme === "light");
				assert.deepEqual([...new Set(await page.evaluate<string[]>(PALE))], []);
				await page.getByLabel("Change between dark and light").click();
				assert.equal((await brightness(page)) > 128, colorScheme === "dark");
			});
		}
	});
});
