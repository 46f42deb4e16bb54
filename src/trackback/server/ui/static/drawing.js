// How a chart gets its colours and its size, and stays right when the theme or the room changes.

const SERIES = 8;

// The page's own tokens, as colours that a canvas takes.
export function colours() {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const resolved = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const found = {
    text: resolved("text"),
    quiet: resolved("quiet"),
    line: resolved("line-strong"),
    faint: resolved("line"),
    ground: resolved("raised"),
    series: Array.from({ length: SERIES }, (_, place) => resolved(`series-${place + 1}`)),
  };
  probe.remove();
  return found;
}

// Draw what `describe` says, again when the theme changes; a click on a run leads to its page.
export function draw(echarts, element, describe) {
  element.replaceChildren();
  const chart = echarts.init(element, null, { renderer: "canvas" });
  let described;
  const paint = () => {
    described = describe();
    const look = colours();
    chart.setOption({ animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: look.text }, ...described.option }, true);
    note(element, described.note);
  };
  paint();
  chart.on("click", (event) => {
    const run = described.run(event);
    if (run) location.assign(`/runs/${encodeURIComponent(run)}`);
  });
  document.addEventListener("theme", paint);
  new ResizeObserver(() => chart.resize()).observe(element);
  element.dataset.drawn = "";
}

function note(element, text) {
  const header = element.closest(".card")?.querySelector("header");
  if (!header || !text) return;
  const quiet = header.querySelector(".quiet") ?? header.appendChild(Object.assign(document.createElement("span"), { className: "quiet" }));
  quiet.textContent = text;
}
