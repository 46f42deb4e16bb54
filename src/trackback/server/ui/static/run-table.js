// The table of runs, whose rows come and change: columns that stay in view, and rows below rows.

import { part } from "./part.js";
import { form, showSelection } from "./run-selection.js";
import { drawCurves } from "./sparks.js";

export const table = form?.querySelector("table");

// What holds for all rows, however they came.
export function settle() {
  showSelection();
  pin();
  drawCurves(table);
}

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

// --- rows below rows

function below(row) {
  const depth = Number(row.dataset.depth);
  const found = [];
  for (let next = row.nextElementSibling; next && Number(next.dataset.depth) > depth; next = next.nextElementSibling) found.push(next);
  return found;
}

export async function unfold(link) {
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
  settle();
}

export function watchFolds() {
  table.addEventListener("click", (event) => {
    const link = event.target.closest(".unfold");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    unfold(link);
  });
}
