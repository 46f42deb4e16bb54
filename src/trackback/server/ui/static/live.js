// Parts of a page that keep themselves up to date, without taking the reader's place away.
//
// [data-events="URL"]  a stream of events, at each of which the page's live parts are read again
// [data-live]          such a part, by its id; with a number in it, it is also read again every so many seconds

import { showTimes } from "./times.js";

const served = new Map(); // what the server sent of a part last: scripts may have changed what is shown

async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!page.querySelector("[data-live]")) return; // another page: of who is not signed in any more
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (fresh) replace(part, fresh);
    else part.remove();
  }
  // What was not there when the page was made, as the first that waits.
  for (const fresh of page.querySelectorAll("[data-live]")) {
    if (!document.getElementById(fresh.id)) document.querySelector("[data-events]")?.before(fresh);
  }
}

function replace(part, fresh) {
  const text = fresh.outerHTML;
  if (served.get(part.id) === text || part.contains(document.activeElement) || part.querySelector("dialog[open]")) return;
  served.set(part.id, text);
  const scrolled = [...part.querySelectorAll(".scroll, .stages-frame")].map((each) => [each.scrollLeft, each.scrollTop]);
  part.replaceWith(fresh);
  [...fresh.querySelectorAll(".scroll, .stages-frame")].forEach((each, place) => {
    if (scrolled[place]) [each.scrollLeft, each.scrollTop] = scrolled[place];
  });
  showTimes(fresh);
  document.dispatchEvent(new CustomEvent("live", { detail: fresh }));
}

let wanted = 0;

// Several events at once are one reading; a reading that fails is made up for by the next.
function soon(delay = 100) {
  clearTimeout(wanted);
  wanted = setTimeout(() => refresh().catch(() => {}), delay);
}

function follow(element) {
  const source = new EventSource(element.dataset.events);
  source.addEventListener("open", () => {
    for (const sign of document.querySelectorAll("[data-following]")) sign.hidden = false;
  });
  source.addEventListener("promotion", () => soon());
  addEventListener("pagehide", () => source.close());
}

function poll() {
  const every = [...document.querySelectorAll("[data-live]")].map((part) => Number(part.dataset.live)).filter(Boolean);
  if (!every.length) return;
  setTimeout(async () => {
    if (!document.hidden) await refresh().catch(() => {});
    poll();
  }, 1000 * Math.min(...every));
}

for (const element of document.querySelectorAll("[data-events]")) follow(element);
poll();
