// Completion in a filter: a combobox whose list the server makes for the place that the cursor is at.

const WAIT_MS = 120;

class Completion {
  constructor(input) {
    this.input = input;
    this.list = Object.assign(document.createElement("ul"), { className: "completions", id: `completions-${input.name}`, hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "What may come next");
    (input.closest("main") ?? document.body).append(this.list);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", this.list.id);
    this.found = null;
    this.at = -1;
    this.asked = 0;
    input.addEventListener("input", () => this.soon());
    input.addEventListener("click", () => this.soon());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => this.close());
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const item = event.target.closest("li");
      if (item) this.take([...this.list.children].indexOf(item));
    });
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT_MS);
  }

  async ask() {
    const number = ++this.asked;
    const url = new URL(this.input.dataset.complete, location.href);
    url.searchParams.set("text", this.input.value);
    url.searchParams.set("at", [...this.input.value.slice(0, this.input.selectionStart)].length);
    const response = await fetch(url);
    if (!response.ok || number !== this.asked || document.activeElement !== this.input) return;
    this.found = await response.json();
    this.show();
  }

  show() {
    const { candidates } = this.found;
    this.at = -1;
    this.input.removeAttribute("aria-activedescendant");
    this.list.replaceChildren(
      ...candidates.map((candidate, index) => {
        const item = Object.assign(document.createElement("li"), { id: `${this.list.id}-${index}` });
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        const hint = Object.assign(document.createElement("span"), { className: "quiet", textContent: candidate.hint });
        item.append(candidate.text, hint);
        return item;
      }),
    );
    const open = candidates.length > 0;
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    if (!open) return;
    const place = this.input.getBoundingClientRect();
    this.list.style.left = `${place.left + scrollX}px`;
    this.list.style.top = `${place.bottom + scrollY + 2}px`;
    this.list.style.minWidth = `${Math.min(place.width, 320)}px`;
    this.list.style.maxWidth = `${place.width}px`;
  }

  close() {
    clearTimeout(this.timer);
    this.asked += 1;
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  choose(index) {
    const items = [...this.list.children];
    items[this.at]?.setAttribute("aria-selected", "false");
    this.at = (index + items.length) % items.length;
    items[this.at].setAttribute("aria-selected", "true");
    items[this.at].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", items[this.at].id);
  }

  take(index) {
    const { start, end, candidates } = this.found;
    const letters = [...this.input.value];
    const text = candidates[index].text;
    const goesOn = text.endsWith("(") || /^\s/.test(letters.slice(end).join(""));
    const before = letters.slice(0, start).join("");
    const gap = before && !/[\s(]$/.test(before) ? " " : "";
    const put = gap + text + (goesOn ? "" : " ");
    this.input.value = before + put + letters.slice(end).join("");
    const cursor = before.length + put.length;
    this.input.setSelectionRange(cursor, cursor);
    this.close();
    this.soon();
  }

  key(event) {
    if (this.list.hidden) {
      if (event.key === "ArrowDown" || (event.key === " " && event.ctrlKey)) {
        event.preventDefault();
        this.ask();
      }
      return;
    }
    if (event.key === "ArrowDown") this.choose(this.at + 1);
    else if (event.key === "ArrowUp") this.choose(this.at < 0 ? -1 : this.at - 1);
    else if (event.key === "Enter" && this.at >= 0) this.take(this.at);
    else if (event.key === "Tab" && !event.shiftKey && (this.at >= 0 || this.found.candidates.length === 1)) this.take(Math.max(this.at, 0));
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }
}

for (const input of document.querySelectorAll("[data-complete]")) new Completion(input);
