// Charts that compare runs: scatter, parallel coordinates, boxes. The server says what is drawn, this how it looks.

import { base, color, fetchData, kinds, number, remark, seriesColors, tip } from "./charts.js";

const SYMBOL = 9;
const LEGEND_MOST = 12;
const LETTERS = 20;
const TYPES = { number: "value", time: "time", category: "category" };

function short(field) {
  return field.replace(/^(params|metrics|attributes)\./, "");
}

function shown(axis, value) {
  if (value === null || value === undefined) return "none";
  if (axis.kind === "category") return axis.values[value];
  return axis.kind === "time" ? new Date(value).toLocaleString() : number(value);
}

// What stands beside a chart leaves room for it.
function cut(text) {
  return text.length > LETTERS ? `${text.slice(0, LETTERS)}…` : text;
}

function scale(axis, look) {
  return { type: TYPES[axis.kind], data: axis.kind === "category" ? axis.values : undefined, scale: true, ...look };
}

function named(axis, look) {
  return { ...scale(axis, look), name: short(axis.name) };
}

// A scale of colours for numbers, or one colour for each text.
function colouring(axis, dimension, rows) {
  const hues = seriesColors();
  const common = { dimension, right: 8, top: "middle", textStyle: { color: color("quiet"), fontSize: 11 } };
  if (axis.kind === "category") {
    const categories = axis.values.map((_, place) => place);
    return { ...common, type: "piecewise", show: categories.length <= LEGEND_MOST, categories, formatter: (place) => cut(axis.values[place]), inRange: { color: hues } };
  }
  const numbers = rows.map((row) => row[dimension]).filter((each) => typeof each === "number");
  if (!numbers.length) return undefined;
  return { ...common, type: "continuous", calculable: true, min: Math.min(...numbers), max: Math.max(...numbers), text: [cut(short(axis.name)), ""], formatter: (value) => shown(axis, axis.kind === "number" ? Number(value.toPrecision(3)) : value), inRange: { color: [hues[0], hues[1]] } };
}

/** A kind of chart: `describe` is told what was found, and says what is drawn, and of which run each part is. */
function kind(describe) {
  return async ({ element, instance, source }) => {
    const found = await fetchData(source);
    let run = () => undefined;
    const refresh = () => {
      const described = describe(found, base());
      run = described.run;
      instance.setOption({ ...base().option, ...described.option }, true);
      remark(element, described.note ?? "");
    };
    refresh();
    instance.on("click", (event) => {
      const id = run(event);
      if (id) location.assign(`/runs/${encodeURIComponent(id)}`);
    });
    return { refresh, rows: () => describe(found, base()).table };
  };
}

function scatter(found, { axis, tooltip }) {
  const rows = found.points.map((each) => [each.x, each.y, each.color]);
  const axes = [found.x, found.y, ...(found.color ? [found.color] : [])];
  const values = (point) => [point.x, point.y, point.color].slice(0, axes.length).map((value, place) => shown(axes[place], value));
  return {
    note: [found.points.length ? "" : "No run has both.", found.left_out ? `${found.left_out} have no value for one of the axes.` : ""].join(" ").trim(),
    run: (event) => found.points[event.dataIndex]?.run,
    table: { head: ["run", ...axes.map((each) => short(each.name))], rows: found.points.map((point) => [point.name, ...values(point)]) },
    option: {
      grid: { left: 8, right: found.color ? 120 : 24, top: 32, bottom: 32, containLabel: true },
      xAxis: { ...named(found.x, axis), nameLocation: "middle", nameGap: 28 },
      yAxis: { ...named(found.y, axis), nameTextStyle: { ...axis.nameTextStyle, align: "left" } },
      tooltip: { ...tooltip, formatter: ({ dataIndex }) => {
        const point = found.points[dataIndex];
        return tip(point.name, values(point).map((value, place) => ["transparent", short(axes[place].name), value]));
      } },
      visualMap: found.color && rows.length ? colouring(found.color, 2, rows) : undefined,
      dataZoom: [{ type: "inside", filterMode: "none" }, { type: "inside", orient: "vertical", filterMode: "none" }],
      series: [{ type: "scatter", data: rows, symbolSize: SYMBOL, itemStyle: { opacity: 0.75 }, cursor: "pointer" }],
    },
  };
}

function parallel(found, { axis, tooltip }) {
  const last = found.axes.length - 1;
  const values = (line) => line.values.map((value, place) => shown(found.axes[place], value));
  const rows = found.lines.map((line) => line.values);
  return {
    run: (event) => found.lines[event.dataIndex]?.run,
    table: { head: ["run", ...found.axes.map((each) => short(each.name))], rows: found.lines.map((line) => [line.name, ...values(line)]) },
    option: {
      parallel: { left: 56, right: 232, top: 40, bottom: 24, parallelAxisDefault: { areaSelectStyle: { color: color("series-1"), borderColor: color("series-1") } } },
      parallelAxis: found.axes.map((each, place) => ({ ...named(each, axis), dim: place, nameTextStyle: { ...axis.nameTextStyle, color: color("text") }, nameTruncate: { maxWidth: 120 }, axisLabel: { ...axis.axisLabel, textBorderColor: color("ground"), textBorderWidth: 3 } })),
      tooltip: { ...tooltip, formatter: ({ dataIndex }) => {
        const line = found.lines[dataIndex];
        return tip(line.name, values(line).map((value, place) => ["transparent", short(found.axes[place].name), value]));
      } },
      visualMap: rows.length ? colouring(found.axes[last], last, rows) : undefined,
      series: [{ type: "parallel", data: rows.map((row) => row.map((value) => value ?? "-")), lineStyle: { width: 1.25, opacity: 0.55 }, inactiveOpacity: 0.04, emphasis: { lineStyle: { width: 3, opacity: 1 } } }],
    },
  };
}

function box(found, { axis, tooltip }) {
  const outliers = found.groups.flatMap((group, place) => group.outliers.map((each) => ({ ...each, place })));
  const words = ["least", "first quartile", "median", "third quartile", "greatest"];
  const describe = ({ seriesIndex, dataIndex }) => {
    if (seriesIndex === 1) return tip(outliers[dataIndex].name, [["transparent", short(found.metric), number(outliers[dataIndex].value)]]);
    const group = found.groups[dataIndex];
    return tip(`${short(found.by)} ${group.name}: ${group.count} runs`, words.map((word, place) => ["transparent", word, number(group.box[place])]));
  };
  return {
    note: [found.groups.length ? "" : "No run has that metric.", found.left_out ? `${found.left_out} are not drawn.` : ""].join(" ").trim(),
    run: ({ seriesIndex, dataIndex }) => (seriesIndex === 1 ? outliers[dataIndex]?.run : undefined),
    table: { head: [short(found.by), "runs", ...words], rows: found.groups.map((group) => [group.name, group.count, ...group.box.map(number)]) },
    option: {
      grid: { left: 8, right: 24, top: 32, bottom: 32, containLabel: true },
      xAxis: { type: "category", ...axis, data: found.groups.map((group) => `${group.name} (${group.count})`), name: short(found.by), nameLocation: "middle", nameGap: 28 },
      yAxis: { type: "value", scale: true, ...axis, name: short(found.metric), nameTextStyle: { ...axis.nameTextStyle, align: "left" } },
      tooltip: { ...tooltip, formatter: describe },
      series: [
        { type: "boxplot", data: found.groups.map((group) => group.box), boxWidth: [8, 48], itemStyle: { color: color("raised"), borderColor: color("series-1") } },
        { type: "scatter", data: outliers.map((each) => [each.place, each.value]), symbolSize: 6, itemStyle: { color: color("series-2") }, cursor: "pointer" },
      ],
    },
  };
}

for (const [name, describe] of Object.entries({ scatter, parallel, box })) kinds.set(name, kind(describe));
