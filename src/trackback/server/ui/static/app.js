// What every page does with a script: links of MLflow's, the theme, times in the reader's zone, copying, dialogs, keys.

import "./links.js";
import { showTimes } from "./times.js";
import "./keys.js";
import "./find.js";

const root = document.documentElement;
root.dataset.script = "";

for (const element of document.querySelectorAll("[data-dialog][hidden]")) element.hidden = false;

// The page answers a form that was refused: to load it again is to ask for the page, not to send the form once more.
if (document.body.dataset.url) history.replaceState(null, "", document.body.dataset.url);

// --- theme: the system's, until the reader chooses; the cookie tells the server, so that no page flashes

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

document.getElementById("theme")?.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  const port = location.port ? `_${location.port}` : "";
  document.cookie = `trackback_theme${port}=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  document.dispatchEvent(new CustomEvent("theme"));
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new CustomEvent("theme")));

// --- copying

async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without HTTPS there is no clipboard but for what is selected.
    const area = Object.assign(document.createElement("textarea"), { value: text, className: "unseen" });
    (button.closest("dialog") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1500);
}

// --- dialogs

function open(dialog) {
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector(":scope > div :is(input:not([type=hidden]), select, textarea)")?.focus();
}

function close(dialog) {
  dialog.querySelector(".problem")?.remove();
  dialog.close();
}

document.addEventListener("click", (event) => {
  const target = event.target.closest?.("[data-copy], [data-dialog], [data-close], dialog");
  if (!target) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  } else if (target.dataset.copy !== undefined) {
    copy(target);
  } else if (target.dataset.dialog !== undefined) {
    event.preventDefault();
    target.closest("details.menu")?.removeAttribute("open");
    open(document.getElementById(target.dataset.dialog));
  } else if (target.dataset.close !== undefined) {
    event.preventDefault();
    close(target.closest("dialog"));
  } else if (target === event.target && target.open) {
    close(target); // the backdrop
  }
});

function openRefused() {
  open(document.querySelector("dialog:has(.problem)"));
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent !== undefined) event.preventDefault();
  event.target.dataset.sent = "";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

openRefused();
showTimes(document);
// On a phone the sections are wider than the screen.
document.querySelector(".sections [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
document.addEventListener("htmx:load", (event) => showTimes(event.target));
