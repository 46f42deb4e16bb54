// Charts that compare runs: scatter, parallel coordinates, boxes. The server says what is drawn, this how it looks.

import { loadECharts } from "./echarts.js";
import { colours, draw } from "./drawing.js";

const SYMBOL = 9;
const LEGEND_MOST = 12;

function short(field) {
  return field.replace(/^(params|metrics|attributes)\./, "");
}

function shown(axis, value) {
  if (value === null || value === undefined) return "none";
  if (axis.kind === "category") return axis.values[value];
  if (axis.kind === "time") return new Date(value).toLocaleString();
  return Number.isInteger(value) ? String(value) : Number(value).toPrecision(6).replace(/\.?0+(e|$)/, "$1");
}

function axisOption(axis, look) {
  const types = { number: "value", time: "time", category: "category" };
  return {
    type: types[axis.kind],
    data: axis.kind === "category" ? axis.values : undefined,
    scale: true,
    axisLine: { lineStyle: { color: look.line } },
    axisLabel: { color: look.quiet, hideOverlap: true },
    splitLine: { lineStyle: { color: look.faint } },
  };
}

// A scale of colours for numbers, or one colour for each text.
function colouring(axis, dimension, data, look) {
  const text = { textStyle: { color: look.quiet }, dimension, right: 8, top: "middle", calculable: true };
  if (axis.kind === "category") {
    return { ...text, type: "piecewise", categories: axis.values.map((_, place) => place), calculable: undefined,
      show: axis.values.length <= LEGEND_MOST, formatter: (place) => axis.values[place], inRange: { color: look.series } };
  }
  const numbers = data.map((each) => each[dimension]).filter((each) => each !== null);
  return { ...text, type: "continuous", min: Math.min(...numbers), max: Math.max(...numbers), text: [short(axis.name), ""],
    formatter: (value) => shown(axis, value), inRange: { color: [look.series[0], look.series[1]] } };
}

function scatter(found, look) {
  const data = found.points.map((each) => [each.x, each.y, each.color]);
  const describe = (place) => {
    const point = found.points[place];
    const lines = [point.name, `${short(found.x.name)}: ${shown(found.x, point.x)}`, `${short(found.y.name)}: ${shown(found.y, point.y)}`];
    if (found.color) lines.push(`${short(found.color.name)}: ${shown(found.color, point.color)}`);
    return lines.join("\n");
  };
  return {
    note: found.left_out ? `${found.left_out} without one of these` : "",
    run: (event) => found.points[event.dataIndex]?.run,
    option: {
      grid: { left: 8, right: found.color ? 120 : 24, top: 28, bottom: 32, containLabel: true },
      xAxis: { ...axisOption(found.x, look), name: short(found.x.name), nameLocation: "middle", nameGap: 28, nameTextStyle: { color: look.quiet } },
      yAxis: { ...axisOption(found.y, look), name: short(found.y.name), nameTextStyle: { color: look.quiet, align: "left" } },
      tooltip: { renderMode: "richText", formatter: (event) => describe(event.dataIndex) },
      visualMap: found.color && data.length ? colouring(found.color, 2, data, look) : undefined,
      dataZoom: [{ type: "inside", filterMode: "none" }, { type: "inside", orient: "vertical", filterMode: "none" }],
      series: [{ type: "scatter", data, symbolSize: SYMBOL, itemStyle: { color: look.series[0], opacity: 0.75 }, cursor: "pointer" }],
    },
  };
}

function parallel(found, look) {
  const last = found.axes.length - 1;
  const data = found.lines.map((line) => line.values.map((value) => value ?? "-"));
  const plain = found.lines.map((line) => line.values);
  const axes = found.axes.map((axis, place) => ({
    ...axisOption(axis, look),
    dim: place,
    name: short(axis.name),
    nameTextStyle: { color: look.text, width: 130, overflow: "truncate" },
    nameTruncate: { maxWidth: 130 },
    tooltip: { show: true },
  }));
  return {
    note: "",
    run: (event) => found.lines[event.dataIndex]?.run,
    option: {
      parallel: { left: 48, right: 140, top: 48, bottom: 24, parallelAxisDefault: { areaSelectStyle: { color: look.series[0], borderColor: look.series[0] } } },
      parallelAxis: axes,
      tooltip: {
        renderMode: "richText",
        formatter: (event) => {
          const line = found.lines[event.dataIndex];
          return [line.name, ...found.axes.map((axis, place) => `${short(axis.name)}: ${shown(axis, line.values[place])}`)].join("\n");
        },
      },
      visualMap: plain.length ? colouring(found.axes[last], last, plain, look) : undefined,
      series: [{ type: "parallel", data, smooth: false, lineStyle: { width: 1.25, opacity: 0.55 }, inactiveOpacity: 0.04, emphasis: { lineStyle: { width: 3, opacity: 1 } } }],
    },
  };
}

function box(found, look) {
  const names = found.groups.map((group) => `${group.name}  (${group.count})`);
  const outliers = found.groups.flatMap((group, place) => group.outliers.map((each) => ({ ...each, place })));
  const axis = { kind: "number" };
  const words = ["least", "first quartile", "median", "third quartile", "greatest"];
  const describe = (event) => {
    if (event.seriesIndex === 1) {
      const each = outliers[event.dataIndex];
      return `${each.name}\n${short(found.metric)}: ${shown(axis, each.value)}`;
    }
    const group = found.groups[event.dataIndex];
    return [`${short(found.by)} ${group.name}: ${group.count} runs`, ...words.map((word, place) => `${word}: ${shown(axis, group.box[place])}`)].join("\n");
  };
  return {
    note: found.left_out ? `${found.left_out} not drawn` : "",
    run: (event) => (event.seriesIndex === 1 ? outliers[event.dataIndex]?.run : undefined),
    option: {
      grid: { left: 8, right: 24, top: 28, bottom: 32, containLabel: true },
      xAxis: { type: "category", data: names, name: short(found.by), nameLocation: "middle", nameGap: 28, nameTextStyle: { color: look.quiet }, axisLine: { lineStyle: { color: look.line } }, axisLabel: { color: look.quiet, hideOverlap: true } },
      yAxis: { ...axisOption(axis, look), name: short(found.metric), nameTextStyle: { color: look.quiet, align: "left" } },
      tooltip: { renderMode: "richText", formatter: describe },
      series: [
        { type: "boxplot", data: found.groups.map((group) => group.box), boxWidth: [8, 48], itemStyle: { color: look.ground, borderColor: look.series[0] } },
        { type: "scatter", data: outliers.map((each) => [each.place, each.value]), symbolSize: 6, itemStyle: { color: look.series[1] }, cursor: "pointer" },
      ],
    },
  };
}

const KINDS = { scatter, parallel, box };

async function show(element) {
  const answer = await fetch(element.dataset.source, { headers: { accept: "application/json" } });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error ?? found.message);
  const echarts = await loadECharts();
  draw(echarts, element, () => KINDS[element.dataset.kind](found, colours()));
}

for (const element of document.querySelectorAll(".chart[data-source]")) {
  if (!(element.dataset.kind in KINDS)) continue;
  show(element).catch((error) => {
    const quiet = Object.assign(document.createElement("p"), { className: "chart-quiet", textContent: error.message });
    element.replaceChildren(quiet);
  });
}
