// Tables of runs that keep up: with runs that go on, with new ones, and with what is logged of them for the first time.

import { part } from "./part.js";
import { form } from "./run-selection.js";
import { settle, table, unfold } from "./run-table.js";
import { showTimes } from "./times.js";

const EVERY_MS = 5000;
const SELDOM_MS = 15000;
const LATE_MS = 60000; // clocks of those who begin runs differ
const FOCUSABLE = "a, input";

const live = document.getElementById("live");

async function rows(...query) {
  const url = new URL(live.dataset.rows, location.href);
  if (live.dataset.suits !== undefined) url.searchParams.set("suits", "yes");
  for (const [name, value] of query) url.searchParams.append(name, value);
  return part(url);
}

// --- runs that go on

async function keepUp() {
  const running = [...table.querySelectorAll("tr[data-running]")].slice(0, 100);
  if (!running.length) return false;
  const fresh = await rows(...running.map((row) => ["run", row.dataset.run]));
  if (await widened(fresh)) return true;
  for (const row of [...fresh.querySelectorAll("tr[data-run]")]) {
    const old = document.getElementById(row.id);
    if (old) replace(old, row);
  }
  settle();
  return true;
}

function replace(old, row) {
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

// --- what has no column yet, in tables that nobody has chosen columns for

const calledFor = new Set(); // by rows, of the columns that the table was read again for

async function widened(fresh) {
  const lacking = JSON.parse(fresh.querySelector("[data-lacking]")?.dataset.lacking ?? "[]");
  if (lacking.every((name) => calledFor.has(name)) || !(await readAgain())) return false;
  for (const name of lacking) calledFor.add(name);
  return true;
}

async function readAgain() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const whole = page.querySelector("#selection table");
  if (!answer.ok || !whole) return false;
  const unfolded = [...table.querySelectorAll('.unfold[aria-expanded="true"]')].map((link) => link.closest("tr").id);
  const cursor = table.querySelector("tr.cursor")?.id;
  const row = document.activeElement.closest("tbody tr");
  const focused = row ? [...row.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement) : -1;
  table.tHead.replaceWith(whole.tHead);
  table.tBodies[0].replaceWith(whole.tBodies[0]);
  takeLinks(page);
  showTimes(table);
  for (const id of unfolded) {
    const link = document.getElementById(id)?.querySelector(".unfold");
    if (link) await unfold(link);
  }
  document.getElementById(cursor)?.classList.add("cursor");
  if (row) document.getElementById(row.id)?.querySelectorAll(FOCUSABLE)[focused]?.focus({ preventScroll: true });
  settle();
  return true;
}

// Those that name the columns.
function takeLinks(page) {
  live.dataset.rows = page.getElementById("live")?.dataset.rows ?? live.dataset.rows;
  const [choose, chosen] = [document, page].map((each) => each.getElementById("choose-columns"));
  choose.href = chosen.getAttribute("href");
  choose.replaceChildren(...chosen.childNodes);
  const exports = page.querySelectorAll("[data-export]");
  form.querySelectorAll("[data-export]").forEach((link, index) => (link.href = exports[index].getAttribute("href")));
}

// --- new runs

const newer = new Set();

function unknown(fresh) {
  return [...fresh.querySelectorAll("tr[data-run]")].filter((row) => !document.getElementById(row.id));
}

// Runs that began since a time: above the others where the newest come first, else there is a link that shows them.
async function bringNew(since) {
  const fresh = await rows(["since", Math.max(Math.floor(since) - LATE_MS, 0)]);
  if (table && unknown(fresh).length) await widened(fresh);
  const found = unknown(fresh);
  if (!found.length) return;
  if (!table) {
    if (!document.activeElement?.matches("input, textarea, dialog *")) location.reload();
  } else if (live.dataset.grows !== undefined) {
    for (const row of found) row.classList.add("fresh");
    table.tBodies[0].prepend(...found);
    settle();
  } else {
    for (const row of found) newer.add(row.dataset.run);
    const link = document.getElementById("newer");
    link.textContent = newer.size === 1 ? "1 new run" : `${newer.size} new runs`;
    link.hidden = false;
  }
}

export function watchRuns() {
  if (!live) return;
  const isFirst = live.dataset.now !== undefined;
  const opened = Number(live.dataset.now) - performance.now(); // by the server's clock
  let asked = Number(live.dataset.now);
  const tick = async () => {
    let running = true;
    if (!document.hidden) {
      try {
        running = table ? await keepUp() : false;
        const now = opened + performance.now();
        if (isFirst) await bringNew(asked);
        asked = now;
      } catch {
        // The server may be starting again: the next time will do.
      }
    }
    if (running || isFirst) setTimeout(tick, running ? EVERY_MS : SELDOM_MS);
  };
  setTimeout(tick, EVERY_MS);
}
