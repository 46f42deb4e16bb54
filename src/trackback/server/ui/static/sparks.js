// Curves in the cells of a table: how a metric went, drawn small.

const WIDTH = 80;
const HEIGHT = 18;
const AT_ONCE = 50;

function drawn(curve) {
  const points = curve.steps.map((step, index) => [step, curve.values[index]]).filter(([, value]) => value !== null && Number.isFinite(value));
  if (!points.length) return null;
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const x = (value) => (right > left ? ((value - left) / (right - left)) * (WIDTH - 4) + 2 : WIDTH / 2);
  const y = (value) => (high > low ? HEIGHT - 2 - ((value - low) / (high - low)) * (HEIGHT - 4) : HEIGHT / 2);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("class", "spark");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${curve.key}: from ${ys[0]} to ${ys.at(-1)}, at least ${low}, at most ${high}`);
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", points.map(([px, py], index) => `${index ? "L" : "M"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`).join(""));
  const end = document.createElementNS(svg.namespaceURI, "circle");
  const [px, py] = points.at(-1);
  for (const [name, value] of [["cx", x(px)], ["cy", y(py)], ["r", 1.75]]) end.setAttribute(name, value.toFixed(1));
  svg.append(path, end);
  return svg;
}

export async function drawCurves(table) {
  const cells = [...table.querySelectorAll("td[data-curve]:empty, td[data-curve][data-stale]")];
  const metrics = new Set(cells.map((cell) => cell.dataset.curve));
  for (const metric of metrics) {
    const wanted = cells.filter((cell) => cell.dataset.curve === metric);
    for (let start = 0; start < wanted.length; start += AT_ONCE) {
      const some = new Map(wanted.slice(start, start + AT_ONCE).map((cell) => [cell.dataset.run, cell]));
      const url = new URL("/ui/series", location.href);
      for (const run of some.keys()) url.searchParams.append("run", run);
      url.searchParams.set("key", metric);
      url.searchParams.set("intervals", "24");
      const response = await fetch(url);
      if (!response.ok) return;
      for (const curve of (await response.json()).curves) {
        const svg = drawn(curve);
        const cell = some.get(curve.run);
        if (svg) cell?.replaceChildren(svg);
        delete cell?.dataset.stale;
      }
    }
  }
}
