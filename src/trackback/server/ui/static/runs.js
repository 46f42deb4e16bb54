// Tables of runs: what is selected, rows below rows, rows that keep up with running runs and new ones, curves, columns.

import { showTimes } from "./times.js";

const form = document.getElementById("selection");
const table = form?.querySelector("table");
const EVERY_MS = 5000;
const SELDOM_MS = 15000;
const LATE_MS = 60000; // clocks of those who begin runs differ
const FOCUSABLE = "a, input";

async function part(url) {
  const response = await fetch(url, { headers: { "hx-request": "true", accept: "text/html" } });
  const then = response.headers.get("hx-redirect");
  if (then) location.assign(then);
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  const template = document.createElement("template");
  template.innerHTML = await response.text();
  showTimes(template.content);
  return template.content;
}

// --- selection, which outlasts paging and filtering for as long as the tab is open

const key = `selected-runs-${form?.dataset.experiment}`;
const selected = new Set(JSON.parse(sessionStorage.getItem(key) ?? "[]"));

function boxes() {
  return [...form.querySelectorAll('tbody input[name="run"]')];
}

function showSelection() {
  const here = boxes();
  for (const box of here) {
    box.checked = selected.has(box.value);
    box.closest("tr").toggleAttribute("data-selected", box.checked);
  }
  const all = form.querySelector("[data-all]");
  const checked = here.filter((box) => box.checked).length;
  all.checked = checked > 0 && checked === here.length;
  all.indeterminate = checked > 0 && checked < here.length;
  form.querySelectorAll(".elsewhere").forEach((field) => field.remove());
  const shown = new Set(here.map((box) => box.value));
  for (const run of selected) {
    if (shown.has(run)) continue;
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: "run", value: run, className: "elsewhere" });
    form.append(field);
  }
  const words = document.getElementById("selected");
  words.textContent = selected.size ? `${selected.size} selected` : "select runs to compare";
  if (selected.size) {
    const none = Object.assign(document.createElement("button"), { type: "button", className: "plain small", textContent: "none" });
    none.setAttribute("aria-label", "Select none");
    none.addEventListener("click", () => select([...selected], false));
    words.append(none);
  }
  for (const button of form.querySelectorAll("[data-least]")) button.disabled = selected.size < Number(button.dataset.least);
  for (const link of form.querySelectorAll("[data-export]")) {
    const url = new URL(link.href);
    url.searchParams.delete("run");
    for (const run of selected) url.searchParams.append("run", run);
    link.href = url;
  }
  sessionStorage.setItem(key, JSON.stringify([...selected]));
}

function select(runs, on) {
  for (const run of runs) on ? selected.add(run) : selected.delete(run);
  showSelection();
}

let last = null;

function watchSelection() {
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) {
      select(boxes().map((box) => box.value), event.target.checked);
    } else if (event.target.name === "run") {
      select([event.target.value], event.target.checked);
    }
  });
  form.addEventListener("click", (event) => {
    if (event.target.name !== "run") return;
    const here = boxes();
    const [from, to] = [here.indexOf(last), here.indexOf(event.target)];
    if (event.shiftKey && from >= 0) {
      const between = here.slice(Math.min(from, to), Math.max(from, to) + 1);
      select(between.map((box) => box.value), event.target.checked);
    }
    last = event.target;
  });
  form.addEventListener("submit", (event) => {
    const then = event.submitter?.getAttribute("formaction") ?? "";
    // What is done to runs is done with them: they are not selected any more afterwards.
    if (/\/runs\/(delete|restore)$/.test(then)) sessionStorage.removeItem(key);
  });
  showSelection();
}

// --- rows below rows

function below(row) {
  const depth = Number(row.dataset.depth);
  const found = [];
  for (let next = row.nextElementSibling; next && Number(next.dataset.depth) > depth; next = next.nextElementSibling) found.push(next);
  return found;
}

async function unfold(link) {
  const row = link.closest("tr");
  if (link.getAttribute("aria-expanded") === "true") {
    for (const each of below(row)) each.remove();
    link.setAttribute("aria-expanded", "false");
    return;
  }
  const url = new URL(link.dataset.unfold, location.href);
  if (link.dataset.parent) url.searchParams.set("parent", link.dataset.parent);
  url.searchParams.set("depth", Number(row.dataset.depth) + 1);
  link.setAttribute("aria-expanded", "true");
  try {
    const rows = await part(url);
    row.after(rows);
  } catch {
    location.assign(link.href);
    return;
  }
  showSelection();
  pin();
  drawCurves();
}

// --- running runs, and new ones

async function keepUp(source) {
  const running = [...table.querySelectorAll("tr[data-running]")];
  if (!running.length) return false;
  const url = new URL(source, location.href);
  for (const row of running.slice(0, 100)) url.searchParams.append("run", row.dataset.run);
  const fresh = await part(url);
  for (const row of [...fresh.querySelectorAll("tr[data-run]")]) {
    const old = document.getElementById(row.id);
    if (!old) continue;
    row.dataset.depth = old.dataset.depth;
    row.querySelector("th").replaceWith(old.querySelector("th").cloneNode(true));
    const focused = [...old.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
    const changed = old.textContent.replace(/\s+/g, " ") !== row.textContent.replace(/\s+/g, " ");
    row.classList.toggle("cursor", old.classList.contains("cursor"));
    if (changed) row.classList.add("fresh");
    const before = old.querySelectorAll("td.curve");
    row.querySelectorAll("td.curve").forEach((cell, index) => {
      cell.append(...(before[index]?.childNodes ?? []));
      cell.dataset.stale = "";
    });
    old.replaceWith(row);
    row.querySelectorAll(FOCUSABLE)[focused]?.focus({ preventScroll: true });
  }
  showSelection();
  pin();
  drawCurves();
  return true;
}

const newer = new Set();

// Runs that began since a time: above the others where the newest come first, else there is a link that shows them.
async function bringNew(live, since) {
  const url = new URL(live.dataset.rows, location.href);
  url.searchParams.set("since", Math.max(Math.floor(since) - LATE_MS, 0));
  const found = [...(await part(url)).querySelectorAll("tr[data-run]")].filter((row) => !document.getElementById(row.id));
  if (!found.length) return;
  if (!table) {
    if (!document.activeElement?.matches("input, textarea, dialog *")) location.reload();
  } else if (live.dataset.grows !== undefined) {
    for (const row of found) row.classList.add("fresh");
    table.tBodies[0].prepend(...found);
    showSelection();
    pin();
    drawCurves();
  } else {
    for (const row of found) newer.add(row.dataset.run);
    const link = document.getElementById("newer");
    link.textContent = newer.size === 1 ? "1 new run" : `${newer.size} new runs`;
    link.hidden = false;
  }
}

function watchRuns() {
  const live = document.getElementById("live");
  if (!live) return;
  const isFirst = live.dataset.now !== undefined;
  const opened = Number(live.dataset.now) - performance.now(); // by the server's clock
  let asked = Number(live.dataset.now);
  const tick = async () => {
    let running = true;
    if (!document.hidden) {
      try {
        running = table ? await keepUp(live.dataset.rows) : false;
        const now = opened + performance.now();
        if (isFirst) await bringNew(live, asked);
        asked = now;
      } catch {
        // The server may be starting again: the next time will do.
      }
    }
    if (running || isFirst) setTimeout(tick, running ? EVERY_MS : SELDOM_MS);
  };
  setTimeout(tick, EVERY_MS);
}

// --- columns that stay in view

function pin() {
  const count = Number(table.dataset.pin);
  if (!count || matchMedia("(max-width: 720px)").matches) return;
  const heads = [...table.querySelectorAll("thead tr:last-child > *")];
  const ends = [];
  let left = 0;
  for (const head of heads.slice(1, count + 2)) {
    ends.push(left);
    left += head.getBoundingClientRect().width;
  }
  for (const row of table.querySelectorAll("thead tr:last-child, tbody tr")) {
    ends.forEach((end, index) => {
      const cell = row.children[index + 1];
      if (!cell) return;
      cell.classList.add("pinned");
      cell.classList.toggle("pinned-last", index === ends.length - 1);
      cell.style.left = `${end}px`;
    });
  }
}

// --- curves: how a metric went, drawn small

const WIDTH = 80;
const HEIGHT = 18;
const AT_ONCE = 50;

function drawn(curve) {
  const points = curve.steps.map((step, index) => [step, curve.values[index]]).filter(([, value]) => value !== null && Number.isFinite(value));
  if (!points.length) return null;
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const x = (value) => (right > left ? ((value - left) / (right - left)) * (WIDTH - 4) + 2 : WIDTH / 2);
  const y = (value) => (high > low ? HEIGHT - 2 - ((value - low) / (high - low)) * (HEIGHT - 4) : HEIGHT / 2);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("class", "spark");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${curve.key}: from ${ys[0]} to ${ys.at(-1)}, at least ${low}, at most ${high}`);
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", points.map(([px, py], index) => `${index ? "L" : "M"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`).join(""));
  const end = document.createElementNS(svg.namespaceURI, "circle");
  const [px, py] = points.at(-1);
  for (const [name, value] of [["cx", x(px)], ["cy", y(py)], ["r", 1.75]]) end.setAttribute(name, value.toFixed(1));
  svg.append(path, end);
  return svg;
}

async function drawCurves() {
  const cells = [...table.querySelectorAll("td[data-curve]:empty, td[data-curve][data-stale]")];
  const metrics = new Set(cells.map((cell) => cell.dataset.curve));
  for (const metric of metrics) {
    const wanted = cells.filter((cell) => cell.dataset.curve === metric);
    for (let start = 0; start < wanted.length; start += AT_ONCE) {
      const some = new Map(wanted.slice(start, start + AT_ONCE).map((cell) => [cell.dataset.run, cell]));
      const url = new URL("/ui/series", location.href);
      for (const run of some.keys()) url.searchParams.append("run", run);
      url.searchParams.set("key", metric);
      url.searchParams.set("intervals", "24");
      const response = await fetch(url);
      if (!response.ok) return;
      for (const curve of (await response.json()).curves) {
        const svg = drawn(curve);
        const cell = some.get(curve.run);
        if (svg) cell?.replaceChildren(svg);
        delete cell?.dataset.stale;
      }
    }
  }
}

// --- the dialog that chooses columns

function arrange(dialog) {
  for (const hidden of dialog.querySelectorAll("[data-move][hidden], [data-narrow][hidden]")) hidden.hidden = false;
  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    const by = Number(button.dataset.move);
    const item = button.closest("li");
    const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    by < 0 ? other.before(item) : other.after(item);
    button.focus();
  });
  dialog.querySelector("#narrow")?.addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const item of dialog.querySelectorAll(".offered li")) item.hidden = !item.textContent.toLowerCase().includes(wanted);
    if (wanted) for (const details of dialog.querySelectorAll(".offered details")) details.open = true;
  });
}

async function chooseColumns(link, dialog) {
  try {
    dialog.replaceChildren(await part(link.href));
  } catch {
    location.assign(link.href);
    return;
  }
  arrange(dialog);
  dialog.showModal();
}

document.getElementById("choose-columns")?.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  chooseColumns(event.currentTarget, document.getElementById("columns"));
});

// --- the place of a fault in the filter

const fault = document.querySelector("[data-fault]");
if (fault) {
  fault.focus();
  fault.setSelectionRange(Number(fault.dataset.fault), fault.value.length);
}

if (table) {
  table.addEventListener("click", (event) => {
    const link = event.target.closest(".unfold");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    unfold(link);
  });
  watchSelection();
  pin();
  drawCurves();
}
watchRuns();
