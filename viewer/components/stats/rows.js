// The drawings of a panel that are rows: figures side by side, bars, and a table.

import { urlOf } from "../shared/address.js";
import { el } from "../shared/dom.js";
import { figure, isNumber } from "./figure.js";

/** The figures of one row, large. */
export class Figures {
  constructor({ columns, values }) {
    const one = ({ name, unit }, i) =>
      el("div", {}, el("b", {}, figure(values[i][0], unit)), el("span", { class: "t-dim" }, name));
    this.element = el("div", { class: "t-figures" }, columns.map(one));
  }
}

/** A bar for each row. */
export class Bars {
  constructor(answer, { q }) {
    const { columns, values } = answer;
    const [labels, sizes] = values;
    const most = Math.max(...sizes.filter(isNumber), 0);
    const line = (label, i) => [
      opened(answer, i, q, figure(label, "count")),
      el("span", { class: "t-bar-lane" }, el("i", { style: `width:${most ? (100 * sizes[i]) / most : 0}%` })),
      el("span", { class: "t-num" }, figure(sizes[i], columns[1].unit)),
    ];
    this.element = el("div", { class: "t-bars" }, labels.flatMap(line));
  }
}

export class Table {
  constructor(answer, { q }) {
    const { columns, values } = answer;
    const isFigure = columns.map((_, c) => values[c].every((value) => value === null || isNumber(value)));
    const cell = (row, c) => {
      const text = figure(values[c][row], columns[c].unit);
      return el("td", { class: isFigure[c] ? "t-num" : "t-clip", title: isFigure[c] ? null : text },
        c === 0 ? opened(answer, row, q, text) : text);
    };
    const head = ({ name }, c) => el("th", { class: isFigure[c] ? "t-num" : null, scope: "col" }, name);
    const row = (_, i) => el("tr", {}, columns.map((_column, c) => cell(i, c)));
    this.element = el("table", { class: "t-panel-table" },
      el("thead", {}, el("tr", {}, columns.map(head))),
      el("tbody", {}, values[0].map(row)));
  }
}

/** A label that leads to the traces of its row, if the panel says how. */
function opened({ opens, columns, values }, row, q, text) {
  if (!opens || values[0][row] === null) return el("span", { class: "t-clip", title: text }, text);
  const filled = opens.replace(/\{(.+?)\}/g, (_, name) => {
    const column = columns.findIndex((one) => one.name === name);
    return column < 0 ? "" : quoted(String(values[column][row]));
  });
  const href = urlOf({ q: [q, filled].filter(Boolean).join(" ") });
  return el("a", { class: "t-clip", href, "data-view": "traces", title: text }, text);
}

function quoted(text) {
  return /[\s"]/.test(text) ? `"${text.replaceAll('"', " ")}"` : text;
}
