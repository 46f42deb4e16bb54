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

// A browser has few connections to a server, for all of its tabs: one that nobody sees gives its own back.
function follow(element) {
  const url = new URL(element.dataset.events, location.href);
  let source = null;

  function open() {
    if (source || document.hidden) return;
    source = new EventSource(url);
    source.addEventListener("open", () => {
      for (const sign of document.querySelectorAll("[data-following]")) sign.hidden = false;
    });
    source.addEventListener("promotion", (event) => {
      url.searchParams.set("after", event.lastEventId);
      soon();
    });
  }

  function close() {
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
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
