// Curves of metrics, of one run or several. The server cuts each to a few points for each interval of what is shown, so
// that a stretch that is dragged over is asked for anew, with more points. Curves of unfinished runs are kept up to date.

import { base, fetchData, number, remark, tip } from "./charts.js";
import { state } from "./chart-state.js";

const RUNS_AT_ONCE = 25;
const POINTS_OF_ALL = 6000;
const LIVE_MS = 3000;
const NAMED = 8;
const ROWS_OF_TABLE = 500;
const ROWS_OF_TIP = 12;
const UNFINISHED = new Set(["RUNNING", "SCHEDULED"]);

const charts = new Set();

export async function drawCurves(chart) {
  const curves = new Curves(chart);
  charts.add(curves);
  await curves.load();
  if (curves.asked !== curves.question) curves.refresh(); // the page's state has changed meanwhile
  watch();
  return curves;
}

class Curves {
  constructor({ element, instance, source }) {
    this.element = element;
    this.instance = instance;
    this.title = element.getAttribute("aria-label");
    const url = new URL(source, location.origin);
    this.path = url.pathname;
    this.runs = element.dataset.runs ? JSON.parse(element.dataset.runs) : url.searchParams.getAll("run");
    this.keys = url.searchParams.getAll("key");
    this.curves = [];
    this.asked = "";
    this.letDrag();
  }

  get axis() {
    return state.axis || state.defaultAxis;
  }

  get question() {
    return JSON.stringify([this.axis, state.window]);
  }

  async load() {
    this.loading?.abort();
    const loading = (this.loading = new AbortController());
    this.asked = this.question;
    const count = this.runs.length * this.keys.length;
    const width = Math.max(this.element.clientWidth, 200);
    const intervals = Math.round(Math.min(Math.max(POINTS_OF_ALL / count, 40), width / 2, 1000));
    const questions = [];
    for (let place = 0; place < this.runs.length; place += RUNS_AT_ONCE) {
      const query = new URLSearchParams([
        ...this.runs.slice(place, place + RUNS_AT_ONCE).map((run) => ["run", run]),
        ...this.keys.map((key) => ["key", key]),
        ["axis", this.axis],
        ["intervals", intervals],
        ...(state.window ? [["from", state.window[0]], ["to", state.window[1]]] : []),
      ]);
      questions.push(fetchData(`${this.path}?${query}`, loading.signal));
    }
    this.curves = (await Promise.all(questions)).flatMap((answer) => answer.curves);
    if (this.loading === loading) this.show();
  }

  refresh() {
    const covers = this.curves.every((curve) => curve.whole) && JSON.parse(this.asked || "[]")[0] === this.axis;
    if (this.asked === this.question || covers) this.show();
    else this.load().catch((error) => error.name !== "AbortError" && remark(this.element, error.message));
  }

  x(curve, place) {
    return this.axis === "step" ? curve.steps[place] : curve.times[place] - curve.shift;
  }

  /** A curve's points, and what is drawn over them when it is smoothed. */
  lines(curve) {
    const usable = (value) => (value === null || (state.log && value <= 0) ? null : value);
    const points = curve.values.map((value, place) => [this.x(curve, place), usable(value)]);
    if (!state.weight) return { points, smooth: null };
    const means = curve.whole ? points.filter(([, value]) => value !== null) : curve.means.map((value, place) => [curve.mean_x[place], usable(value)]);
    return { points, smooth: smoothed(means, state.weight) };
  }

  show() {
    const { option, axis, tooltip } = base();
    const several = new Set(this.curves.map((curve) => curve.run)).size > 1;
    const keys = new Set(this.curves.map((curve) => curve.key)).size > 1;
    const label = (curve) => [several && (curve.name || curve.run), keys && curve.key].filter(Boolean).join(" · ") || curve.key;
    const series = [];
    this.drawn = [];
    let dropped = 0;
    this.curves.forEach((curve, place) => {
      const { points, smooth } = this.lines(curve);
      dropped += state.log ? curve.values.filter((value) => value !== null && value <= 0).length : 0;
      const hue = option.color[place % option.color.length];
      const dashed = Math.floor(place / option.color.length) % 2 ? "dashed" : "solid";
      const single = points.length < 2;
      this.drawn.push({ hue, name: label(curve), points: smooth ?? points });
      const common = { type: "line", name: label(curve), color: hue, animation: false, emphasis: { disabled: true }, connectNulls: false };
      series.push({ ...common, id: `raw ${place}`, data: points, showSymbol: single, symbol: "circle", symbolSize: 6, silent: Boolean(smooth), lineStyle: { width: smooth ? 1 : 1.5, opacity: smooth ? 0.25 : 1, type: dashed }, z: 2 });
      if (smooth) series.push({ ...common, id: `smooth ${place}`, data: smooth, showSymbol: single, lineStyle: { width: 1.5, type: dashed }, z: 3 });
    });
    this.instance.setOption({
      ...option,
      grid: { ...option.grid, top: several && this.curves.length <= NAMED ? 32 : 12 },
      legend: { show: several && this.curves.length <= NAMED, type: "scroll", top: 0, left: 0, tooltip: { show: true, formatter: ({ name }) => tip(name, []) }, itemWidth: 14, itemHeight: 8, textStyle: { ...axis.axisLabel, width: 140, overflow: "truncate" } },
      tooltip: { ...tooltip, trigger: "axis", axisPointer: { type: "line", snap: false, lineStyle: { color: axis.axisLabel.color } }, formatter: (points) => this.tip(points) },
      xAxis: { ...axis, ...this.xAxis(axis.axisLabel), splitLine: { show: false } },
      yAxis: { type: state.log ? "log" : "value", scale: true, ...axis, axisLabel: { ...axis.axisLabel, formatter: number } },
      series,
    }, true);
    this.say(dropped);
    for (const button of this.element.closest(".card")?.querySelectorAll("[data-chart-table]") ?? []) button.hidden = !this.curves.length;
  }

  xAxis(axisLabel) {
    const window = state.window;
    const type = this.axis === "time" ? "time" : "value";
    const [least, most] = window ?? extent(this.curves);
    const ends = least < most ? { min: least, max: most } : { scale: true };
    const label = this.axis === "relative" ? { axisLabel: { ...axisLabel, formatter: duration } } : {};
    return { type, ...ends, ...label, minInterval: this.axis === "step" ? 1 : 0, axisPointer: { label: { show: false } } };
  }

  place(x) {
    if (this.axis === "step") return `step ${number(Math.round(x))}`;
    return this.axis === "time" ? new Date(x).toLocaleString() : duration(x);
  }

  /** The values nearest to where the pointer is: of every curve, and not only of that which has a point closest to it. */
  tip(points) {
    if (!points.length) return "";
    const x = points[0].axisValue;
    const found = this.drawn.map((line) => ({ ...line, value: nearest(line.points, x) })).filter(({ value }) => value !== null);
    found.sort((a, b) => b.value - a.value);
    const rows = found.slice(0, ROWS_OF_TIP).map(({ hue, name, value }) => [hue, name, number(value)]);
    return tip(this.place(x), rows, found.length - rows.length);
  }

  /** What the chart shows, in words: for who doesn't see it, and what it can't show. */
  say(dropped) {
    const nans = this.curves.reduce((sum, { nans }) => sum + nans, 0);
    const all = this.curves.reduce((sum, { points }) => sum + points, 0);
    const whole = this.curves.every((curve) => curve.whole);
    const parts = [];
    if (!this.curves.length) parts.push("No points.");
    if (!whole) parts.push(`${all.toLocaleString()} points, every peak shown.${state.window ? "" : " Drag to zoom in."}`);
    if (nans) parts.push(`${nans.toLocaleString()} of them NaN.`);
    if (dropped) parts.push(`${dropped.toLocaleString()} not above 0, which a log scale leaves out.`);
    remark(this.element, parts.join(" "));
    const last = this.curves.length === 1 && this.curves[0].values.at(-1);
    this.element.setAttribute("aria-label", this.title + (last || last === 0 ? `: ${number(last)} at the end` : ""));
  }

  rows() {
    const several = this.curves.length > 1;
    const rows = this.curves.flatMap((curve) => curve.values.map((value, place) => [...(several ? [curve.name || curve.run] : []), curve.steps[place], new Date(curve.times[place]).toLocaleString(), number(value)]));
    const every = Math.ceil(rows.length / ROWS_OF_TABLE) || 1;
    return { head: [...(several ? ["run"] : []), "step", "time", "value"], rows: rows.filter((_, place) => place % every === 0 || place === rows.length - 1) };
  }

  /** A stretch is chosen by dragging over it with the mouse; a double click shows everything again. */
  letDrag() {
    const surface = this.instance.getZr();
    let start = null;
    const shade = Object.assign(document.createElement("div"), { className: "chart-stretch", hidden: true });
    this.element.append(shade);
    const inside = ({ offsetX, offsetY }) => this.instance.containPixel("grid", [offsetX, offsetY]);
    const touched = ({ event }) => event?.zrByTouch || event?.pointerType === "touch"; // which scrolls the page
    surface.on("mousedown", (event) => {
      if (inside(event) && !touched(event)) start = event.offsetX;
    });
    surface.on("mousemove", ({ offsetX }) => {
      if (start === null || Math.abs(offsetX - start) < 4) return;
      shade.style.left = `${Math.min(start, offsetX)}px`;
      shade.style.width = `${Math.abs(offsetX - start)}px`;
      shade.hidden = false;
    });
    const end = ({ offsetX }) => {
      if (start === null) return;
      const pixels = [start, offsetX].sort((a, b) => a - b);
      start = null;
      shade.hidden = true;
      if (pixels[1] - pixels[0] < 8) return;
      const [from, to] = pixels.map((pixel) => this.instance.convertFromPixel({ xAxisIndex: 0 }, pixel));
      const round = (x) => (this.axis === "step" && to - from > 2 ? Math.round(x) : Number(x.toPrecision(15)));
      state.set({ from: String(round(from)), to: String(round(to)) });
    };
    surface.on("mouseup", end);
    surface.on("globalout", () => {
      start = null;
      shade.hidden = true;
    });
    surface.on("dblclick", () => state.window && state.set({ from: "", to: "" }));
  }
}

/** From where to where all of the curves go. */
function extent(curves) {
  const known = curves.map((curve) => curve.extent).filter(Boolean);
  return [Math.min(...known.map(([least]) => least)), Math.max(...known.map(([, most]) => most))];
}

/** Exponential smoothing, as TensorBoard has it: the beginning is not drawn to 0. */
function smoothed(points, weight) {
  let last = 0;
  return points.map(([x, y], place) => {
    if (y === null) return [x, null];
    last = last * weight + (1 - weight) * y;
    return [x, last / (1 - weight ** (place + 1))];
  });
}

/** The value of the point closest to x; null where the curve has not begun yet, or has ended. */
function nearest(points, x) {
  if (!points.length || x < points[0][0] || x > points.at(-1)[0]) return points.length === 1 ? points[0][1] : null;
  let [low, high] = [0, points.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < x) low = middle;
    else high = middle;
  }
  const [first, second] = x - points[low][0] <= points[high][0] - x ? [low, high] : [high, low];
  return points[first][1] ?? points[second][1];
}

function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (Math.abs(seconds) < 1) return `${number(milliseconds)} ms`;
  if (Math.abs(seconds) < 120) return `${number(Number(seconds.toFixed(1)))} s`;
  if (Math.abs(seconds) < 7200) return `${number(Number((seconds / 60).toFixed(1)))} min`;
  return `${number(Number((seconds / 3600).toFixed(2)))} h`;
}

// --- live

let timer = null;

function watch() {
  const live = [...charts].some(unfinished);
  for (const sign of document.querySelectorAll("[data-chart-live]")) sign.hidden = !live;
  if (live && timer === null) timer = setTimeout(look, LIVE_MS);
}

function unfinished(chart) {
  return chart.element.isConnected && chart.curves.some((curve) => UNFINISHED.has(curve.status));
}

/** Ask how the series of unfinished runs stand, and load those that have grown and are in view. */
async function look() {
  timer = null;
  const shown = [...charts].filter((chart) => unfinished(chart) && chart.element.dataset.inView === "yes").slice(0, 50);
  if (!document.hidden && shown.length) {
    const runs = new Set(shown.flatMap((chart) => chart.curves.filter((curve) => UNFINISHED.has(curve.status)).map((curve) => curve.run)));
    const keys = new Set(shown.flatMap((chart) => chart.keys));
    const query = new URLSearchParams([...[...runs].slice(0, 50).map((run) => ["run", run]), ...[...keys].map((key) => ["key", key])]);
    try {
      const known = new Map((await fetchData(`/ui/series/versions?${query}`)).runs.map((run) => [run.run, run]));
      for (const chart of shown) {
        const changed = chart.curves.some((curve) => {
          const now = known.get(curve.run);
          return now && (now.keys[curve.key] !== curve.version || now.status !== curve.status);
        });
        if (changed) await chart.load();
      }
    } catch {
      // The server may be away for a moment: the next look tells.
    }
  }
  watch();
}
