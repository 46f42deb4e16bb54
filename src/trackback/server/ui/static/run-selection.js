// Which runs of a table are selected; it outlasts paging and filtering for as long as the tab is open.

export const form = document.getElementById("selection");

const key = `selected-runs-${form?.dataset.experiment}`;
const selected = new Set(JSON.parse(sessionStorage.getItem(key) ?? "[]"));

function boxes() {
  return [...form.querySelectorAll('tbody input[name="run"]')];
}

export function showSelection() {
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

export function watchSelection() {
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
