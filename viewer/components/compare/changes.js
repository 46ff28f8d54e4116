// What became of one step: parameters beside each other, and texts with what went and what came.

import { ask } from "../shared/api.js";
import { urlOf } from "../shared/address.js";
import { diffView } from "../shared/diff.js";
import { el } from "../shared/dom.js";
import { plain } from "../shared/json.js";
import { failure } from "../shared/screens.js";

const TITLES = {
  system_instructions: "Instructions",
  tool_definitions: "Tools",
  input: "Input",
  output: "Output",
  status_message: "Error",
};

export class Changes {
  constructor() {
    this.body = el("div", { class: "t-detail-body" });
    this.element = el("section", { class: "t-detail", "aria-label": "What differs" }, this.body);
  }

  /** Show `[{name, traceId, span, differs}, …]`, the first of which the others are held against. */
  async show(sides) {
    this.sides = sides;
    const [base, ...others] = sides;
    const parts = await Promise.all(others.map((other) => this.pair(base, other)));
    if (this.sides === sides) this.body.replaceChildren(...parts);
  }

  async pair(base, other) {
    const known = base.span ?? other.span;
    const head = el("header", {},
      el("h2", {}, known?.name ?? "–"),
      ...[base, other].map(({ name, traceId, span }) => span && el("a", {
        class: "t-chip", href: urlOf({ trace: traceId, span: span.span_id }), "data-view": "trace",
      }, `open in ${name}`)));
    const section = el("section", { class: "t-changes" }, head);
    if (!base.span || !other.span) {
      section.append(el("p", { class: "t-dim" }, `This step is not in ${base.span ? other.name : base.name}.`));
      return section;
    }
    try {
      const place = ({ traceId, span }) => `${traceId}.${span.span_id}`;
      const { texts, parameters } = await ask("compare/span", { a: place(base), b: place(other) });
      section.append(...parameterTable(parameters, base, other), ...Object.entries(texts).map(textChanges));
      if (section.childElementCount === 1) section.append(el("p", { class: "t-dim" }, "Nothing differs but time and cost."));
    } catch (error) {
      section.append(failure(error));
    }
    return section;
  }
}

function parameterTable(parameters, base, other) {
  if (!parameters.length) return [];
  const value = (one) => (one === null ? el("span", { class: "t-dim" }, "not given") : plain(one));
  const row = ([name, before, after]) =>
    el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value(before)), el("td", {}, value(after)));
  return [
    el("section", { class: "t-value" },
      el("header", {}, el("h3", {}, "Parameters")),
      el("table", { class: "t-panel-table" },
        el("thead", {}, el("tr", {}, el("th"), el("th", {}, base.name), el("th", {}, other.name))),
        el("tbody", {}, parameters.map(row)))),
  ];
}

function textChanges([name, changes]) {
  return el("section", { class: "t-value" },
    el("header", {}, el("h3", {}, TITLES[name])),
    diffView(changes));
}
