// The keyboard: single letters where nobody types; `?` shows them all.

const places = { e: "/", m: "/registry", p: "/promotions", d: "/deployments", t: "/trace" };
let going = 0;

function typing(element) {
  return element.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
}

function rows() {
  return [...document.querySelectorAll("table.list tbody tr")].filter((row) => row.offsetParent !== null);
}

function move(by) {
  const all = rows();
  const now = all.findIndex((row) => row.classList.contains("cursor"));
  const next = all[Math.max(0, Math.min(all.length - 1, now < 0 ? 0 : now + by))];
  if (!next) return;
  all[now]?.classList.remove("cursor");
  next.classList.add("cursor");
  next.querySelector("th a:not(.unfold), td a")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function focus(selector) {
  const field = document.querySelector(selector);
  field?.focus();
  field?.select();
  return Boolean(field);
}

function act(key) {
  const row = document.querySelector("tr.cursor");
  if (key === "/") return focus('.find input[name="q"]');
  if (key === "f") return focus('main [aria-keyshortcuts="f"]');
  if (key === "?") return document.getElementById("keys").showModal() ?? true;
  if (key === "j" || key === "k") return move(key === "j" ? 1 : -1) ?? true;
  if (key === "x" && row) return row.querySelector('input[type="checkbox"]')?.click() ?? true;
  if (key === "c") return document.querySelector("#selection button[data-least='2']:enabled")?.click() ?? true;
  if (key === "Enter" && row && document.activeElement === document.body) return row.querySelector("a:not(.unfold)")?.click() ?? true;
  return false;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (going && Date.now() - going < 1500 && places[event.key]) {
    event.preventDefault();
    location.assign(places[event.key]);
    return;
  }
  going = event.key === "g" ? Date.now() : 0;
  if (act(event.key)) event.preventDefault();
});
