// Figures over time: columns that stand on each other, or lines. Drawn to the width that there is.

import { el, svg } from "../shared/dom.js";
import { fullTime, sum, when } from "../shared/format.js";
import { figure, isNumber } from "./figure.js";

const HEIGHT = 150;
const LEFT = 52;
const BOTTOM = 18;
const TOP = 8;
const MOST_SERIES = 6;
const LABEL_WIDTH = 110;

export class TimeChart {
  constructor(answer, { bucket }) {
    this.isStacked = answer.chart === "columns";
    this.bucket = Number(bucket);
    this.unit = answer.columns.at(-1).unit;
    this.series = seriesOf(answer, this.isStacked);
    const times = answer.values[0];
    this.first = Math.min(...times);
    this.count = Math.round((Math.max(...times) - this.first) / this.bucket) + 1;
    this.slots = this.slotted(times, answer);
    this.top = this.highest();
    this.drawing = svg("svg", { class: "t-chart", height: HEIGHT });
    this.tip = el("div", { class: "t-tip", hidden: true });
    this.element = el("div", { class: "t-chart-box" }, this.drawing, this.tip, this.legend());
    this.element.addEventListener("pointermove", (event) => this.pointed(event));
    this.element.addEventListener("pointerleave", () => this.point(null));
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.element);
  }

  dispose() {
    this.resizing.disconnect();
  }

  /** The figures of every series at every step of time; null where there is none. */
  slotted(times, { values }) {
    const slots = Array.from({ length: this.count }, () => this.series.map(() => null));
    for (const [s, { column, label, rest }] of this.series.entries()) {
      times.forEach((time, row) => {
        const own = label === undefined || values[1][row] === label || (rest && rest.has(values[1][row]));
        const slot = slots[Math.round((time - this.first) / this.bucket)];
        if (own && isNumber(values[column][row])) slot[s] = sum(slot[s], values[column][row]);
      });
    }
    return slots;
  }

  highest() {
    const heights = this.slots.map((slot) => (this.isStacked ? sum(...slot) : Math.max(...slot.filter(isNumber))));
    return Math.max(...heights.filter(Number.isFinite), 0) || 1;
  }

  legend() {
    if (this.series.length < 2 && this.series[0]?.label === undefined) return null;
    return el("div", { class: "t-legend" },
      this.series.map(({ name, colour }) =>
        el("span", { class: "t-clip", title: name }, el("i", { style: `background:${colour}` }), name)));
  }

  // ── drawing

  draw() {
    const width = this.element.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    this.drawing.setAttribute("width", width);
    this.step = (width - LEFT) / this.count;
    const marks = this.isStacked ? this.slots.flatMap((slot, at) => this.column(slot, at)) : this.lines();
    this.guide = svg("rect", { class: "t-chart-guide", y: TOP, height: HEIGHT - TOP - BOTTOM, visibility: "hidden" });
    this.drawing.replaceChildren(...this.scale(), this.guide, ...marks);
  }

  x(at) {
    return LEFT + at * this.step;
  }

  y(value) {
    return HEIGHT - BOTTOM - (value / this.top) * (HEIGHT - TOP - BOTTOM);
  }

  column(slot, at) {
    let below = 0;
    const gap = this.step > 4 ? 1 : 0;
    return slot.flatMap((value, s) => {
      if (!value) return [];
      const y = this.y(below + value);
      const height = Math.max(this.y(below) - y, 0.5);
      below += value;
      return [svg("rect", { x: this.x(at), y, width: this.step - gap, height, fill: this.series[s].colour })];
    });
  }

  /** A line through what is known; where a step has no figure it goes on to the next one. */
  lines() {
    return this.series.flatMap(({ colour }, s) => {
      const known = this.slots.flatMap((slot, at) => (slot[s] === null ? [] : [[this.x(at + 0.5), this.y(slot[s])]]));
      if (known.length === 1) return [svg("circle", { cx: known[0][0], cy: known[0][1], r: 2.5, fill: colour })];
      return [svg("polyline", { points: known.join(" "), stroke: colour, class: "t-chart-line" })];
    });
  }

  scale() {
    const heights = [0, this.top / 2, this.top].map((value) => [
      svg("line", { class: "t-chart-grid", x1: LEFT, x2: this.width, y1: this.y(value), y2: this.y(value) }),
      svg("text", { x: LEFT - 6, y: this.y(value) + 4, "text-anchor": "end" }, figure(value, this.unit)),
    ]);
    const every = Math.max(1, Math.ceil(LABEL_WIDTH / this.step));
    const times = [];
    for (let at = 0; this.x(at) + LABEL_WIDTH * 0.6 < this.width; at += every) {
      times.push(svg("text", { x: this.x(at), y: HEIGHT - 4 }, when(this.time(at))));
    }
    return [...heights.flat(), ...times];
  }

  /** Unix milliseconds at which a step begins. */
  time(at) {
    return (this.first + at * this.bucket) / 1e6;
  }

  // ── pointing

  pointed(event) {
    const at = Math.floor((event.clientX - this.element.getBoundingClientRect().left - LEFT) / this.step);
    this.point(at >= 0 && at < this.count ? at : null);
  }

  point(at) {
    this.tip.hidden = at === null;
    this.guide?.setAttribute("visibility", at === null ? "hidden" : "visible");
    if (at === null) return;
    this.guide.setAttribute("x", this.x(at));
    this.guide.setAttribute("width", this.step);
    const lines = this.series.map(({ name, colour }, s) => this.slots[at][s] !== null &&
      el("div", {}, el("i", { style: `background:${colour}` }), el("span", { class: "t-clip" }, name),
        el("b", {}, figure(this.slots[at][s], this.unit))));
    this.tip.replaceChildren(el("div", { class: "t-dim" }, fullTime(this.time(at)).slice(4, -4)), ...lines.filter(Boolean));
    this.tip.style.left = `${Math.min(this.x(at) + this.step + 8, this.width - this.tip.offsetWidth)}px`;
  }
}

/** The series: a figure column each, or each text of the second column; of many, the largest and all others as one. */
function seriesOf({ columns, values }, isStacked) {
  if (!values[1].some((value) => typeof value === "string")) {
    return columns.slice(1).map(({ name }, s) => ({ name, column: s + 1, colour: colourOf(name, s) }));
  }
  const totals = new Map();
  values[1].forEach((label, row) => totals.set(label, (totals.get(label) ?? 0) + (values[2][row] ?? 0)));
  const labels = [...totals.keys()].sort((a, b) => totals.get(b) - totals.get(a));
  const shown = labels.length > MOST_SERIES ? labels.slice(0, MOST_SERIES - 1) : labels;
  const named = shown.map((label, s) => ({ name: String(label), label, column: 2, colour: colourOf(label, s) }));
  if (shown.length === labels.length || !isStacked) return named;
  const rest = new Set(labels.slice(shown.length));
  return [...named, { name: `${rest.size} others`, label: null, rest, column: 2, colour: "var(--st-gray-color)" }];
}

const COLOURS = ["blue", "orange", "green", "violet", "yellow", "red"].map((name) => `var(--st-${name}-color)`);

function colourOf(name, s) {
  return /error|fail/i.test(name ?? "") ? "var(--t-red)" : COLOURS[s % COLOURS.length];
}
