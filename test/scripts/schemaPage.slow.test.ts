import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { entities, PREVIEW_TRANSITIONS, WORKSPACE_TRANSITIONS } from "../../src";

const PAGE = pathToFileURL(path.join(__dirname, "..", "..", "docs", "schema.html")).href;
const TABLES = [
	"dashboard_users",
	"workspaces",
	"user_api_keys",
	"preview_environments",
	"workspace_logs",
	"resource_limits",
];
const DESKTOP = { viewport: { width: 1400, height: 900 } };
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

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
			assert.equal(await countOf(page, "#diagram .link"), 8);
			assert.deepEqual(await page.evaluate(LOOSE_LINES), [], "lines that do not end beside their tables");
		}));

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
				await page.getByLabel("Change between dark and light").click();
				assert.equal((await brightness(page)) > 128, colorScheme === "dark");
			});
		}
	});
});
