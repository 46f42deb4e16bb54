// Charts. An element `.chart` names the JSON it shows (data-source) and how that is drawn (data-kind); it is drawn once
// it comes into view, by the kind's function, which others may add with `kinds.set(name, draw)` before that.
//
// A draw function is handed the chart's own object, and resolves when it is drawn; it may return an object with
// `refresh()` (the theme or the page's state has changed), `resize()` and `rows()` (what its table shows).

import { drawCurves } from "./curves.js";
import { state } from "./chart-state.js";

export const kinds = new Map([["line", drawLines], ["curves", drawCurves]]);

const folder = new URL(".", import.meta.url);
let library = null;

/** ECharts, loaded when the first chart is drawn. */
export function echarts() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("vendor/echarts/echarts.min.js", folder);
    script.onload = () => resolve(globalThis.echarts);
    script.onerror = () => reject(new Error("ECharts could not be loaded."));
    document.head.append(script);
  });
  return library;
}

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** What a token of theme.css is now, as a colour that a canvas takes. */
export function color(token) {
  probe.className = "";
  probe.style.color = `var(--${token})`;
  return getComputedStyle(probe).color;
}

export function seriesColors() {
  return Array.from({ length: 8 }, (_, place) => color(`series-${place + 1}`));
}

/** Six significant digits, as the server writes numbers. */
export function number(value) {
  if (value === null || Number.isNaN(value)) return "NaN";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  return String(Number(value.toPrecision(6)));
}

/** What all charts have in common. */
export function base() {
  const axis = {
    axisLine: { lineStyle: { color: color("line-strong") } },
    axisTick: { lineStyle: { color: color("line-strong") } },
    axisLabel: { color: color("quiet"), fontSize: 11, hideOverlap: true, width: 140, overflow: "truncate" },
    splitLine: { lineStyle: { color: color("line") } },
    nameTextStyle: { color: color("quiet"), fontSize: 11 },
  };
  return {
    option: {
      animation: false,
      color: seriesColors(),
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { left: 8, right: 16, top: 12, bottom: 8, containLabel: true },
    },
    axis,
    tooltip: {
      confine: true,
      backgroundColor: color("float"),
      borderColor: color("line"),
      borderWidth: 1,
      padding: [6, 8],
      textStyle: { color: color("text"), fontSize: 12 },
      extraCssText: "",
    },
  };
}

/** A tooltip's content, of nodes: markup in names stays text, and no style is in any markup. rows: [colour, name, value] */
export function tip(title, rows, more = 0) {
  const box = document.createElement("div");
  box.className = "chart-tip";
  box.append(Object.assign(document.createElement("p"), { textContent: title }));
  for (const [hue, name, value] of rows) {
    const row = document.createElement("div");
    const mark = document.createElement("i");
    mark.style.color = hue;
    row.append(mark, Object.assign(document.createElement("span"), { textContent: name }), Object.assign(document.createElement("b"), { textContent: value }));
    box.append(row);
  }
  if (more) box.append(Object.assign(document.createElement("p"), { textContent: `and ${more} more` }));
  return box;
}

export function remark(element, text) {
  let line = element.parentElement.querySelector(":scope > .chart-remark");
  if (!line) {
    line = Object.assign(document.createElement("p"), { className: "chart-remark" });
    element.after(line);
  }
  line.textContent = text;
}

export async function fetchData(url, signal) {
  const answer = await fetch(url, { headers: { accept: "application/json" }, signal });
  if (answer.ok) return answer.json();
  let message = `The server answered ${answer.status}.`;
  try {
    message = (await answer.json()).message ?? message;
  } catch {
    // no JSON: the status says it
  }
  throw new Error(message);
}

/** The plain kind: `{series: [{name, points: [[x, y], …]}]}`. */
async function drawLines({ element, instance, source }) {
  const { series } = await fetchData(source);
  const refresh = () => {
    const { option, axis, tooltip } = base();
    instance.setOption({
      ...option,
      tooltip: { ...tooltip, trigger: "axis", formatter: (points) => tip(number(points[0].axisValue), points.map((point) => [point.color, point.seriesName, number(point.value[1])])) },
      xAxis: { type: "value", min: "dataMin", max: "dataMax", ...axis, splitLine: { show: false } },
      yAxis: { type: "value", scale: true, ...axis },
      series: series.map(({ name, points }) => ({ name, type: "line", data: points, showSymbol: points.length < 3, lineStyle: { width: 1.5 } })),
    }, true);
  };
  refresh();
  const head = ["x", ...series.map(({ name }) => name)];
  return { refresh, rows: () => ({ head, rows: (series[0]?.points ?? []).map(([x], place) => [number(x), ...series.map(({ points }) => number(points[place]?.[1] ?? null))]) }) };
}

// --- each chart's life

const drawn = new Map();

async function draw(element) {
  if (drawn.has(element)) return;
  const chart = { element, source: element.dataset.source, view: null, instance: null };
  drawn.set(element, chart);
  try {
    const library = await echarts();
    if (!element.isConnected) return;
    element.replaceChildren();
    chart.instance = library.init(element, null, { renderer: "canvas" });
    chart.instance.group = "page";
    library.connect("page");
    const kind = await kindOf(element);
    if (!kind) throw new Error(`There is no kind of chart called ${element.dataset.kind}.`);
    chart.view = await kind(chart);
    element.dataset.drawn = "";
    showButtons(chart);
  } catch (error) {
    chart.instance?.dispose();
    chart.instance = null;
    element.replaceChildren(Object.assign(document.createElement("p"), { className: "chart-quiet", textContent: error.message }));
    element.dataset.drawn = "failed";
  }
}

/** A kind may be that of another script, which has run when the page has loaded. */
async function kindOf(element) {
  const name = element.dataset.kind || "line";
  if (!kinds.has(name) && document.readyState !== "complete") {
    await new Promise((resolve) => addEventListener("load", resolve, { once: true }));
  }
  return kinds.get(name);
}

const coming = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    target.dataset.inView = isIntersecting ? "yes" : "no";
    if (isIntersecting) draw(target);
  }
}, { rootMargin: "200px" });

const resizing = new ResizeObserver((entries) => {
  for (const { target } of entries) drawn.get(target)?.instance?.resize();
});

function showButtons({ element, view }) {
  const card = element.closest(".card");
  for (const button of card?.querySelectorAll("[data-chart-full], [data-chart-table]") ?? []) {
    button.hidden = button.dataset.chartTable !== undefined ? !view?.rows : !card.requestFullscreen;
  }
}

function showTable(chart, button) {
  const shown = chart.element.querySelector(".chart-table");
  button.setAttribute("aria-pressed", String(!shown));
  chart.element.setAttribute("role", shown ? "img" : "group");
  if (shown) return shown.remove();
  const { head, rows } = chart.view.rows();
  const table = document.createElement("table");
  const line = table.createTHead().insertRow();
  for (const name of head) line.append(Object.assign(document.createElement("th"), { textContent: name, scope: "col" }));
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const cell of row) Object.assign(line.insertCell(), { textContent: cell, className: "number" });
  }
  table.createCaption().textContent = chart.element.getAttribute("aria-label");
  const box = Object.assign(document.createElement("div"), { className: "chart-table", tabIndex: 0 });
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", `Values of ${chart.element.getAttribute("aria-label")}`);
  box.append(table);
  chart.element.append(box);
  box.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-chart-full], [data-chart-table]");
  const card = button?.closest(".card");
  if (!card) return;
  if (button.dataset.chartFull !== undefined) {
    if (document.fullscreenElement) document.exitFullscreen();
    else card.requestFullscreen().catch(() => {});
  } else {
    showTable(drawn.get(card.querySelector(".chart")), button);
  }
});

function refreshAll() {
  for (const { view } of drawn.values()) view?.refresh?.();
}
document.addEventListener("theme", () => requestAnimationFrame(refreshAll));
state.addEventListener("change", refreshAll);

export function find(root) {
  for (const element of root.querySelectorAll?.(".chart[data-source]") ?? []) {
    if (drawn.has(element) || element.dataset.inView) continue;
    element.dataset.inView = "no";
    coming.observe(element);
    resizing.observe(element);
  }
}

find(document);
document.addEventListener("htmx:load", (event) => find(event.target));
