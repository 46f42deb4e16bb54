// The dialog that chooses the columns of a table of runs.

import { part } from "./part.js";

function arrange(dialog) {
  for (const hidden of dialog.querySelectorAll("[data-move][hidden], [data-narrow][hidden]")) hidden.hidden = false;
  dialog.querySelector("form").addEventListener("click", (event) => {
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
