// The search box suggests what there is by the name while somebody types: arrows choose, Enter opens.

const PAUSE_MS = 120;

const form = document.querySelector("form.find");
const input = form?.querySelector("input");

if (input) {
  const list = Object.assign(document.createElement("ul"), { className: "completions", id: "suggestions", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Found");
  form.append(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": "suggestions", "aria-autocomplete": "list" })) {
    input.setAttribute(name, value);
  }

  let waiting = 0;
  let asking;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector('[aria-selected="true"]');

  function choose(option) {
    chosen()?.removeAttribute("aria-selected");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  }

  function show(visible) {
    list.hidden = !visible;
    input.setAttribute("aria-expanded", String(visible));
    if (!visible) choose(null);
  }

  function open(option) {
    location.assign(option.dataset.url);
  }

  async function ask() {
    asking?.abort();
    const text = input.value.trim();
    if (text.length < 2) return show(false);
    asking = new AbortController();
    try {
      const answer = await fetch(`/search/suggestions?${new URLSearchParams({ q: text })}`, { signal: asking.signal });
      if (!answer.ok) return show(false);
      list.innerHTML = await answer.text();
      show(options().length > 0 && document.activeElement === input);
    } catch (error) {
      if (error.name !== "AbortError") show(false);
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    const all = options();
    const place = all.indexOf(chosen());
    if (event.key === "Escape" && !list.hidden) {
      show(false);
      event.preventDefault();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !list.hidden && all.length) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(all[(place + step + all.length + (place < 0 && step < 0 ? 1 : 0)) % all.length]);
    } else if (event.key === "Enter" && chosen()) {
      event.preventDefault();
      open(chosen());
    }
  });
  input.addEventListener("blur", () => show(false));
  // Before the box loses the focus, which closes the list.
  list.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    open(option);
  });
}
