// What all charts of a page share, kept in its URL: the axis, the scale, the smoothing, and the stretch that is shown.

const NAMES = ["axis", "log", "smooth", "from", "to"];

class State extends EventTarget {
  constructor() {
    super();
    this.read();
  }

  read() {
    const query = new URLSearchParams(location.search);
    for (const name of NAMES) this[name] = query.get(name) ?? "";
  }

  get window() {
    const [start, stop] = [parseFloat(this.from), parseFloat(this.to)];
    return this.from !== "" && this.to !== "" && start < stop ? [start, stop] : null;
  }

  get weight() {
    return Math.min(Math.max(parseFloat(this.smooth) || 0, 0), 0.99);
  }

  /** Change some of it; `false` of `keep` writes no URL yet, as while a slider moves. */
  set(changes) {
    Object.assign(this, changes);
    const url = new URL(location.href);
    for (const name of NAMES) {
      if (this[name]) url.searchParams.set(name, this[name]);
      else url.searchParams.delete(name);
    }
    history.replaceState(null, "", url);
    showInForm(this);
    this.dispatchEvent(new Event("change"));
  }
}

export const state = new State();

const form = document.querySelector("[data-chart-controls]");
const whole = form?.querySelector("[data-chart-reset]");
state.defaultAxis = form?.elements.axis.value ?? "step";

function showInForm(now) {
  if (!form) return;
  form.elements.axis.value = now.axis || state.defaultAxis;
  form.elements.smooth.value = now.smooth || 0;
  form.elements.log.checked = Boolean(now.log);
  form.elements.from.value = now.from;
  form.elements.to.value = now.to;
  whole.hidden = !now.window;
}

if (form) {
  showInForm(state);
  form.addEventListener("input", ({ target }) => {
    if (target.name === "smooth") state.set({ smooth: target.value === "0" ? "" : target.value });
    if (target.name === "log") state.set({ log: target.checked ? "1" : "" });
    if (target.name === "axis") state.set({ axis: target.value, from: "", to: "" });
  });
  form.addEventListener("change", ({ target }) => {
    if (target.name !== "from" && target.name !== "to") return;
    const [from, to] = [form.elements.from.value.trim(), form.elements.to.value.trim()];
    if (!from && !to) state.set({ from: "", to: "" });
    else if (parseFloat(from) < parseFloat(to)) state.set({ from, to });
  });
  whole.addEventListener("click", () => state.set({ from: "", to: "" }));
}
