"use strict";

// Moves and zooms the diagram by its view box, marks what belongs together, finds columns, and changes the theme.
(() => {
	/** @template {Element} E @param {string} selector @returns {E} */
	const one = (selector) => {
		const found = document.querySelector(selector);
		if (!found) throw new Error(`${selector} is missing`);
		return /** @type {E} */ (found);
	};
	/** @template {Element} [E=Element] @param {string} selector @param {ParentNode} [within] @returns {E[]} */
	const all = (selector, within = document) => /** @type {E[]} */ ([...within.querySelectorAll(selector)]);

	/** @type {HTMLElement} */
	const canvas = one("#canvas");
	/** @type {SVGSVGElement} */
	const diagram = one("#diagram");
	const { x, y, width, height } = diagram.viewBox.baseVal;
	const whole = { x, y, width, height };
	let view = { ...whole };

	/** @param {typeof whole} next */
	function show(next) {
		view = next;
		diagram.setAttribute("viewBox", `${next.x} ${next.y} ${next.width} ${next.height}`);
	}

	/** Units of the drawing for one pixel of the screen. */
	function unit() {
		const box = diagram.getBoundingClientRect();
		return Math.max(view.width / box.width, view.height / box.height);
	}

	/** The point of the drawing that is under a point of the screen. @param {number} clientX @param {number} clientY */
	function under(clientX, clientY) {
		const box = diagram.getBoundingClientRect();
		const scale = unit();
		return {
			x: view.x + view.width / 2 + (clientX - box.left - box.width / 2) * scale,
			y: view.y + view.height / 2 + (clientY - box.top - box.height / 2) * scale,
		};
	}

	/** @param {number} factor above 1 shows less, larger @param {{ x: number, y: number }} at stays where it is */
	function zoom(factor, at) {
		const limited = Math.min(whole.width * 1.5, Math.max(whole.width / 12, view.width / factor)) / view.width;
		show({
			x: at.x - (at.x - view.x) * limited,
			y: at.y - (at.y - view.y) * limited,
			width: view.width * limited,
			height: view.height * limited,
		});
	}

	const middle = () => ({ x: view.x + view.width / 2, y: view.y + view.height / 2 });

	/** A narrow screen begins with the table that has the most to do with others, at a size that can be read. */
	function start() {
		show({ ...whole });
		if (unit() <= 1.8) return;
		const links = all(".link", diagram).flatMap((link) => [
			link.getAttribute("data-from"),
			link.getAttribute("data-to"),
		]);
		const count = (/** @type {Element} */ table) =>
			links.filter((name) => name === table.getAttribute("data-table")).length;
		const [table] = all("[data-table]:not(.foreign)", diagram).sort((first, second) => count(second) - count(first));
		const box = /** @type {SVGGElement | undefined} */ (table)?.getBoundingClientRect();
		if (!box) return;
		const { x: left, y: top } = under(box.left, box.top);
		const width = box.width * unit() * 1.2;
		show({ x: left - width / 8, y: top - 30, width, height: (width * diagram.clientHeight) / diagram.clientWidth });
	}

	/** @type {Record<string, () => void>} */
	const zooms = {
		in: () => zoom(1.4, middle()),
		out: () => zoom(1 / 1.4, middle()),
		fit: () => show({ ...whole }),
	};
	for (const button of all("[data-zoom]")) {
		button.addEventListener("click", () => zooms[button.getAttribute("data-zoom") ?? ""]?.());
	}

	canvas.addEventListener(
		"wheel",
		(event) => {
			if (!event.ctrlKey && !event.metaKey) return;
			event.preventDefault();
			zoom(Math.exp(-event.deltaY / 300), under(event.clientX, event.clientY));
		},
		{ passive: false },
	);

	canvas.addEventListener("keydown", (event) => {
		const step = 60 * unit();
		/** @type {Record<string, () => void>} */
		const keys = {
			"+": () => zooms.in?.(),
			"=": () => zooms.in?.(),
			"-": () => zooms.out?.(),
			0: () => zooms.fit?.(),
			ArrowLeft: () => show({ ...view, x: view.x - step }),
			ArrowRight: () => show({ ...view, x: view.x + step }),
			ArrowUp: () => show({ ...view, y: view.y - step }),
			ArrowDown: () => show({ ...view, y: view.y + step }),
		};
		const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
		if (!action) return;
		event.preventDefault();
		action();
	});

	/** @type {Map<number, { x: number, y: number }>} */
	const pointers = new Map();
	let moved = 0;
	canvas.addEventListener("pointerdown", (event) => {
		if (event.button !== 0) return;
		if (pointers.size === 0) moved = 0;
		pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
	});
	addEventListener("pointermove", (event) => {
		const before = pointers.get(event.pointerId);
		if (!before) return;
		const now = { x: event.clientX, y: event.clientY };
		const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
		pointers.set(event.pointerId, now);
		moved += Math.hypot(now.x - before.x, now.y - before.y);
		const scale = unit();
		const share = others.length ? 0.5 : 1;
		show({
			...view,
			x: view.x - (now.x - before.x) * scale * share,
			y: view.y - (now.y - before.y) * scale * share,
		});
		const [other] = others;
		if (other) {
			const apart = (/** @type {{ x: number, y: number }} */ point) => Math.hypot(point.x - other.x, point.y - other.y);
			zoom(apart(now) / (apart(before) || 1), under((now.x + other.x) / 2, (now.y + other.y) / 2));
		}
		canvas.classList.toggle("moving", moved > 4);
	});
	for (const end of ["pointerup", "pointercancel"]) {
		addEventListener(end, (event) => {
			pointers.delete(/** @type {PointerEvent} */ (event).pointerId);
			canvas.classList.remove("moving");
		});
	}
	// A drag that ends on a link does not follow it, and the browser does not drag the link itself.
	canvas.addEventListener(
		"click",
		(event) => {
			if (moved > 4) event.preventDefault();
		},
		true,
	);
	canvas.addEventListener("dragstart", (event) => event.preventDefault());

	/** @param {Element} svg @param {Element[]} on */
	function focus(svg, on) {
		for (const element of all(".on", svg)) element.classList.remove("on");
		svg.classList.toggle("focus", on.length > 0);
		for (const element of on) element.classList.add("on");
	}

	/** The table or link at a place of the diagram, with what it is tied to. @param {Element} target @returns {Element[]} */
	function tied(target) {
		const link = target.closest(".link");
		const table = target.closest("[data-table]")?.getAttribute("data-table");
		const column = target.closest("[data-column]")?.getAttribute("data-column");
		const links = all(".link", diagram).filter((/** @type {Element} */ each) => {
			if (link) return each === link;
			const isFrom = each.getAttribute("data-from") === table;
			const isTo = each.getAttribute("data-to") === table;
			if (!column || column === "id") return isFrom || isTo;
			return isTo && each.getAttribute("data-key") === column;
		});
		const names = new Set(links.flatMap((each) => [each.getAttribute("data-from"), each.getAttribute("data-to")]));
		if (links.length === 0) return [];
		return [...links, ...all("[data-table]", diagram).filter((each) => names.has(each.getAttribute("data-table")))];
	}
	diagram.addEventListener("pointerover", (event) => focus(diagram, tied(/** @type {Element} */ (event.target))));
	diagram.addEventListener("pointerleave", () => focus(diagram, []));

	for (const states of all(".states")) {
		states.addEventListener("pointerover", (event) => {
			const target = /** @type {Element} */ (event.target);
			const name = target.closest("[data-state]")?.getAttribute("data-state");
			const arc = target.closest(".arc");
			const arcs = all(".arc", states).filter((each) =>
				name ? [each.getAttribute("data-from"), each.getAttribute("data-to")].includes(name) : each === arc,
			);
			const names = new Set(arcs.flatMap((each) => [each.getAttribute("data-from"), each.getAttribute("data-to")]));
			focus(states, [...arcs, ...all(".state", states).filter((each) => names.has(each.getAttribute("data-state")))]);
		});
		states.addEventListener("pointerleave", () => focus(states, []));
	}

	/** @type {HTMLInputElement} */
	const find = one("#find");
	find.addEventListener("input", () => {
		const wanted = find.value.trim().toLowerCase();
		for (const element of all("[data-column]")) {
			const name = element.getAttribute("data-column") ?? "";
			element.classList.toggle("found", wanted !== "" && name.toLowerCase().includes(wanted));
		}
	});
	find.addEventListener("keydown", (event) => {
		if (event.key === "Enter") one("tr.found").scrollIntoView({ block: "center" });
	});

	const root = document.documentElement;
	const dark = matchMedia("(prefers-color-scheme: dark)");
	one("#theme").addEventListener("click", () => {
		const isDark = (root.getAttribute("data-theme") ?? (dark.matches ? "dark" : "light")) === "dark";
		root.setAttribute("data-theme", isDark ? "light" : "dark");
	});

	addEventListener("beforeprint", () => show({ ...whole }));
	start();
})();
